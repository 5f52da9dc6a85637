"""JSON Schema draft 4 as API Gateway's request validation applies it.

The messages are worded as the validator that API Gateway uses words them, since an API may show
them through ``$context.error.validationErrorString``. What the documentation says API Gateway does
not check (``minItems``, ``maxItems`` of imported models) is not checked here either:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from emulator.core.errors import NotSupported

Check = Callable[[Any], str | None]
"""Says what is wrong with a value, or None."""

ANNOTATIONS = frozenset(
    {"title", "description", "default", "format", "example", "$schema", "id", "nullable"}
)
UNCHECKED = frozenset({"minItems", "maxItems"})
DEPTH_MAX = 64

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


class ModelCompiler:
    """Compiles the schemas of one API; ``$ref`` leads to ``#/components/schemas/<name>``."""

    def __init__(self, models: Mapping[str, Any]) -> None:
        self._models = models
        self._compiled: dict[str, Check] = {}

    def compile(self, schema: Mapping[str, Any], depth: int = 0) -> Check:
        """The check of a schema; raises NotSupported for keywords that are not known here."""
        if depth > DEPTH_MAX:
            raise NotSupported(f"a schema nested over {DEPTH_MAX} levels")
        if "$ref" in schema:
            return self._reference(str(schema["$ref"]))
        checks: list[Check] = []
        for keyword, rule in schema.items():
            if keyword in ANNOTATIONS or keyword in UNCHECKED or keyword.startswith("x-"):
                continue
            if keyword in {"additionalProperties", "exclusiveMinimum", "exclusiveMaximum"}:
                continue  # read by the keyword that it belongs to
            maker = _MAKERS.get(keyword)
            if maker is None:
                raise NotSupported(f"the schema keyword {keyword!r}")
            checks.append(maker(self, rule, schema, depth + 1))
        if "additionalProperties" in schema and "properties" not in schema:
            checks.append(_properties(self, {}, schema, depth + 1))
        return _all(checks)

    def _reference(self, reference: str) -> Check:
        name = reference.rpartition("/")[2]
        if not reference.startswith("#/components/schemas/") or name not in self._models:
            raise NotSupported(f"the schema reference {reference!r}")
        if name not in self._compiled:
            # A schema may refer to itself: the check is looked up when it is used.
            self._compiled[name] = partial(self._later, name)
            self._compiled[name] = self.compile(self._models[name])
        return self._compiled[name]

    def _later(self, name: str, value: Any) -> str | None:
        return self._compiled[name](value)


def _all(checks: list[Check]) -> Check:
    def check(value: Any) -> str | None:
        for one in checks:
            wrong = one(value)
            if wrong is not None:
                return wrong
        return None

    return check


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    return next(name for name, fits in _TYPES.items() if fits(value))


def _type(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    names = [rule] if isinstance(rule, str) else list(rule)
    for name in names:
        if name not in _TYPES:
            raise NotSupported(f"the schema type {name!r}")
    fits = [_TYPES[name] for name in names]

    def check(value: Any) -> str | None:
        if any(fit(value) for fit in fits):
            return None
        allowed = ",".join(_quoted(name) for name in names)
        return (
            f"instance type ({_kind(value)}) does not match any allowed primitive type "
            f"(allowed: [{allowed}])"
        )

    return check


def _enum(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    allowed = list(rule)

    def check(value: Any) -> str | None:
        # Python holds True and 1 equal; JSON does not.
        if any(
            value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed
        ):
            return None
        shown = ",".join(_quoted(one) for one in allowed)
        return f"instance value ({_quoted(value)}) not found in enum (possible values: [{shown}])"

    return check


def _required(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    names = sorted(rule)

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        missing = [name for name in names if name not in value]
        if not missing:
            return None
        shown = ",".join(_quoted(name) for name in missing)
        return f"object has missing required properties ([{shown}])"

    return check


def _properties(
    models: ModelCompiler, rule: Mapping[str, Any], schema: Mapping[str, Any], depth: int
) -> Check:
    known = {name: models.compile(child, depth) for name, child in rule.items()}
    more = schema.get("additionalProperties", True)
    rest = models.compile(more, depth) if isinstance(more, Mapping) else None

    def check(value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        extra = [name for name in value if name not in known]
        if extra and more is False:
            shown = ",".join(_quoted(name) for name in sorted(extra))
            return f"object instance has properties which are not allowed by the schema: [{shown}]"
        for name, item in value.items():
            one = known.get(name, rest)
            wrong = one(item) if one is not None else None
            if wrong is not None:
                return wrong
        return None

    return check


def _items(models: ModelCompiler, rule: Any, _: Any, depth: int) -> Check:
    if not isinstance(rule, Mapping):
        raise NotSupported("the schema keyword 'items' with a list")
    one = models.compile(rule, depth)

    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return None
        return next((wrong for item in value if (wrong := one(item)) is not None), None)

    return check


def _pattern(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    # ECMA 262's $ is the very end of the text; Python's also stands before a last newline.
    compiled = re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", str(rule)))

    def check(value: Any) -> str | None:
        if not isinstance(value, str) or compiled.search(value):
            return None
        return f"ECMA 262 regex {_quoted(rule)} does not match input string {_quoted(value)}"

    return check


def _bound(
    kind: type[Any] | tuple[type[Any], ...], size: Callable[[Any], float], upper: bool, what: str
) -> Callable[[ModelCompiler, Any, Any, int], Check]:
    def make(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
        def check(value: Any) -> str | None:
            if not isinstance(value, kind):
                return None
            found = size(value)
            if (found > rule) if upper else (found < rule):
                side = (
                    "long (length: {}, maximum" if upper else "short (length: {}, required minimum"
                )
                return f"{what} is too {side.format(found)} allowed: {rule})"
            return None

        return check

    return make


def _limit(upper: bool) -> Callable[[ModelCompiler, Any, Any, int], Check]:
    def make(_: ModelCompiler, rule: Any, schema: Any, __: int) -> Check:
        exclusive = bool(schema.get("exclusiveMaximum" if upper else "exclusiveMinimum", False))

        def check(value: Any) -> str | None:
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            over = value > rule if upper else value < rule
            if over:
                side, bound = ("greater", "maximum") if upper else ("lower", "minimum")
                found = f"({bound}: {rule}, found: {value})"
                return f"numeric instance is {side} than the required {bound} {found}"
            if exclusive and value == rule:
                return f"numeric instance is not strictly within the required limit {rule}"
            return None

        return check

    return make


def _multiple_of(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if math.isclose(math.remainder(value, rule), 0, abs_tol=1e-12):
            return None
        return f"remainder of division is not zero ({value} / {rule})"

    return check


def _unique(_: ModelCompiler, rule: Any, __: Any, ___: int) -> Check:
    def check(value: Any) -> str | None:
        if not rule or not isinstance(value, list):
            return None
        shown = {json.dumps(item, sort_keys=True) for item in value}
        return None if len(shown) == len(value) else "array must not contain duplicate elements"

    return check


def _combined(name: str) -> Callable[[ModelCompiler, Any, Any, int], Check]:
    def make(models: ModelCompiler, rule: Any, _: Any, depth: int) -> Check:
        checks = [models.compile(child, depth) for child in rule]

        def check(value: Any) -> str | None:
            fitting = sum(one(value) is None for one in checks)
            good = {"allOf": fitting == len(checks), "anyOf": fitting > 0, "oneOf": fitting == 1}
            if good[name]:
                return None
            return f"instance matches {fitting} of {len(checks)} schemas of {name}"

        return check

    return make


def _not(models: ModelCompiler, rule: Any, _: Any, depth: int) -> Check:
    inner = models.compile(rule, depth)
    return lambda value: (
        "instance matches a schema which it should not" if inner(value) is None else None
    )


_MAKERS: dict[str, Callable[[ModelCompiler, Any, Any, int], Check]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "properties": _properties,
    "items": _items,
    "pattern": _pattern,
    "minLength": _bound(str, len, upper=False, what="string"),
    "maxLength": _bound(str, len, upper=True, what="string"),
    "minProperties": _bound(dict, len, upper=False, what="object"),
    "maxProperties": _bound(dict, len, upper=True, what="object"),
    "minimum": _limit(upper=False),
    "maximum": _limit(upper=True),
    "multipleOf": _multiple_of,
    "uniqueItems": _unique,
    "allOf": _combined("allOf"),
    "anyOf": _combined("anyOf"),
    "oneOf": _combined("oneOf"),
    "not": _not,
}
KEYWORDS = frozenset(_MAKERS) | UNCHECKED | {"additionalProperties", "$ref"}
"""What a request model may use."""
