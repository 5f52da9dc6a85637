"""Velocity templates: what the parts of a parsed template do when they are rendered.

A ``Node`` writes output, a ``Value`` computes; both are closures over a ``Scope``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.apigateway import java
from emulator.apigateway.errors import TemplateError

ITERATIONS_MAX = 1_000
"""API Gateway's quota on the iterations of a ``#foreach``."""

OUTPUT_CHARS_MAX = 10 * 1024 * 1024
"""No payload is larger than 10 MB."""


class StopRendering(Exception):  # noqa: N818 (control flow, not an error)
    """``#stop``."""


class BreakLoop(Exception):  # noqa: N818 (control flow, not an error)
    """``#break``."""


@dataclass
class Scope:
    """One rendering: its variables and its output so far."""

    variables: dict[str, Any]
    out: list[str] = field(default_factory=list)
    size: int = 0

    def write(self, text: str) -> None:
        """Add output; TemplateError beyond OUTPUT_CHARS_MAX."""
        self.size += len(text)
        if self.size > OUTPUT_CHARS_MAX:
            raise TemplateError(f"the output is over {OUTPUT_CHARS_MAX} characters")
        self.out.append(text)


Node = Callable[[Scope], None]
Value = Callable[[Scope], Any]


class TemplateObject:
    """An object of the gateway's in a template (``$input``, ``$util``).

    Subclasses name in ``METHODS`` what a template may call, and in ``MEMBERS`` what it may read.
    """

    METHODS: frozenset[str] = frozenset()
    MEMBERS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Member:
    """``.name``."""

    name: str

    def get(self, target: Any, scope: Scope) -> Any:  # noqa: ARG002 (one shape for all three)
        """The member of a map or of an object of the gateway's; None when there is none."""
        if isinstance(target, dict):
            return target.get(self.name)
        if isinstance(target, TemplateObject) and self.name in target.MEMBERS:
            return getattr(target, self.name)
        if isinstance(target, TemplateObject):
            raise TemplateError(f"no member {self.name!r}")
        return None

    def put(self, target: Any, value: Any, scope: Scope) -> None:  # noqa: ARG002
        """Set the member of a map."""
        if not isinstance(target, dict):
            raise TemplateError(f"{self.name!r} cannot be set on {type(target).__name__}")
        target[self.name] = value


@dataclass(frozen=True)
class Index:
    """``[expression]``."""

    key: Value

    def get(self, target: Any, scope: Scope) -> Any:
        """The item of a list or map; None when there is none."""
        key = self.key(scope)
        if isinstance(target, dict):
            return target.get(key)
        if isinstance(target, list) and isinstance(key, int) and -len(target) <= key < len(target):
            return target[key]
        return None

    def put(self, target: Any, value: Any, scope: Scope) -> None:
        """Set the item of a list or map."""
        key = self.key(scope)
        in_list = isinstance(target, list) and isinstance(key, int) and 0 <= key < len(target)
        if not in_list and not isinstance(target, dict):
            raise TemplateError(f"[{java.text_of(key)}] cannot be set")
        target[key] = value


@dataclass(frozen=True)
class Method:
    """``.name(arguments)``."""

    name: str
    arguments: list[Value]

    def get(self, target: Any, scope: Scope) -> Any:
        """Call it; null has no methods, so the result is null."""
        if target is None:
            return None
        arguments = [argument(scope) for argument in self.arguments]
        if not isinstance(target, TemplateObject):
            return java.call(target, self.name, arguments)
        if self.name not in target.METHODS:
            raise TemplateError(f"no method {self.name!r}")
        try:
            return getattr(target, self.name)(*arguments)
        except TypeError as error:
            raise TemplateError(f"{self.name}: {error}") from error

    def put(self, target: Any, value: Any, scope: Scope) -> None:  # noqa: ARG002
        """A call cannot be assigned to."""
        raise TemplateError(f"{self.name}() cannot be set")


Accessor = Member | Index | Method


@dataclass(frozen=True)
class Reference:
    """``$name`` and what follows it."""

    name: str
    accessors: list[Accessor]

    def value(self, scope: Scope) -> Any:
        """The value; None when any part of the way is missing."""
        found = scope.variables.get(self.name)
        for accessor in self.accessors:
            if found is None:
                return None
            found = accessor.get(found, scope)
        return found

    def put(self, value: Any, scope: Scope) -> None:
        """Assign; TemplateError when what should hold it is missing."""
        if not self.accessors:
            scope.variables[self.name] = value
            return
        target = Reference(self.name, self.accessors[:-1]).value(scope)
        self.accessors[-1].put(target, value, scope)


def run(nodes: list[Node], scope: Scope) -> None:
    """Render nodes one after the other."""
    for node in nodes:
        node(scope)


def literal(text: str) -> Node:
    """Plain text."""
    return lambda scope: scope.write(text)


def output(reference: Reference, source: str) -> Node:
    """A reference in text; ``source`` is printed when it is null."""

    def write(scope: Scope) -> None:
        value = reference.value(scope)
        scope.write(source if value is None else java.text_of(value))

    return write


def assign(target: Reference, value: Value) -> Node:
    """``#set``; Velocity leaves the target alone when the value is null."""

    def write(scope: Scope) -> None:
        computed = value(scope)
        if computed is not None:
            target.put(computed, scope)

    return write


def choose(branches: list[tuple[Value, list[Node]]], otherwise: list[Node]) -> Node:
    """``#if``, ``#elseif``, ``#else``."""

    def write(scope: Scope) -> None:
        for condition, body in branches:
            if java.truth(condition(scope)):
                run(body, scope)
                return
        run(otherwise, scope)

    return write


def loop(name: str, items: Value, body: list[Node]) -> Node:
    """``#foreach`` with ``$foreach``; a map gives its values."""

    def write(scope: Scope) -> None:
        found = items(scope)
        values = list(found.values()) if isinstance(found, dict) else found
        if values is None:
            return
        if not isinstance(values, list):
            raise TemplateError(f"#foreach over {type(values).__name__}")
        if len(values) > ITERATIONS_MAX:
            raise TemplateError(f"a #foreach may have {ITERATIONS_MAX} iterations at most")
        saved = {key: scope.variables.get(key) for key in (name, "foreach")}
        try:
            for index, value in enumerate(values):
                last = index + 1 == len(values)
                scope.variables[name] = value
                scope.variables["foreach"] = {
                    "index": index,
                    "count": index + 1,
                    "hasNext": not last,
                    "first": index == 0,
                    "last": last,
                }
                run(body, scope)
        except BreakLoop:
            return
        finally:
            scope.variables.update(saved)

    return write


def stop(scope: Scope) -> None:  # noqa: ARG001 (a Node)
    """``#stop``: what was written stays."""
    raise StopRendering


def break_loop(scope: Scope) -> None:  # noqa: ARG001 (a Node)
    """``#break``: leaves the innermost ``#foreach``."""
    raise BreakLoop


def constant(value: Any) -> Value:
    """A literal in an expression."""
    return lambda _: value


def interpolated(parts: list[Node]) -> Value:
    """A double-quoted string with references in it."""

    def value(scope: Scope) -> str:
        inner = Scope(scope.variables)
        run(parts, inner)
        return "".join(inner.out)

    return value


def sequence(items: list[Value]) -> Value:
    """``[a, b]``."""
    return lambda scope: [item(scope) for item in items]


def span(first: Value, last: Value) -> Value:
    """``[a..b]``, both ends included, in either direction."""

    def value(scope: Scope) -> list[int]:
        start, end = first(scope), last(scope)
        if not isinstance(start, int) or not isinstance(end, int):
            raise TemplateError("a range has whole numbers as its ends")
        if abs(end - start) >= ITERATIONS_MAX:
            raise TemplateError(f"a range may have {ITERATIONS_MAX} items at most")
        step = 1 if end >= start else -1
        return list(range(start, end + step, step))

    return value


def mapping(pairs: list[tuple[Value, Value]]) -> Value:
    """``{"a": b}``."""
    return lambda scope: {key(scope): value(scope) for key, value in pairs}


def negate(value: Value) -> Value:
    """``!a``."""
    return lambda scope: not java.truth(value(scope))


def operate(symbol: str, left: Value, right: Value) -> Value:
    """A binary operator; ``&&`` and ``||`` stop early."""
    if symbol == "&&":
        return lambda scope: java.truth(left(scope)) and java.truth(right(scope))
    if symbol == "||":
        return lambda scope: java.truth(left(scope)) or java.truth(right(scope))
    if symbol == "==":
        return lambda scope: java.equal(left(scope), right(scope))
    if symbol == "!=":
        return lambda scope: not java.equal(left(scope), right(scope))
    compute = _ARITHMETIC[symbol]

    def value(scope: Scope) -> Any:
        a, b = left(scope), right(scope)
        for side in (a, b):
            if isinstance(side, bool) or not isinstance(side, int | float):
                raise TemplateError(f"{symbol} takes numbers, not {java.text_of(side)!r}")
        if symbol in {"/", "%"} and b == 0:
            raise TemplateError("division by zero")
        return compute(a, b)

    return value


def _divide(a: float, b: float) -> float:
    return int(a / b) if isinstance(a, int) and isinstance(b, int) else a / b


def _remainder(a: float, b: float) -> float:
    """Java's: the sign of the dividend."""
    return a - b * int(a / b)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
}
