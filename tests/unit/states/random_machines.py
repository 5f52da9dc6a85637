"""Random plain JSONPath machines that always end: a hypothesis strategy.

States stand in a row and lead forward only. No tasks, no variables, no waiting: what is left is
the flow of data and of control. No state's whole output is null, since nobody says what a
ResultPath makes of a null input; paths on which the other interpreter is known to be wrong are in
test_states_differential.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

STATES_MAX = 4
DEPTH_MAX = 2

DATA: dict[str, Any] = {
    "n": 5,
    "f": 2.5,
    "s": "text",
    "t": True,
    "z": None,
    "when": "2026-01-02T03:04:05Z",
    "list": [3, 1, 2, 2],
    "rows": [{"k": "a", "v": 1}, {"k": "b", "v": 2}],
    "d": {"x": {"y": 7}, "s": "inner"},
}
"""What inputs are made of."""

PATHS = (
    "$", "$.n", "$.f", "$.s", "$.t", "$.z", "$.list", "$.list[0]", "$.list[1:3]",
    "$.rows", "$.rows[*].k", "$.rows[?(@.v > 1)]", "$.d", "$.d.x", "$.d.x.y", "$['d']['s']",
    "$.when",
)  # fmt: skip
"""What paths find in DATA."""
ITEM_PATHS = ("$", "$", "$.k", "$.v")
"""What paths find in the items of ``$.rows``."""
REFERENCES = ("$", "$.r", "$.r.q", "$.d.x", "$.n", "$.new.deep.er")
INTRINSICS = (
    "States.Array($.n, 'x', true)",
    "States.ArrayPartition($.list, 2)",
    "States.ArrayContains($.list, 2)",
    "States.ArrayRange(1, 9, 3)",
    "States.ArrayGetItem($.list, 1)",
    "States.ArrayLength($.list)",
    "States.ArrayUnique($.list)",
    "States.Base64Encode($.s)",
    "States.Base64Decode('dGV4dA==')",
    "States.Format('{} and {}', $.s, $.n)",
    "States.Hash($.s, 'SHA-256')",
    "States.JsonMerge($.d, $.d.x, false)",
    "States.JsonToString($.d)",
    "States.MathAdd($.n, -3)",
    "States.StringSplit('a.b-c', '.-')",
    "States.StringToJson('[1, {}]')",
)

Names = Callable[[], str]
Paths = tuple[str, ...]
BRANCHES = st.integers(1, 2)


def documents() -> st.SearchStrategy[Any]:
    """Inputs: an object with most of the members of DATA."""
    missing = st.one_of(st.just(set()), st.sets(st.sampled_from(sorted(DATA)), max_size=2))
    return missing.map(lambda gone: {key: DATA[key] for key in DATA if key not in gone})


def constants() -> st.SearchStrategy[Any]:
    """Small documents without anything to compute."""
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "text", "a b"])
    )
    return st.one_of(
        leaves.filter(lambda leaf: leaf is not None),
        st.lists(leaves, max_size=2),
        st.dictionaries(st.sampled_from("pq"), leaves, max_size=2),
    )


@st.composite
def templates(draw: st.DrawFn, paths: Paths) -> dict[str, Any]:
    """Payload templates with paths, intrinsic functions and constants, also nested."""
    made: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from("abc"), unique=True, max_size=3)):
        kind = draw(st.sampled_from(["path", "path", "intrinsic", "constant", "nested"]))
        if kind == "path":
            made[f"{name}.$"] = draw(st.sampled_from((*paths, "$$.State.Name")))
        elif kind == "intrinsic" and paths is PATHS:
            made[f"{name}.$"] = draw(st.sampled_from(INTRINSICS))
        elif kind == "constant":
            made[name] = draw(constants())
        else:
            made[name] = {"in.$": draw(st.sampled_from(paths)), "c": draw(constants())}
    return made


@st.composite
def conditions(draw: st.DrawFn, paths: Paths, depth: int = 0) -> dict[str, Any]:
    """Conditions of a Choice rule."""
    if depth < 1 and draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(["And", "Or", "Not"]))
        if name == "Not":
            return {"Not": draw(conditions(paths, depth + 1))}
        return {name: draw(st.lists(conditions(paths, depth + 1), min_size=1, max_size=2))}
    path = draw(st.sampled_from(paths))
    operator, values = draw(st.sampled_from(OPERATORS))
    if operator.endswith("Path") and paths is not PATHS:
        operator, values = "IsNull", (True, False)
    return {"Variable": path, operator: draw(st.sampled_from(values))}


OPERATORS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("StringEquals", ("text", "inner", "")),
    ("StringLessThan", ("text", "z")),
    ("StringMatches", ("te*", "*", "in*r")),
    ("NumericEquals", (5, 2.5, 7)),
    ("NumericGreaterThan", (1, 5)),
    ("NumericLessThanEquals", (2.5, 5)),
    ("BooleanEquals", (True, False)),
    ("TimestampLessThan", ("2026-06-01T00:00:00Z",)),
    ("IsNull", (True, False)),
    ("IsPresent", (True, False)),
    ("IsNumeric", (True, False)),
    ("IsString", (True, False)),
    ("IsBoolean", (True, False)),
    ("IsTimestamp", (True, False)),
    ("NumericEqualsPath", ("$.n", "$.f")),
    ("StringEqualsPath", ("$.s",)),
)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    """Definitions."""
    count = iter(range(1_000))
    return _Group(draw, lambda: f"S{next(count)}", PATHS, 0).draw_states()


class _Group:
    """The states of a machine, a branch or an item processor, whose data ``paths`` read."""

    def __init__(self, draw: st.DrawFn, names: Names, paths: Paths, depth: int) -> None:
        self.draw = draw
        self.names = names
        self.paths = paths
        self.depth = depth

    def draw_states(self) -> dict[str, Any]:
        row = [self.names() for _ in range(self.draw(st.integers(1, STATES_MAX)))]
        states = {name: self._state(row[place + 1 :]) for place, name in enumerate(row)}
        return {"StartAt": row[0], "States": states}

    def _state(self, later: list[str]) -> dict[str, Any]:
        draw = self.draw
        kinds = ["Pass", "Pass", "Pass", "Wait"]
        if self.depth < DEPTH_MAX:
            kinds += ["Parallel", "Map"]
        kinds += ["Choice", "Choice"] if later else ["Succeed", "Fail"]
        kind = draw(st.sampled_from(kinds))
        state: dict[str, Any] = {"Type": kind}
        if kind == "Choice":
            return {**state, **self._choice(later)}
        if kind == "Fail":
            return {**state, "Error": draw(st.sampled_from(["Mine", "Other"])), "Cause": "because"}
        self._maybe(state, "InputPath", st.sampled_from((None, *self.paths)))
        kept = [path for path in self.paths if path != "$.z"]
        self._maybe(state, "OutputPath", st.sampled_from((None, *kept)))
        if kind == "Succeed":
            return state
        state |= {"Next": later[0]} if later else {"End": True}
        if kind == "Wait":
            return {**state, "Seconds": 0}
        return state | self._work(kind, later)

    def _work(self, kind: str, later: list[str]) -> dict[str, Any]:
        draw, made = self.draw, {}
        if draw(st.integers(0, 3)):
            # Mostly beside the input, so that later states find it.
            made["ResultPath"] = draw(st.sampled_from(("$.r", "$.r", None, *REFERENCES)))
        if kind == "Pass":
            which = draw(st.sampled_from(["Result", "Parameters", ""]))
            if which:
                made[which] = draw(constants() if which == "Result" else templates(self.paths))
            return made
        self._maybe(made, "ResultSelector", templates(("$",)))
        if later:
            self._maybe(made, "Catch", st.just([self._catcher(later)]))
        if kind == "Parallel":
            if draw(st.integers(0, 4)) == 0:
                made["Parameters"] = draw(templates(self.paths))
            inner = ("$",) if "Parameters" in made else self.paths
            return {**made, "Branches": [self._inner(inner) for _ in range(draw(BRANCHES))]}
        items = "$.rows" if self.paths is PATHS and draw(st.integers(0, 9)) else "$"
        made["ItemsPath"] = items
        self._maybe(made, "ItemSelector", templates(("$", "$$.Map.Item.Index")))
        self._maybe(made, "MaxConcurrency", st.just(1))
        inner = ("$",) if "ItemSelector" in made else ITEM_PATHS
        return {**made, "ItemProcessor": self._inner(inner)}

    def _inner(self, paths: Paths) -> dict[str, Any]:
        return _Group(self.draw, self.names, paths, self.depth + 1).draw_states()

    def _choice(self, later: list[str]) -> dict[str, Any]:
        draw = self.draw
        rules = [
            {**draw(conditions(self.paths)), "Next": draw(st.sampled_from(later))}
            for _ in range(draw(st.integers(1, 2)))
        ]
        return {"Choices": rules, "Default": later[0]}

    def _catcher(self, later: list[str]) -> dict[str, Any]:
        draw = self.draw
        catcher = {
            "ErrorEquals": [draw(st.sampled_from(["States.ALL", "Mine", "States.TaskFailed"]))],
            "Next": draw(st.sampled_from(later)),
        }
        self._maybe(catcher, "ResultPath", st.sampled_from((None, *REFERENCES)))
        return catcher

    def _maybe(self, document: dict[str, Any], name: str, values: st.SearchStrategy[Any]) -> None:
        if self.draw(st.integers(0, 7)) == 0:
            document[name] = self.draw(values)
