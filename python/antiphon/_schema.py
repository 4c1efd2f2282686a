"""Types as JSON Schemas, and functions as tools.

Imported by the first call that is given a type or a function. pydantic's models make their schema themselves;
dataclasses, TypedDicts and what stands in them are read here, by their type hints.
"""

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections import abc
from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from ._docstring import described
from ._exceptions import InvalidRequestError

#: Types that are one word of JSON Schema.
PLAIN = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    UUID: {"type": "string", "format": "uuid"},
    Decimal: {"type": "number"},
}
LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
SETS = (set, frozenset, abc.Set, abc.MutableSet)
DICTS = (dict, abc.Mapping, abc.MutableMapping)
#: What is said of a key of a TypedDict, around its type. Python has them from 3.11 on.
MARKS = tuple(
    getattr(typing, name) for name in ("Required", "NotRequired", "ReadOnly") if hasattr(typing, name)
)


def response_format(form):
    """The ``response_format`` that asks for an instance of the class ``form``."""
    if not isinstance(form, type) or typing.get_origin(form) is not None or not is_object_type(form):
        message = f"must be a dict, or a pydantic model, a dataclass or a TypedDict, got {told(form)}"
        hint = "put a list or a plain type into a field of such a class"
        if is_object_type(type(form)):
            hint = "give the class itself, not an instance of it"
        raise _invalid("response_format", message, hint)
    return {"type": "json_schema", "json_schema": {**_named(form, "response_format"), "strict": "auto"}}


def tool(given, place):
    """The tool that a function, or a class whose fields are the arguments, stands for."""
    path = f"tools[{place}]"
    if isinstance(given, type):
        if not is_object_type(given):
            message = f"{told(given)} is no pydantic model, dataclass or TypedDict"
            raise _invalid(path, message, "give such a class, a function with type hints, or a dict")
        form = _named(given, path)
        function = {"name": form["name"], "parameters": form["schema"]}
    else:
        form = _function(given, path)
        function = {"name": form["name"], "parameters": form["schema"]}
    if form.get("description"):
        function["description"] = form["description"]
    return {"type": "function", "function": function}


def is_object_type(form):
    """Whether instances of the class are JSON objects that we can make."""
    return isinstance(form, type) and (
        hasattr(form, "model_json_schema") or dataclasses.is_dataclass(form) or typing.is_typeddict(form)
    )


def _named(form, path):
    """Name, description and schema of a class."""
    schemas = _Schemas(path)
    schema = schemas.root(form)
    # The name of a generic class has brackets in it.
    named = {"name": re.sub(r"[^a-zA-Z0-9_-]", "_", form.__name__)[:64], "schema": schema}
    if schema.get("description"):
        named["description"] = schema["description"]
    return named


def _function(function, path):
    """Name, description and schema of the arguments of a function."""
    name = getattr(function, "__name__", None)
    if not callable(function) or not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name):
        message = f"must be a dict, a function with a name, or a class, got {told(function)}"
        raise _invalid(path, message)
    try:
        signature = inspect.signature(function)
        hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except (TypeError, ValueError, NameError) as error:
        raise _invalid(path, f"the type hints of {name}() cannot be read: {error}") from error
    description, words = described(inspect.getdoc(function))
    schemas = _Schemas(path)
    properties, required = {}, []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            message = f"{name}() takes {str(parameter).split(':')[0]!r}, which a model cannot name"
            raise _invalid(path, message, "give every parameter a name")
        if parameter.name not in hints:
            message = f"{name}() has no type hint for {parameter.name!r}"
            raise _invalid(path, message, f"such as {parameter.name}: str")
        schema = schemas.of(hints[parameter.name])
        if parameter.name in words and "description" not in schema:
            schema = {**schema, "description": words[parameter.name]}
        properties[parameter.name] = schema
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        else:
            properties[parameter.name] = _with_default(schema, parameter.default)
    schema = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "schema": schemas.with_definitions(schema)}


def _with_default(schema, default):
    is_plain = isinstance(default, (str, int, float, bool)) and not isinstance(default, enum.Enum)
    return {**schema, "default": default} if is_plain else schema


class _Schemas:
    """The schemas of types that belong together: a class is described once, and referred to."""

    def __init__(self, path):
        self.path = path
        self.definitions = {}
        # By class; two classes may bear one name.
        self.names = {}

    def root(self, form):
        """The schema of a class, with all that it refers to."""
        reference = self.of(form)
        name = self.names[form]
        schema = self.definitions[name]
        if not _mentions(list(self.definitions.values()), reference["$ref"]):
            del self.definitions[name]
        return self.with_definitions(dict(schema))

    def with_definitions(self, schema):
        return {**schema, "$defs": self.definitions} if self.definitions else schema

    def of(self, form):
        """The schema of a type."""
        if form is typing.Any or form is object:
            return {}
        if form is None or form in PLAIN:
            return dict(PLAIN[type(None) if form is None else form])
        origin, args = typing.get_origin(form), typing.get_args(form)
        if origin is typing.Annotated:
            return self._annotated(args)
        if origin in MARKS:
            return self.of(args[0])
        if origin is typing.Literal:
            return {"enum": [value.value if isinstance(value, enum.Enum) else value for value in args]}
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(arg) for arg in args]}
        if is_object_type(origin or form):
            return self._object(origin or form)
        if hasattr(form, "__supertype__"):
            return self.of(form.__supertype__)
        return self._container(form, origin or form, args)

    def _annotated(self, args):
        schema = self.of(args[0])
        for note in args[1:]:
            words = note if isinstance(note, str) else getattr(note, "description", None)
            if isinstance(words, str) and words:
                schema = {**schema, "description": words}
        return schema

    def _container(self, form, kind, args):
        if kind in LISTS:
            return {"type": "array", "items": self.of(args[0])} if args else {"type": "array"}
        if kind in SETS:
            return {"type": "array", "uniqueItems": True, **({"items": self.of(args[0])} if args else {})}
        if kind is tuple:
            return self._tuple(args)
        if kind in DICTS:
            if args and args[0] is not str:
                raise self._no_form(form, "its keys must be str")
            return {"type": "object", **({"additionalProperties": self.of(args[1])} if args else {})}
        if isinstance(form, type) and issubclass(form, enum.Enum):
            return {"enum": [member.value for member in form]}
        raise self._no_form(form)

    def _tuple(self, args):
        if not args:
            return {"type": "array"}
        if len(args) == 2 and args[1] is Ellipsis:
            return {"type": "array", "items": self.of(args[0])}
        items = [self.of(arg) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _object(self, form):
        name = self.names.get(form)
        if name is None:
            name = form.__name__
            while name in self.definitions:
                name += "_"
            self.names[form] = name
            # It is there before it is filled: it may refer to itself.
            self.definitions[name] = {}
            self.definitions[name] = self._described(form)
        return {"$ref": f"#/$defs/{name}"}

    def _described(self, form):
        if hasattr(form, "model_json_schema"):
            schema = form.model_json_schema()
            for name, definition in schema.pop("$defs", {}).items():
                self.definitions.setdefault(name, definition)
            return schema
        try:
            hints = typing.get_type_hints(form, include_extras=True)
        except (NameError, TypeError) as error:
            raise _invalid(self.path, f"the type hints of {form.__name__} cannot be read: {error}") from error
        if dataclasses.is_dataclass(form):
            fields = [field for field in dataclasses.fields(form) if field.init]
            required = [field.name for field in fields if _is_required(field)]
            names = [field.name for field in fields]
        else:
            names, required = list(hints), [name for name in hints if name in form.__required_keys__]
        schema = {
            "type": "object",
            "title": form.__name__,
            "properties": {name: self.of(hints[name]) for name in names},
            "required": required,
        }
        words = inspect.cleandoc(form.__doc__ or "")
        # A dataclass without a docstring has its signature there, a TypedDict that of dict.
        if words and not words.startswith(f"{form.__name__}(") and form.__doc__ != dict.__doc__:
            schema["description"] = words
        return schema

    def _no_form(self, form, why=None):
        return _invalid(self.path, f"{told(form)} has no form in JSON{f': {why}' if why else ''}")


def _mentions(value, reference):
    if isinstance(value, dict):
        return value.get("$ref") == reference or any(_mentions(item, reference) for item in value.values())
    return isinstance(value, list) and any(_mentions(item, reference) for item in value)


def _is_required(field):
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def told(form):
    if isinstance(form, type) and typing.get_origin(form) is None:
        return f"{form.__module__}.{form.__qualname__}".removeprefix("builtins.")
    text = repr(form)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _invalid(param, message, hint=None):
    return InvalidRequestError(f"{param}: {message}", param=param, hint=hint)
