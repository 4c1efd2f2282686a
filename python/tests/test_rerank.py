"""Documents by how well they answer a query: hosted, mocked, and by LiteLLM's names."""

import asyncio
import copy
import pickle

import antiphon
import pytest
from antiphon import arerank, litellm, rerank
from faultd import Faultd, json_reply

DOCUMENTS = ["Carson City", {"text": "Washington"}, "Paris"]


def answer(*scores):
    results = [{"index": index, "relevance_score": score} for index, score in enumerate(scores)]
    return json_reply({"id": "r-1", "results": results, "meta": {"billed_units": {"search_units": 1}}})


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


def test_bad_input_names_the_field():
    for keywords, message in [
        ({"documents": ["a"]}, "query: is required"),
        ({"query": "q"}, "documents: is required"),
        ({"query": "q", "documents": "a"}, "documents: must be a list of texts, got a string"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n: must be at least 1, got 0"),
    ]:
        with pytest.raises(antiphon.InvalidRequestError) as raised:
            rerank(model="m/x", mock_response=[1], **keywords)
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
    assert response.results[0]["document"]["text"] == "a"
    assert len(response.results) == 1
    mocked = litellm.arerank("m/x", "q", ["a"], mock_response=[1])
    assert asyncio.run(mocked).results[0]["index"] == 0
    with pytest.raises(antiphon.InvalidRequestError, match="rank_fields"):
        litellm.rerank("m/x", "q", [{"title": "a"}], rank_fields=["title"])
