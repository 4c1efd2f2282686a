"""The objects of text completions, embeddings and rankings.

Imported when the first of them is made or asked for.
"""

from ._types import Object, Usage, _made, _made_list, _new_id, _now


class Logprobs(Object):
    """Probabilities of the tokens of a text completion: four lists, an entry a token."""

    def __init__(self, text_offset=None, token_logprobs=None, tokens=None, top_logprobs=None, **extra):
        super().__init__(
            text_offset=text_offset,
            token_logprobs=token_logprobs,
            tokens=tokens,
            top_logprobs=top_logprobs,
            **extra,
        )


class TextChoices(Object):
    """One answer of possibly several, or a piece of one."""

    def __init__(self, finish_reason=None, index=0, logprobs=None, text="", **extra):
        super().__init__(
            finish_reason=finish_reason, index=index, logprobs=_made(Logprobs, logprobs), text=text, **extra
        )


class _Answer(Object):
    """What is known beside the answer is in ``_hidden_params``, which is no field."""

    __slots__ = ("_hidden_params",)

    @property
    def warnings(self):
        """What was done differently from what was asked; mostly nothing."""
        return self._hidden_params.get("warnings", [])


class TextCompletionResponse(_Answer):
    """A text completion, OpenAI's ``Completion``; a stream's pieces have the same form.

    ``_hidden_params`` is that of a ``ModelResponse``.
    """

    __slots__ = ()

    system_fingerprint = None
    usage = None

    def __init__(
        self,
        id=None,
        choices=None,
        created=None,
        model=None,
        object="text_completion",
        usage=None,
        **extra,
    ):
        super().__init__(
            id=id or _new_id("cmpl-"),
            created=_now() if created is None else created,
            model=model,
            object=object,
            choices=[TextChoices()] if choices is None else _made_list(TextChoices, choices),
        )
        if usage is not None:
            self.usage = _made(Usage, usage)
        self.__dict__.update(extra)
        self._hidden_params = {}

    def _repr_markdown_(self):
        """What a notebook shows: the text of the first answer."""
        return (self.choices[0].text or "") if self.choices else ""


class Embedding(Object):
    """The vector of one text: a list of numbers, or base64 where ``encoding_format="base64"``."""

    def __init__(self, embedding=None, index=0, object="embedding", **extra):
        super().__init__(
            embedding=[] if embedding is None else embedding, index=index, object=object, **extra
        )


class EmbeddingResponse(_Answer):
    """Vectors, OpenAI's ``CreateEmbeddingResponse``, in the order of the texts.

    ``_hidden_params`` is that of a ``ModelResponse``.
    """

    __slots__ = ()

    usage = None

    def __init__(self, model=None, data=None, object="list", usage=None, **extra):
        super().__init__(model=model, data=[] if data is None else _made_list(Embedding, data), object=object)
        if usage is not None:
            self.usage = _made(Usage, usage)
        self.__dict__.update(extra)
        self._hidden_params = {}


class RerankResult(Object):
    """A document: its place among those that were given, and how well it answers.

    ``document`` is ``{"text": …}``, where ``return_documents=True`` asked for it.
    """

    document = None

    def __init__(self, index=0, relevance_score=0.0, document=None, **extra):
        super().__init__(index=index, relevance_score=relevance_score)
        if document is not None:
            self.document = document
        self.__dict__.update(extra)


class RerankResponse(_Answer):
    """Documents by how well they answer a query, the best first, as Cohere and LiteLLM have them.

    ``_hidden_params`` is that of a ``ModelResponse``.
    """

    __slots__ = ()

    usage = None
    meta = None

    def __init__(self, id=None, results=None, model=None, usage=None, **extra):
        super().__init__(
            id=id or _new_id("rerank-"),
            model=model,
            results=[] if results is None else _made_list(RerankResult, results),
        )
        if usage is not None:
            self.usage = _made(Usage, usage)
        self.__dict__.update(extra)
        self._hidden_params = {}


# They are told to the world, and pickled, by the name that they are imported by.
for _class in (
    Embedding,
    EmbeddingResponse,
    Logprobs,
    RerankResponse,
    RerankResult,
    TextChoices,
    TextCompletionResponse,
):
    _class.__module__ = "antiphon"
del _class
