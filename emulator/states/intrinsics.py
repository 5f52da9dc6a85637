"""Intrinsic functions of JSONPath states: ``States.Format('Hello {}', $.name)``.

Sources: https://states-language.net/spec.html#intrinsic-functions and
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from emulator.states.faults import INTRINSIC_FAILURE, PathFault
from emulator.states.intrinsic_functions import ARITY, FUNCTIONS
from emulator.states.paths import parse_path

if TYPE_CHECKING:
    from emulator.states.scopes import View

NESTING_MAX = 10
"""Functions inside of each other (AWS's limit)."""

_NAME = re.compile(r"States\.([A-Za-z0-9]+)\s*\(")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None}

Argument = Callable[["View"], Any]


def is_intrinsic(text: str) -> bool:
    """Whether a member's value is a call rather than a path."""
    return text.startswith("States.")


def parse_intrinsic(text: str) -> Argument:
    """Compile a call; raises ValueError for its syntax, and the result PathFault."""
    end, call = _call(text, 0, 1)
    if text[end:].strip():
        raise ValueError(f"unexpected text after the intrinsic function: {text}")
    return call


def _call(text: str, at: int, depth: int) -> tuple[int, Argument]:
    if depth > NESTING_MAX:
        raise ValueError(f"intrinsic functions nest at most {NESTING_MAX} levels: {text}")
    start = _NAME.match(text, at)
    if start is None:
        raise ValueError(f"cannot read the intrinsic function at {at}: {text}")
    name = start.group(1)
    if name not in FUNCTIONS:
        raise ValueError(f"there is no intrinsic function States.{name}")
    arguments, at = _arguments(text, start.end(), depth)
    least, most = ARITY[name]
    if not least <= len(arguments) <= most:
        raise ValueError(f"States.{name} takes {least} to {most} arguments: {text}")
    function = FUNCTIONS[name]

    def evaluate(view: View) -> Any:
        values = [argument(view) for argument in arguments]
        try:
            return function(view.engine.sources, *values)
        except (ValueError, TypeError) as error:
            raise PathFault(
                f"The function 'States.{name}' had the following error: {error}",
                INTRINSIC_FAILURE,
            ) from error

    return at, evaluate


def _arguments(text: str, at: int, depth: int) -> tuple[list[Argument], int]:
    arguments: list[Argument] = []
    at = _skip(text, at)
    if text.startswith(")", at):
        return arguments, at + 1
    while True:
        at, argument = _argument(text, _skip(text, at), depth)
        arguments.append(argument)
        at = _skip(text, at)
        if text.startswith(")", at):
            return arguments, at + 1
        if not text.startswith(",", at):
            raise ValueError(f"expected ',' or ')' at {at} of the intrinsic function: {text}")
        at += 1


def _argument(text: str, at: int, depth: int) -> tuple[int, Argument]:
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    if text.startswith("$", at):
        end = _path_end(text, at)
        path = parse_path(text[at:end].strip())
        return end, lambda view: path.read(view.data, view.context, view.variables.values)
    if quoted := _STRING.match(text, at):
        # Braces stay escaped for States.Format, which is the one to give them a meaning.
        value: Any = re.sub(r"\\([^{}])", r"\1", quoted.group(1), flags=re.DOTALL)
        return quoted.end(), _constant(value)
    for word, constant in _WORDS.items():
        if text.startswith(word, at):
            return at + len(word), _constant(constant)
    if number := _NUMBER.match(text, at):
        digits = number.group()
        amount = float(digits) if any(c in digits for c in ".eE") else int(digits)
        return number.end(), _constant(amount)
    raise ValueError(f"cannot read the argument at {at} of the intrinsic function: {text}")


def _constant(value: Any) -> Argument:
    return lambda _view: value


def _path_end(text: str, at: int) -> int:
    depth, quote = 0, ""
    for index in range(at, len(text)):
        char = text[index]
        if quote:
            quote = "" if char == quote and text[index - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char in "[(":
            depth += 1
        elif char in "])":
            if depth == 0:
                return index
            depth -= 1
        elif char == "," and depth == 0:
            return index
    return len(text)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
