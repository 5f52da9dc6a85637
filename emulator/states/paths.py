"""JSONPath over input (``$``), context object (``$$``) and variables (``$name``).

Supported: members, indices (also negative), slices, wildcards, unions, deep scan (``..``) and
filters (``[?(@.price < 10 && @.kind == 'a')]``). Functions (``.length()``) are refused. Reference
paths (ResultPath) may identify one node only. Sources:
https://states-language.net/spec.html#path and
https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from emulator.states.faults import PathFault
from emulator.states.path_filters import parse_filter

PATH_CHARS_MAX = 2_048

Step = Callable[[Iterable[Any]], Iterator[Any]]

_ROOT = re.compile(r"\$\$|\$([A-Za-z_][A-Za-z0-9_]*)?")
_NAME = re.compile(r"[^\s.\[\]()'\"?*,:@$]+")
_QUOTED = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*""")
_SLICE = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$")
_INDEX = re.compile(r"\s*-?\d+\s*$")


@dataclass(frozen=True)
class Path:
    """A parsed path.

    ``root`` is ``"$"``, ``"$$"`` or the name of a variable; ``keys`` the members and indices of a
    definite path (None when it may give many nodes, or none).
    """

    text: str
    root: str
    steps: tuple[Step, ...]
    keys: tuple[str | int, ...] | None

    def find(self, document: Any) -> Any:
        """The node of a definite path, or the list of nodes of any other.

        Raises PathFault when there is none.
        """
        if self.keys is None:
            nodes: Iterable[Any] = (document,)
            for step in self.steps:
                nodes = step(nodes)
            return list(nodes)
        for place, key in enumerate(self.keys):
            found, document = _member(document, key)
            if not found:
                raise PathFault(f"Invalid path '{self.text}' : {self._missing(place)}")
        return document

    def read(self, document: Any, context: Callable[[], Any], variables: Mapping[str, Any]) -> Any:
        """`find` in whatever the root names."""
        if self.root == "$":
            return self.find(document)
        if self.root == "$$":
            return self.find(context())
        if self.root not in variables:
            raise PathFault(f"Variable '{self.root}' is not defined: '{self.text}'")
        return self.find(variables[self.root])

    def put(self, document: Any, value: Any) -> Any:
        """``document`` with ``value`` at this reference path; members on the way are made.

        Raises PathFault where the document has something else than what the path needs.
        """
        if self.keys is None:
            raise PathFault(f"'{self.text}' is no reference path")
        return _put(document, self.keys, value, self.text)

    def _missing(self, place: int) -> str:
        keys = self.keys or ()
        shown = "".join(f"['{k}']" if isinstance(k, str) else f"[{k}]" for k in keys[: place + 1])
        if place + 1 == len(keys):
            return f"No results for path: ${shown}"
        return f"Missing property in path ${shown}"


@lru_cache(maxsize=20_000)
def parse_path(text: str) -> Path:
    """Parse; raises ValueError that says what is wrong."""
    if len(text) > PATH_CHARS_MAX:
        raise ValueError(f"a path has at most {PATH_CHARS_MAX} characters")
    start = _ROOT.match(text)
    if start is None:
        raise ValueError(f"a path must start with '$': {text}")
    root = start.group(1) or start.group(0)
    steps: list[Step] = []
    keys: list[str | int] | None = []
    at = start.end()
    while at < len(text):
        at, step, key = _step(text, at)
        steps.append(step)
        keys = None if key is None or keys is None else [*keys, key]
    return Path(text, root, tuple(steps), None if keys is None else tuple(keys))


def parse_reference(text: str) -> Path:
    """Parse a reference path into the input; raises ValueError."""
    path = parse_path(text)
    if path.keys is None or path.root != "$":
        raise ValueError(f"must be a reference path (one node of '$'): {text}")
    return path


def _step(text: str, at: int) -> tuple[int, Step, str | int | None]:
    if text.startswith("..", at):
        at += 2
        if text.startswith("[", at):
            end, inner, _ = _bracket(text, at)
            return end, _then(_descend, inner), None
        if text.startswith("*", at):
            return at + 1, _then(_descend, _all), None
        end, name = _name(text, at)
        return end, _then(_descend, _pick(name)), None
    if text[at] == ".":
        if text.startswith(".*", at):
            return at + 2, _all, None
        end, name = _name(text, at + 1)
        return end, _pick(name), name
    if text[at] == "[":
        return _bracket(text, at)
    raise ValueError(f"unexpected '{text[at]}' at {at} of the path {text}")


def _name(text: str, at: int) -> tuple[int, str]:
    found = _NAME.match(text, at)
    if found is None:
        raise ValueError(f"a member name is missing at {at} of the path {text}")
    if text.startswith("(", found.end()):
        raise ValueError(f"functions in paths are not supported: {text}")
    return found.end(), found.group()


def _bracket(text: str, at: int) -> tuple[int, Step, str | int | None]:
    end = _closing(text, at)
    inner = text[at + 1 : end]
    if inner.strip() == "*":
        return end + 1, _all, None
    if inner.lstrip().startswith("?"):
        matches = parse_filter(inner.strip()[1:].strip())
        return end + 1, _where(matches), None
    if sliced := _SLICE.match(inner):
        start, stop, step = (int(g) if g else None for g in sliced.groups())
        if step == 0:
            raise ValueError(f"the step of a slice must not be 0: {text}")
        return end + 1, _slice(slice(start, stop, step)), None
    keys = [_key(part, text) for part in _split(inner)]
    if len(keys) == 1:
        return end + 1, _pick(keys[0]), keys[0]
    return end + 1, _union(keys), None


def _closing(text: str, at: int) -> int:
    depth, quote, index = 0, "", at
    while index < len(text):
        char = text[index]
        if quote:
            if char == "\\":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    raise ValueError(f"a ']' is missing in the path {text}")


def _split(inner: str) -> list[str]:
    parts, at = [], 0
    while at <= len(inner):
        quoted = _QUOTED.match(inner, at)
        end = quoted.end() if quoted else inner.find(",", at)
        end = len(inner) if end < 0 else end
        parts.append(inner[at:end])
        if end < len(inner) and inner[end] != ",":
            raise ValueError(f"expected ',' in [{inner}]")
        at = end + 1
    return parts


def _key(part: str, text: str) -> str | int:
    quoted = _QUOTED.fullmatch(part)
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted.group(1) or quoted.group(2) or "")
    if _INDEX.match(part):
        return int(part)
    raise ValueError(f"[{part}] is neither an index nor a quoted name in the path {text}")


def _member(document: Any, key: str | int) -> tuple[bool, Any]:
    if isinstance(key, str):
        if isinstance(document, dict) and key in document:
            return True, document[key]
    elif isinstance(document, list) and -len(document) <= key < len(document):
        return True, document[key]
    return False, None


def _pick(key: str | int) -> Step:
    def step(nodes: Iterable[Any]) -> Iterator[Any]:
        for node in nodes:
            found, value = _member(node, key)
            if found:
                yield value

    return step


def _union(keys: list[str | int]) -> Step:
    picks = [_pick(key) for key in keys]

    def step(nodes: Iterable[Any]) -> Iterator[Any]:
        for node in nodes:
            for pick in picks:
                yield from pick((node,))

    return step


def _slice(wanted: slice) -> Step:
    def step(nodes: Iterable[Any]) -> Iterator[Any]:
        for node in nodes:
            if isinstance(node, list):
                yield from node[wanted]

    return step


def _where(matches: Callable[[Any], bool]) -> Step:
    def step(nodes: Iterable[Any]) -> Iterator[Any]:
        for node in nodes:
            items = node if isinstance(node, list) else [node]
            yield from (item for item in items if matches(item))

    return step


def _then(first: Step, second: Step) -> Step:
    return lambda nodes: second(first(nodes))


def _all(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        if isinstance(node, dict):
            yield from node.values()
        elif isinstance(node, list):
            yield from node


def _descend(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        yield from _descend(_all((node,)))


def _put(document: Any, keys: tuple[str | int, ...], value: Any, text: str) -> Any:
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(key, str):
        if document is not None and not isinstance(document, dict):
            raise PathFault(f"ResultPath '{text}' needs an object where there is another value")
        members = dict(document or {})
        members[key] = _put(members.get(key), rest, value, text)
        return members
    if not isinstance(document, list) or not -len(document) <= key < len(document):
        raise PathFault(f"ResultPath '{text}' refers to an array element that does not exist")
    items = list(document)
    items[key] = _put(items[key], rest, value, text)
    return items
