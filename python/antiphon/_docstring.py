"""What a docstring says of a function and of its parameters, in the three ways that people write them."""

import re

# `Args:` and its like begin a section of Google's style, and end the description.
_SECTION = re.compile(r"^(\w[\w ]*):\s*$")
_ARGUMENTS = ("args", "arguments", "parameters", "params", "keyword args", "keyword arguments")
_SECTIONS = (
    *_ARGUMENTS,
    "returns",
    "return",
    "yields",
    "raises",
    "example",
    "examples",
    "note",
    "notes",
    "see also",
    "attributes",
)
# `name: text`, `name (type): text`.
_GOOGLE = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
# `name : type`, with the text below it.
_NUMPY = re.compile(r"^\*{0,2}(\w+)\s*(?::.*)?$")
# `:param type name: text`.
_SPHINX = re.compile(r"^\s*:(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+):\s*(.*)$")


def described(docstring):
    """The description, and the words on each parameter by its name. ``docstring`` is clean, or ``None``."""
    lines = (docstring or "").splitlines()
    sections = _sections(lines)
    words = {**_sphinx(lines)}
    for title, body in sections[1:]:
        if title in _ARGUMENTS:
            words.update(_numpy(body) if _is_numpy(body) else _google(body))
    return "\n".join(_without_fields(sections[0][1])).strip(), words


def _sections(lines):
    """The text before the first section, and each section with its title in lower case."""
    sections = [("", [])]
    for at, line in enumerate(lines):
        title = _SECTION.match(line)
        is_underlined = at + 1 < len(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[at + 1])
        if title and title[1].lower() in _SECTIONS:
            sections.append((title[1].lower(), []))
        elif is_underlined and line.strip().lower() in _SECTIONS:
            sections.append((line.strip().lower(), []))
        else:
            sections[-1][1].append(line)
    return sections


def _is_numpy(lines):
    return bool(lines) and re.fullmatch(r"\s*-{3,}\s*", lines[0]) is not None


def _without_fields(lines):
    for line in lines:
        if re.match(r"^\s*:\w+.*:", line):
            return
        yield line


def _google(lines):
    words, name, margin = {}, None, None
    for line in lines:
        found = _GOOGLE.match(line)
        if found and (margin is None or len(found[1]) <= margin):
            margin, name = len(found[1]), found[2]
            words[name] = found[3].strip()
        elif name and line.strip():
            words[name] = f"{words[name]} {line.strip()}".strip()
    return _said(words)


def _numpy(lines):
    words, name = {}, None
    for line in lines[1:]:
        found = _NUMPY.match(line)
        if found:
            name = found[1]
            words[name] = ""
        elif name and line.strip():
            words[name] = f"{words[name]} {line.strip()}".strip()
    return _said(words)


def _sphinx(lines):
    words, name = {}, None
    for line in lines:
        found = _SPHINX.match(line)
        if found:
            name = found[1]
            words[name] = found[2].strip()
        elif re.match(r"^\s*:\w+", line) or not line.strip():
            name = None
        elif name:
            words[name] = f"{words[name]} {line.strip()}".strip()
    return _said(words)


def _said(words):
    return {name: text for name, text in words.items() if text}
