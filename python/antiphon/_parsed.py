"""JSON as instances of the types that were asked for. Imported by the first answer in a form."""

import enum
import json
import types
import typing
from decimal import Decimal
from uuid import UUID

from ._exceptions import JSONSchemaValidationError
from ._schema import DICTS, MARKS, PLAIN, SETS, is_object_type, told


def attach(response, form, is_checked):
    """Puts what the JSON of each answer means into its message's ``parsed``; ``form`` is a class, or ``None``
    for JSON as it is. What does not fit the class is an error where answers are checked.
    """
    for choice in response.choices:
        message = choice.message
        content = message.content
        if message.refusal or not isinstance(content, str) or (not content and message.tool_calls):
            continue
        try:
            message._parsed = parsed(form, content)
        except (ValueError, TypeError, ArithmeticError) as error:
            if not is_checked:
                continue
            known = response._hidden_params
            raise JSONSchemaValidationError(
                f"the answer does not fit {getattr(form, '__name__', 'JSON')}: {error}",
                known.get("custom_llm_provider"),
                known.get("model_id"),
                raw=content,
                partial_response=response,
            ) from error


def parsed(form, text):
    """The instance of ``form`` that a JSON text stands for."""
    if form is None:
        return json.loads(text)
    if hasattr(form, "model_validate_json"):
        return form.model_validate_json(text)
    return build(form, json.loads(text), form.__name__)


def build(form, value, path):
    """The value of a type that JSON stands for; a ``ValueError`` names the place that does not fit."""
    if form is typing.Any or form is object:
        return value
    origin, args = typing.get_origin(form), typing.get_args(form)
    if origin is typing.Annotated or origin in MARKS:
        return build(args[0], value, path)
    if origin is typing.Literal:
        for literal in args:
            plain = literal.value if isinstance(literal, enum.Enum) else literal
            if plain == value and type(plain) is type(value):
                return literal
        raise _misfit(path, value, form)
    if origin in (typing.Union, types.UnionType):
        return _any_of(args, value, path, form)
    if is_object_type(origin or form):
        return _instance(origin or form, value, path)
    if hasattr(form, "__supertype__"):
        return build(form.__supertype__, value, path)
    if form in PLAIN or form is None:
        return _plain(form, value, path)
    return _contained(form, origin or form, args, value, path)


def _any_of(forms, value, path, whole):
    for form in forms:
        try:
            return build(form, value, path)
        except (ValueError, TypeError):
            continue
    raise _misfit(path, value, whole)


def _instance(form, value, path):
    if hasattr(form, "model_validate_json"):
        return form.model_validate_json(json.dumps(value))
    if not isinstance(value, dict):
        raise _misfit(path, value, form)
    hints = typing.get_type_hints(form, include_extras=True)
    fields = {}
    for name, item in value.items():
        if name in hints:
            fields[name] = build(hints[name], item, f"{path}.{name}")
        elif typing.is_typeddict(form):
            fields[name] = item
    if typing.is_typeddict(form):
        missing = form.__required_keys__ - fields.keys()
        if missing:
            raise ValueError(f"{path} has no {sorted(missing)[0]!r}")
        return fields
    return form(**fields)


def _plain(form, value, path):
    if form is None or form is type(None):
        if value is None:
            return None
    elif form is bool or form is str:
        if isinstance(value, form):
            return value
    elif isinstance(value, bool):
        pass
    elif form is int:
        # JSON knows one kind of number: 5.0 is whole.
        if isinstance(value, (int, float)) and value == int(value):
            return int(value)
    elif form is float:
        if isinstance(value, (int, float)):
            return float(value)
    elif form is Decimal:
        if isinstance(value, (int, float)):
            return Decimal(str(value))
    elif isinstance(value, str):
        return UUID(value) if form is UUID else form.fromisoformat(value.replace("Z", "+00:00"))
    raise _misfit(path, value, form)


def _contained(form, kind, args, value, path):
    if isinstance(form, type) and issubclass(form, enum.Enum):
        return form(value)
    if kind in DICTS and isinstance(value, dict):
        of = args[1] if args else typing.Any
        return {name: build(of, item, f"{path}.{name}") for name, item in value.items()}
    if not isinstance(value, list):
        raise _misfit(path, value, form)
    if kind is tuple and args and not (len(args) == 2 and args[1] is Ellipsis):
        if len(args) != len(value):
            raise _misfit(path, value, form)
        forms = args
    else:
        forms = [args[0] if args else typing.Any] * len(value)
    pairs = zip(forms, value, strict=True)
    items = [build(form, item, f"{path}[{i}]") for i, (form, item) in enumerate(pairs)]
    if kind is tuple:
        return tuple(items)
    if kind in SETS:
        return frozenset(items) if kind is frozenset else set(items)
    return items


def _misfit(path, value, form):
    return ValueError(f"{path} must be {told(form)}, got {value!r}")
