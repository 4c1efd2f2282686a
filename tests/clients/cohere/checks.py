"""The official `cohere` client, whose reranking is at `/v1/rerank` or `/v2/rerank`."""

import cohere
from harness import COLON_KEY, KEY, KEYED_URL, LOCAL, URL, needs, raises

DOCUMENTS = ["a", "b"]


def ranked(of, **fields):
    answer = of.rerank(model="ranks/m", query="q", documents=DOCUMENTS, **fields)
    assert answer.id
    assert [result.index for result in answer.results] == [1, 0]
    assert answer.results[0].relevance_score == 0.75
    return answer


@needs("POST /v2/rerank")
def check_v2():
    ranked(cohere.ClientV2("anything", base_url=URL))
    ranked(cohere.ClientV2(KEY, base_url=KEYED_URL), max_tokens_per_doc=9)
    ranked(cohere.ClientV2(COLON_KEY, base_url=KEYED_URL))


@needs("POST /v1/rerank")
def check_v1():
    answer = ranked(cohere.Client("anything", base_url=URL), return_documents=True)
    assert [result.document.text for result in answer.results] == ["b", "a"]


@needs("POST /v2/rerank")
def check_errors():
    of = cohere.ClientV2("anything", base_url=URL)
    error = raises(cohere.BadRequestError, lambda: of.rerank(model=LOCAL, query="q", documents=DOCUMENTS))
    assert "ranks no documents" in str(error)
    raises(cohere.BadRequestError, lambda: of.rerank(model="ranks/m", query="q", documents=[]))
    keyed = cohere.ClientV2("wrong", base_url=KEYED_URL)
    raises(cohere.UnauthorizedError, lambda: keyed.rerank(model="ranks/m", query="q", documents=DOCUMENTS))
