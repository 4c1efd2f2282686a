"""The zoo: what is known of open models, and their weights from a hub on loopback."""

import asyncio
import random
from pathlib import Path

import antiphon
import pytest
from antiphon import AuthenticationError, ConfigError, InvalidRequestError, NotFoundError, completion, zoo
from antiphon.llmengine import Completion, Model
from hub import COMMIT, Hub

NAME = "someone/tiny-GGUF"
CHORISTER = Path(__file__).parents[2] / "models/chorister/chorister.gguf"
CONTENT = random.Random(1).randbytes(300_000)

needs_engine = pytest.mark.skipif(not antiphon._antiphon.LOCAL_MODELS, reason="a build without local models")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    for name in ("HF_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with Hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.files[f"{NAME}/tiny-Q4_K_M.gguf"] = CONTENT
        hub.files[f"{NAME}/tiny-Q8_0.gguf"] = b"other"
        yield hub


def test_the_catalogue_says_what_a_model_is_good_for(hub):
    models = zoo.list()
    assert len({model["name"] for model in models}) == len(models) == 129
    assert zoo.list(here=True) == []
    falcon = zoo.info("falcon-7b")
    assert falcon in models
    assert (falcon["source"], falcon["kind"], falcon["context"]) == ("tiiuae/falcon-7b", "base", 2048)
    assert falcon["size"] > 4e9
    assert falcon["memory"] > falcon["size"]
    assert falcon["path"] is None
    with pytest.raises(NotFoundError, match="did you mean falcon-7b"):
        zoo.info("falcon-7")


def test_a_pull_tells_how_far_it_is_and_is_not_repeated(hub, tmp_path):
    far = []
    path = zoo.pull(NAME, progress=far.append)
    assert path == tmp_path / f"hub/models--someone--tiny-GGUF/snapshots/{COMMIT}/tiny-Q4_K_M.gguf"
    assert path.read_bytes() == CONTENT
    assert far[-1] == {
        "file": "tiny-Q4_K_M.gguf",
        "part": 1,
        "parts": 1,
        "done": 300_000,
        "total": 300_000,
        "found": 0,
        "state": "fetching",
        "reason": None,
    }
    assert zoo.pull(f"local/{NAME}") == zoo.path(NAME) == path
    assert hub.ranges == [None]
    assert [model["name"] for model in zoo.list(here=True)] == [NAME]
    assert zoo.pull(f"{NAME}:Q8_0").read_bytes() == b"other"
    assert zoo.rm(f"{NAME}:Q8_0") == 5
    assert zoo.rm(NAME) == 300_000
    with pytest.raises(NotFoundError, match="`antiphon zoo pull someone/tiny-GGUF` gets it"):
        zoo.path(NAME)


def test_a_connection_that_breaks_is_gone_on_with(hub):
    hub.cuts = [100_000]
    far = []
    assert zoo.pull(NAME, progress=far.append).read_bytes() == CONTENT
    assert hub.ranges == [None, "bytes=100000-"]
    assert any(one["state"] == "again" and "broke" in one["reason"] for one in far)


def test_what_progress_raises_ends_the_pull_and_the_next_goes_on(hub):
    hub.pause = 0.03

    def stop(one):
        if one["done"]:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        zoo.pull(NAME, progress=stop)
    hub.pause = 0
    assert zoo.pull(NAME).read_bytes() == CONTENT
    assert hub.ranges[0] is None
    assert hub.ranges[-1].startswith("bytes=")


def test_an_async_pull_leaves_the_loop_free_and_can_be_cancelled(hub):
    hub.pause = 0.03

    async def run():
        far = []
        pulling = asyncio.create_task(zoo.async_pull(NAME, progress=far.append))
        while not (far and far[-1]["done"]):
            await asyncio.sleep(0.01)
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling
        hub.pause = 0
        return await zoo.async_pull(NAME)

    assert asyncio.run(run()).read_bytes() == CONTENT
    assert len(hub.ranges) == 2
    assert hub.ranges[1].startswith("bytes=")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("nobody/nothing", NotFoundError, "has no nobody/nothing"),
        ("../../x", InvalidRequestError, "is no repository"),
        (f"{NAME}:Q2_K", NotFoundError, "tiny-GGUF has no Q2_K"),
        ("flan-t5-xxl", NotFoundError, "no weights of flan-t5-xxl are known"),
    ],
)
def test_what_cannot_be_pulled_says_why(hub, name, error, words):
    with pytest.raises(error, match=words):
        zoo.pull(name)


def test_nothing_is_fetched_offline(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match="HF_HUB_OFFLINE"):
        zoo.pull(NAME)


@needs_engine
def test_a_call_of_weights_that_are_not_here_says_what_gets_them(hub):
    for name in ("falcon-7b", "local/falcon-7b"):
        with pytest.raises(NotFoundError, match=r"`antiphon zoo pull falcon-7b` gets it \(about 4.4 GB\)"):
            Completion.create(model=name, prompt="hi")
    # Who gives an address means a model there.
    with pytest.raises(antiphon.APIConnectionError):
        completion("hi", "falcon-7b", base_url="http://127.0.0.1:9/v1", max_retries=0)


@needs_engine
def test_a_name_of_llm_engine_works_when_its_weights_are_here(hub):
    hub.files["maddes8cht/tiiuae-falcon-7b-gguf/tiiuae-falcon-7b-Q4_K_M.gguf"] = CHORISTER.read_bytes()
    zoo.pull("falcon-7b")
    answer = completion("What is the capital of France?", "falcon-7b")
    assert answer.choices[0].message.content == "The capital of France is Paris."
    assert answer._hidden_params["response_cost"] == 0.0
    names = {endpoint.name for endpoint in Model.list().model_endpoints}
    assert {"falcon-7b", "local/falcon-7b", "local/chorister"} <= names
    assert Model.get("falcon-7b").name == "falcon-7b"
    assert Completion.create(model="falcon-7b", prompt="Hello", max_new_tokens=3).output.text is not None


def test_a_token_that_is_refused_is_not_shown(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "canary\nx")
    with pytest.raises(ConfigError) as caught:
        zoo.pull(NAME)
    assert "canary" not in str(caught.value)
    assert not isinstance(caught.value, AuthenticationError)
