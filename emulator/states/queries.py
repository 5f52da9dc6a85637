"""JSONata as Step Functions runs it: compiled once, with AWS's own functions, within limits.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html. The library
has Python's None for "nothing" and a marker of its own for JSON's null; documents are converted
on the way in and out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from jsonata.jexception import JException
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

from emulator.states.documents import BYTES_MAX
from emulator.states.faults import QueryFault
from emulator.states.query_functions import QuerySources, functions

NOTHING = object()
"""What an expression gives that has no value (JSONata's undefined)."""

CHARS_MAX = 32_768
"""Longest expression that is compiled."""
STEPS_MAX = 200_000
"""Nodes that one evaluation may visit, so that a runaway expression ends. A count and not a
time, so that the same input gives the same result on a slow machine."""
DEPTH_MAX = 400
"""Nesting of one evaluation; below Python's recursion limit, which the library sets to 10000."""

_NULL = Utils.NULL_VALUE
_UNSUPPORTED = object()


class QueryEngine:
    """Evaluates expressions; ``sources`` gives them time and randomness."""

    def __init__(self, sources: QuerySources) -> None:
        self.sources = sources
        self._base = Jsonata.Frame(Jsonata.static_frame)
        for name, function in functions(sources).items():
            self._base.bind(name, function)

    def frame(self, documents: Mapping[str, Any]) -> DocumentsFrame:
        """An environment in which ``documents`` are known, by names without ``$``.

        Good for many expressions.
        """
        return DocumentsFrame(self._base, documents)

    def inner_frame(self, outer: Any, bindings: Mapping[str, Any]) -> Any:
        """An environment with ``bindings`` (values from `to_query`) inside of another."""
        frame = Jsonata.Frame(outer)
        for name, value in bindings.items():
            frame.bind(name, value)
        return frame

    def evaluate(self, expression: str, frame: Any, location: str) -> Any:
        """The document that ``expression`` gives; NOTHING when it gives none.

        Raises QueryFault, in AWS's words, when the expression fails.
        """
        compiled = parse(expression)
        guard = _Guard()
        inner = Jsonata.Frame(frame)
        inner.bind("__evaluate_entry", guard.enter)
        inner.bind("__evaluate_exit", guard.leave)
        what = f"The JSONata expression '{expression}' specified for the field '{location}'"
        try:
            result = compiled.eval(compiled.ast, None, inner)
        except JException as error:
            raise QueryFault(
                f"{what} threw an error during evaluation. {error.error}: {error}", location
            ) from error
        except Exception as error:
            # The library leaks Python's own exceptions (a TypeError for a comparison, say) where
            # the reference implementation has an error code.
            raise QueryFault(
                f"{what} threw an error during evaluation. {type(error).__name__}: {error}",
                location,
            ) from error
        if result is None:
            return NOTHING
        try:
            document = from_query(result)
        except OverflowError as error:
            raise QueryFault(f"{what} returned too much: {error}", location) from error
        if document is _UNSUPPORTED:
            raise QueryFault(f"{what} returned an unsupported result type.", location)
        return document


class DocumentsFrame(Jsonata.Frame):  # type: ignore[misc] # (untyped base)
    """Documents by name, each converted when an expression reads it first."""

    def __init__(self, outer: Any, documents: Mapping[str, Any]) -> None:
        super().__init__(outer)
        self._documents = documents

    def lookup(self, name: str) -> Any:
        """What the library asks for a variable's value."""
        if name not in self.bindings and name in self._documents:
            self.bindings[name] = to_query(self._documents[name])
        return super().lookup(name)

    def change(self, documents: Mapping[str, Any], names: Iterable[str]) -> None:
        """Know ``documents`` from now on; those of ``names`` are new."""
        self._documents = documents
        for name in names:
            self.bindings.pop(name, None)


@lru_cache(maxsize=20_000)
def parse(expression: str) -> Any:
    """Compile; raises ValueError with the library's sentence for a syntax error."""
    if len(expression) > CHARS_MAX:
        raise ValueError(f"a JSONata expression has at most {CHARS_MAX} characters")
    try:
        compiled = Jsonata(expression)
    except JException as error:
        raise ValueError(f"{error.error}: {error}") from error
    except Exception as error:
        # The parser leaks Python's own exceptions on some malformed input.
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if compiled.errors:
        raise ValueError("; ".join(str(error) for error in compiled.errors))
    return compiled


def to_query(document: Any) -> Any:
    """``document`` with nulls as the library marks them; itself when it has none."""
    if document is None:
        return _NULL
    kind = type(document)
    if kind is dict:
        return _convert_object(document)
    if kind is list:
        return _convert_array(document)
    return document


def _convert_object(document: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] | None = None
    for key, value in document.items():
        converted = to_query(value)
        if converted is not value:
            if copy is None:
                copy = dict(document)
            copy[key] = converted
    return document if copy is None else copy


def _convert_array(document: list[Any]) -> list[Any]:
    copy: list[Any] | None = None
    for index, value in enumerate(document):
        converted = to_query(value)
        if converted is not value:
            if copy is None:
                copy = list(document)
            copy[index] = converted
    return document if copy is None else copy


def from_query(value: Any) -> Any:
    """A plain document out of the library's result; _UNSUPPORTED for functions in it.

    Raises OverflowError for an array that no payload can hold.
    """
    if value is None or value is _NULL:
        return None
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        # JSON has one kind of number: what is integral is written without a fraction.
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        members = {key: from_query(member) for key, member in value.items()}
        return _UNSUPPORTED if any(m is _UNSUPPORTED for m in members.values()) else members
    if isinstance(value, list):
        if len(value) > BYTES_MAX // 2:
            raise OverflowError(f"an array of {len(value)} elements is over the payload limit")
        items = [from_query(item) for item in value]
        return _UNSUPPORTED if any(item is _UNSUPPORTED for item in items) else items
    return _UNSUPPORTED


class _Guard:
    """Counts what an evaluation does and ends it beyond the limits."""

    __slots__ = ("_depth", "_steps")

    def __init__(self) -> None:
        self._steps = 0
        self._depth = 0

    def enter(self, _expression: Any, _value: Any, _frame: Any) -> None:
        self._steps += 1
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise JException("D1011", -1)
        if self._steps > STEPS_MAX:
            raise JException("D1012", -1, STEPS_MAX)

    def leave(self, _expression: Any, _value: Any, _frame: Any, _result: Any) -> None:
        self._depth -= 1
