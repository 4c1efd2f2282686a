"""The objects of an answer, in the shape of OpenAI's client and with the names of LiteLLM's.

An object's fields live in its ``__dict__``, in order: what is there is printed and dumped, what is not there
is not. Fields that OpenAI's objects always have stand on the class as ``None``, so that reading one is never
an error. The native half fills the ``__dict__`` itself; ``__init__`` is for people.
"""


class MissingFieldError(AttributeError, KeyError):
    """``object["name"]`` found no such field. Both errors that people catch there."""

    __str__ = Exception.__str__


class Object:
    """Fields by attribute and by item, writable; equal when class and fields are."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __getitem__(self, name):
        try:
            return self.__dict__[name]
        except KeyError:
            pass
        if isinstance(name, str) and getattr(type(self), name, name) is None:
            return None
        raise MissingFieldError(f"{type(self).__name__!r} object has no field {name!r}")

    def __setitem__(self, name, value):
        setattr(self, name, value)

    def __delitem__(self, name):
        try:
            del self.__dict__[name]
        except KeyError:
            raise MissingFieldError(f"{type(self).__name__!r} object has no field {name!r}") from None

    def __contains__(self, name):
        return name in self.__dict__

    def __iter__(self):
        """Pairs of name and value, as pydantic's models give them."""
        return iter(self.__dict__.items())

    def __len__(self):
        return len(self.__dict__)

    def __bool__(self):
        return True

    def __class_getitem__(cls, form):
        """``ModelResponse[Recipe]`` is for type checkers: it is the class itself."""
        return cls

    def get(self, name, default=None):
        """The field, or ``default`` where it is not set."""
        return self.__dict__.get(name, default)

    def keys(self):
        """Names of the fields that are set."""
        return self.__dict__.keys()

    def values(self):
        """Values of the fields that are set."""
        return self.__dict__.values()

    def items(self):
        """Names and values of the fields that are set."""
        return self.__dict__.items()

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return self.__dict__ == other.__dict__

    __hash__ = None

    def __repr__(self):
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"

    def __str__(self):
        return _indented(self, "")

    def model_dump(self, *, mode="python", include=None, exclude=None, exclude_none=False, **_pydantic):
        """The fields that are set as plain dicts and lists; nothing in it is shared with the object.

        Other keywords of pydantic's ``model_dump`` are accepted and change nothing.
        """
        dump = _plain(self, exclude_none)
        if include is not None:
            dump = {name: value for name, value in dump.items() if name in include}
        if exclude is not None:
            dump = {name: value for name, value in dump.items() if name not in exclude}
        return dump

    def model_dump_json(self, *, indent=None, **options):
        """``model_dump`` as JSON text."""
        from json import dumps

        separators = (",", ":") if indent is None else None
        return dumps(self.model_dump(**options), indent=indent, separators=separators, ensure_ascii=False)

    def to_dict(self, **options):
        """The same as ``model_dump``."""
        return self.model_dump(**options)

    def to_json(self, *, indent=2, **options):
        """``model_dump`` as JSON text, indented."""
        return self.model_dump_json(indent=indent, **options)

    def dict(self, **options):
        """The same as ``model_dump``."""
        return self.model_dump(**options)

    def json(self, **options):
        """The same as ``model_dump``: a dict, not text."""
        return self.model_dump(**options)


def _plain(value, exclude_none):
    if isinstance(value, Object):
        value = value.__dict__
    if isinstance(value, dict):
        return {
            name: _plain(item, exclude_none)
            for name, item in value.items()
            if not (exclude_none and item is None)
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item, exclude_none) for item in value]
    return value


def _indented(value, margin):
    deeper = margin + "    "
    if isinstance(value, Object):
        lines = [f"{deeper}{name}={_indented(item, deeper)}" for name, item in value.__dict__.items()]
        opening, closing = f"{type(value).__name__}(", ")"
    elif isinstance(value, list) and any(isinstance(item, Object) for item in value):
        lines = [deeper + _indented(item, deeper) for item in value]
        opening, closing = "[", "]"
    else:
        return repr(value)
    if not lines:
        return opening + closing
    return "\n".join((opening, ",\n".join(lines), margin + closing))


def _made(cls, value):
    """A dict as the object that it describes; everything else as it is."""
    return cls(**value) if isinstance(value, dict) else value


def _made_list(cls, values):
    return values if values is None else [_made(cls, value) for value in values]


def _new_id(prefix):
    from uuid import uuid4

    return f"{prefix}{uuid4()}"


def _now():
    from time import time

    return int(time())


class Function(Object):
    """The function that a tool call names, with its arguments as JSON text."""

    def __init__(self, arguments="", name=None, **extra):
        if isinstance(arguments, dict):
            from json import dumps

            arguments = dumps(arguments)
        super().__init__(arguments=arguments, name=name, **extra)


class FunctionCall(Function):
    """The older form of a call."""


class Custom(Object):
    """The free text that a custom tool is called with."""

    def __init__(self, input="", name=None, **extra):
        super().__init__(input=input, name=name, **extra)


class ChatCompletionMessageToolCall(Object):
    """A tool call that the model wants made."""

    def __init__(self, function=None, id=None, type="function", **extra):
        function = Function() if function is None else _made(Function, function)
        super().__init__(function=function, id=id or _new_id("call_"), type=type, **extra)


class AnnotationURLCitation(Object):
    """A place on the web that a part of the answer stands on."""


class Annotation(Object):
    """A note to a part of the answer."""

    def __init__(self, **fields):
        super().__init__(**fields)
        if "url_citation" in fields:
            self.url_citation = _made(AnnotationURLCitation, fields["url_citation"])


class ChatCompletionAudio(Object):
    """Sound of the answer: base64 in ``data``, its words in ``transcript``."""


class Message(Object):
    """What was answered. Also good as a message of the next call.

    ``parsed`` is no field: it is what the JSON of the answer stands for, where a form was asked for.
    """

    __slots__ = ("_parsed",)

    refusal = None
    annotations = None
    audio = None
    reasoning_content = None

    def __init__(self, content=None, role="assistant", function_call=None, tool_calls=None, **extra):
        super().__init__(
            content=content,
            role=role,
            tool_calls=_made_list(ChatCompletionMessageToolCall, tool_calls),
            function_call=_made(FunctionCall, function_call),
            **extra,
        )
        _make_extras(self)

    @property
    def parsed(self):
        """The instance of ``response_format``, or its JSON as plain values; ``None`` where no form was asked
        for, or the model refused.
        """
        return getattr(self, "_parsed", None)


def _make_extras(message):
    fields = message.__dict__
    if "audio" in fields:
        fields["audio"] = _made(ChatCompletionAudio, fields["audio"])
    if "annotations" in fields:
        fields["annotations"] = _made_list(Annotation, fields["annotations"])


class TopLogprob(Object):
    """One of the likeliest tokens at a place."""


class ChatCompletionTokenLogprob(Object):
    """A token with its probability."""

    def __init__(self, token="", bytes=None, logprob=0.0, top_logprobs=(), **extra):
        top_logprobs = _made_list(TopLogprob, top_logprobs)
        super().__init__(token=token, bytes=bytes, logprob=logprob, top_logprobs=top_logprobs, **extra)


class ChoiceLogprobs(Object):
    """Probabilities of the tokens of an answer."""

    def __init__(self, content=None, refusal=None, **extra):
        content = _made_list(ChatCompletionTokenLogprob, content)
        refusal = _made_list(ChatCompletionTokenLogprob, refusal)
        super().__init__(content=content, refusal=refusal, **extra)


class Choices(Object):
    """One answer of possibly several."""

    logprobs = None

    def __init__(self, finish_reason="stop", index=0, message=None, logprobs=None, **extra):
        message = Message() if message is None else _made(Message, message)
        super().__init__(finish_reason=finish_reason or "stop", index=index, message=message)
        if logprobs is not None:
            self.logprobs = _made(ChoiceLogprobs, logprobs)
        self.__dict__.update(extra)


class CompletionTokensDetailsWrapper(Object):
    """What the tokens of an answer were."""

    def __init__(
        self,
        accepted_prediction_tokens=None,
        audio_tokens=None,
        reasoning_tokens=None,
        rejected_prediction_tokens=None,
        **extra,
    ):
        super().__init__(
            accepted_prediction_tokens=accepted_prediction_tokens,
            audio_tokens=audio_tokens,
            reasoning_tokens=reasoning_tokens,
            rejected_prediction_tokens=rejected_prediction_tokens,
            **extra,
        )


class PromptTokensDetailsWrapper(Object):
    """What the tokens of a prompt were."""

    def __init__(self, audio_tokens=None, cached_tokens=None, text_tokens=None, image_tokens=None, **extra):
        super().__init__(
            audio_tokens=audio_tokens,
            cached_tokens=cached_tokens,
            text_tokens=text_tokens,
            image_tokens=image_tokens,
            **extra,
        )


class Usage(Object):
    """Token counts of a call; ``prompt_tokens`` includes cached ones. What is ``None`` is unknown."""

    def __init__(
        self,
        prompt_tokens=0,
        completion_tokens=0,
        total_tokens=None,
        completion_tokens_details=None,
        prompt_tokens_details=None,
        **extra,
    ):
        super().__init__(
            completion_tokens=completion_tokens,
            prompt_tokens=prompt_tokens,
            total_tokens=prompt_tokens + completion_tokens if total_tokens is None else total_tokens,
            completion_tokens_details=_made(CompletionTokensDetailsWrapper, completion_tokens_details),
            prompt_tokens_details=_made(PromptTokensDetailsWrapper, prompt_tokens_details),
            **extra,
        )


class ModelResponse(Object):
    """A whole answer, OpenAI's ``ChatCompletion``.

    ``_hidden_params`` is no field: it tells what is known beside the answer (``response_cost`` in dollars,
    ``None`` where it is unknown; ``custom_llm_provider``; ``model_id``; ``cache_hit``; ``warnings``).
    """

    __slots__ = ("_hidden_params",)

    usage = None
    service_tier = None

    def __init__(
        self,
        id=None,
        choices=None,
        created=None,
        model=None,
        object="chat.completion",
        system_fingerprint=None,
        usage=None,
        **extra,
    ):
        super().__init__(
            id=id or _new_id("chatcmpl-"),
            created=_now() if created is None else created,
            model=model,
            object=object,
            system_fingerprint=system_fingerprint,
            choices=[Choices()] if choices is None else _made_list(Choices, choices),
        )
        if usage is not None:
            self.usage = _made(Usage, usage)
        self.__dict__.update(extra)
        self._hidden_params = {}

    @property
    def parsed(self):
        """``parsed`` of the first answer."""
        return self.choices[0].message.parsed if self.choices else None

    @property
    def warnings(self):
        """What was done differently from what was asked; mostly nothing."""
        return self._hidden_params.get("warnings", [])

    def _repr_markdown_(self):
        """What a notebook shows: the text of the first answer."""
        if not self.choices:
            return ""
        return self.choices[0].message.content or ""


class Delta(Object):
    """What is new in a message."""

    refusal = None
    annotations = None
    audio = None
    reasoning_content = None

    def __init__(self, content=None, role=None, function_call=None, tool_calls=None, **extra):
        super().__init__(
            content=content,
            role=role,
            function_call=_made(FunctionCall, function_call),
            tool_calls=_made_list(ChatCompletionDeltaToolCall, tool_calls),
            **extra,
        )
        _make_extras(self)


class ChatCompletionDeltaToolCall(Object):
    """A piece of a tool call."""

    def __init__(self, id=None, function=None, type=None, index=0, **extra):
        function = Function() if function is None else _made(Function, function)
        super().__init__(id=id, function=function, type=type, index=index, **extra)


class StreamingChoices(Object):
    """What is new about one answer."""

    def __init__(self, finish_reason=None, index=0, delta=None, logprobs=None, **extra):
        delta = Delta() if delta is None else _made(Delta, delta)
        logprobs = _made(ChoiceLogprobs, logprobs)
        super().__init__(finish_reason=finish_reason, index=index, delta=delta, logprobs=logprobs, **extra)


class ModelResponseStream(Object):
    """One chunk of a stream, OpenAI's ``ChatCompletionChunk``."""

    usage = None
    service_tier = None

    def __init__(
        self,
        id=None,
        choices=None,
        created=None,
        model=None,
        object="chat.completion.chunk",
        system_fingerprint=None,
        usage=None,
        **extra,
    ):
        super().__init__(
            id=id or _new_id("chatcmpl-"),
            created=_now() if created is None else created,
            model=model,
            object=object,
            system_fingerprint=system_fingerprint,
            choices=[] if choices is None else _made_list(StreamingChoices, choices),
        )
        if usage is not None:
            self.usage = _made(Usage, usage)
        self.__dict__.update(extra)


class Attempt(Object):
    """One attempt of a call that failed: ``target``, ``status``, ``message``, ``elapsed`` (seconds)."""


# They are told to the world, and pickled, by the name that they are imported by.
for _class in list(globals().values()):
    if isinstance(_class, type) and _class not in (MissingFieldError, Object):
        _class.__module__ = "antiphon"
del _class
