"""Documents by how well they answer a query: hosted, local, mocked, and by LiteLLM's names."""

import asyncio
import copy
import inspect
import json
import os
import pickle
import subprocess
import sys

import antiphon
import pytest
import tiny_bert
from antiphon import arerank, completion, embedding, litellm, rerank
from antiphon.litellm.types.rerank import RerankResponse
from faultd import Faultd, error, json_reply

DOCUMENTS = ["Carson City", {"text": "Washington"}, "Paris"]


def answer(*scores, **more):
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    more = more or {"meta": {"billed_units": {"search_units": 1}}}
    return json_reply({"id": "r-1", "results": results, **more})


def options(upstream, **more):
    return {"base_url": f"{upstream.url}/v1", "api_key": "canary", "retry_delay": 0.001, **more}


def test_the_best_come_first():
    with Faultd(answer(0.25, 0.75, 0.5)) as upstream:
        call = options(upstream, top_n=2, return_documents=True)
        response = rerank("capital?", DOCUMENTS, "hosted_vllm/bge", **call)
        sent, body = upstream.requests()[0], upstream.bodies()[0]
    assert sent["target"] == "/v1/rerank"
    documents = ["Carson City", "Washington", "Paris"]
    assert body == {"model": "bge", "query": "capital?", "documents": documents, "top_n": 2}
    assert isinstance(response, antiphon.RerankResponse)
    assert [result.index for result in response.results] == [1, 2]
    assert response.results[0]["relevance_score"] == 0.75
    assert response.results[0].document == {"text": "Washington"}
    assert (response.id, response.meta["billed_units"]["search_units"]) == ("r-1", 1)
    for copied in (pickle.loads(pickle.dumps(response)), copy.deepcopy(response)):
        assert copied == response


def test_the_model_may_come_first():
    expected = [1, 0]
    for response in (
        rerank("m/x", "q", ["a", "b"], mock_response=[0.25, 0.5]),
        rerank("q", ["a", "b"], "m/x", mock_response=[0.25, 0.5]),
        rerank("q", ["a", "b"], model="m/x", mock_response=[0.25, 0.5]),
        rerank("m/x", query="q", documents=["a", "b"], mock_response=[0.25, 0.5]),
        asyncio.run(arerank(model="m/x", query="q", documents=["a", "b"], mock_response=[0.25, 0.5])),
    ):
        assert [result.index for result in response.results] == expected
        assert response.model == "m/x"
        assert response.results[0].document is None


def test_what_stands_around_a_call(tmp_path):
    with Faultd([error(429, "rate_limit_exceeded", "slow down"), answer(0.25, 0.5)]) as upstream:
        call = options(upstream, model="hosted_vllm/bge", cache_path=tmp_path)
        first = rerank("q", ["a", "b"], **call)
        again = asyncio.run(arerank("q", ["a", "b"], **call))
        assert again == first
        assert again._hidden_params["cache_hit"]
        assert len(upstream.requests()) == 2
        key = rerank("q", ["a", "b"], return_cache_key=True, **call)
        assert key != rerank("q", ["b", "a"], return_cache_key=True, **call)
        assert rerank("q", ["a"], dry_run=True, **call)["url"].endswith("/v1/rerank")
    with Faultd(answer(0.5)) as upstream:
        rerank("q", ["a"], "cohere/rerank-v3.5", api_key="canary", base_url=upstream.url)
        assert upstream.requests()[0]["target"] == "/v2/rerank"
    with pytest.raises(antiphon.BadRequestError, match="Anthropic has no reranking"):
        rerank("q", ["a"], "anthropic/claude-sonnet-4-5", api_key="canary")
    assert list(inspect.signature(arerank).parameters) == list(inspect.signature(rerank).parameters)


def test_local_documents(tmp_path):
    path, vectors = tmp_path / "tiny-ranker.gguf", tmp_path / "tiny-bert.gguf"
    tiny_bert.write(path, ranks=True)
    tiny_bert.write(vectors)
    model = f"local/{path}"
    documents = ["the cat", "dogs", {"text": "the dog sat"}]
    response = rerank("the cat sat", documents, model, return_documents=True)
    scores = [result.relevance_score for result in response.results]
    assert scores == sorted(scores, reverse=True)
    assert sorted(result.index for result in response.results) == [0, 1, 2]
    assert all(0 < score < 1 for score in scores)
    assert {result.document["text"] for result in response.results} == {"the cat", "dogs", "the dog sat"}
    # Each is read with the query: three tokens and three around them, beside its own two, two and three.
    assert response.usage.prompt_tokens == 3 * 6 + 2 + 2 + 3
    assert response._hidden_params["response_cost"] == 0.0
    best = asyncio.run(arerank(model, "the cat sat", documents, top_n=1))
    assert [result.index for result in best.results] == [response.results[0].index]
    assert best.results[0].relevance_score == pytest.approx(scores[0], abs=1e-5)
    with pytest.raises(
        antiphon.ContextWindowExceededError, match=r"documents\[1\]: .* 46 tokens, and the model reads 24"
    ):
        rerank("the cat sat", ["dogs", "cat " * 40], model)
    assert len(rerank("the cat sat", ["dogs", "cat " * 40], model, max_tokens_per_doc=9).results) == 2
    for ask, message in [
        (lambda: completion("hi", model=model), "is a model for reranking, and generates no text"),
        (lambda: embedding("hi", model), "ranks documents, and gives no embeddings"),
        (lambda: rerank("q", ["a"], "local/chorister"), "generates text, and ranks no documents"),
        (lambda: rerank("q", ["a"], f"local/{vectors}"), "gives embeddings, and ranks no documents"),
    ]:
        with pytest.raises(antiphon.BadRequestError, match=message):
            ask()


PROGRAM = """
import json, sys
from antiphon import rerank

results = rerank("the cat sat", ["the cat", "dogs"], sys.argv[1]).results
print(json.dumps([[result.index, result.relevance_score] for result in results]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="as test_own_process.py")
def test_a_process_of_its_own_ranks_alike(tmp_path):
    path = tmp_path / "tiny-ranker.gguf"
    tiny_bert.write(path, ranks=True)
    (tmp_path / "config.toml").write_text("[local]\nown_process = true\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"local/{path}"],
        env=os.environ | {"ANTIPHON_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    here = rerank("the cat sat", ["the cat", "dogs"], f"local/{path}").results
    there = json.loads(done.stdout)
    assert [index for index, _ in there] == [result.index for result in here]
    assert [score for _, score in there] == pytest.approx([result.relevance_score for result in here])


def test_bad_input_names_the_field():
    for keywords, message in [
        ({"documents": ["a"]}, "query: is required"),
        ({"query": "q"}, "documents: is required"),
        ({"query": "q", "documents": "a"}, "documents: must be a list of texts, got a string"),
        ({"query": "", "documents": ["a"]}, "query: is required"),
        ({"query": "q", "documents": []}, "documents: is empty"),
        ({"query": "q", "documents": ["a", {"title": "b"}]}, "documents[1].text: is required"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n: must be at least 1, got 0"),
        ({"query": "q", "documents": ["a"], "top_n": -1}, "top_n: "),
        ({"query": "q", "documents": ["a"], "mock_response": [1, 2]}, "mock_response: has 2 scores"),
    ]:
        with pytest.raises(antiphon.InvalidRequestError) as raised:
            rerank(**{"model": "m/x", "mock_response": [1], **keywords})
        assert str(raised.value).startswith(message)
    with pytest.raises(antiphon.InvalidRequestError, match="model: is required"):
        rerank("q", ["a"])
    with pytest.raises(TypeError, match="takes from 0 to 3 positional arguments but 4 were given"):
        rerank("q", ["a"], "m/x", 1)


def test_litellm_has_it_by_its_own_names():
    with Faultd(answer(0.5, 0.25)) as upstream:
        response = litellm.rerank(
            model="bge",
            query="q",
            documents=["a", "b"],
            custom_llm_provider="hosted_vllm",
            top_n=1,
            api_base=f"{upstream.url}/v1",
        )
    assert isinstance(response, RerankResponse)
    assert response.results[0]["document"]["text"] == "a"
    assert len(response.results) == 1
    assert response.meta == {"billed_units": {"search_units": 1}}
    with Faultd(answer(0.5, usage={"total_tokens": 7})) as upstream:
        counted = litellm.rerank("hosted_vllm/bge", "q", ["a"], api_base=f"{upstream.url}/v1")
    assert counted.meta["tokens"]["input_tokens"] == counted.meta["billed_units"]["total_tokens"] == 7
    mocked = litellm.arerank("m/x", "q", ["a"], mock_response=[1])
    assert asyncio.run(mocked).results[0]["index"] == 0
    with pytest.raises(antiphon.InvalidRequestError, match="rank_fields"):
        litellm.rerank("m/x", "q", [{"title": "a"}], rank_fields=["title"])
