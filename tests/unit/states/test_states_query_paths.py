"""Plain members read without the JSONata library are what the library would have given."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.states import query_paths
from emulator.states.faults import QueryFault
from emulator.states.queries import NOTHING, QueryEngine, to_query
from emulator.states.query_functions import QuerySources
from emulator.states.scopes import Variables, View
from tests.unit.states.world import execute, one

ENGINE = QueryEngine(QuerySources(lambda: 0.0, random.Random(1), lambda: "u"))

NAMES = st.sampled_from(("a", "b", "states", "in", "true", "function", "_x", "sum"))
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from((1.0, -0.0, 2.0**53, "", "text"))
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
EXPRESSIONS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: "$" + ".".join(names))


def view(variables: dict[str, Any], states: dict[str, Any]) -> View:
    known = Variables(ENGINE)
    known.values = variables
    return View(ENGINE, known, lambda: {"Task": {"Token": "t"}}, None, states)


def by_library(expression: str, seen: View) -> Any:
    states = {**seen.states, "context": seen.context()}
    frame = ENGINE.inner_frame(seen.variables.frame, {"states": to_query(states)})
    return ENGINE.evaluate(expression, frame, "Output")


def outcome(evaluate: Any) -> Any:
    """What an evaluation gives: its value with its types, or how it failed."""
    try:
        value = evaluate()
    except (QueryFault, ValueError) as error:
        return type(error).__name__, str(error)
    return "NOTHING" if value is NOTHING else json.dumps(value)


@given(EXPRESSIONS, st.dictionaries(NAMES.filter(lambda n: n != "states"), DOCUMENTS), DOCUMENTS)
def test_a_member_is_what_the_library_finds(
    expression: str, variables: dict[str, Any], data: Any
) -> None:
    seen = view(variables, {"input": data, "a": data, "b": variables})
    assert outcome(lambda: seen.query(expression, "Output")) == outcome(
        lambda: by_library(expression, seen)
    )


def test_members_do_not_reach_the_library() -> None:
    seen = view({"run": {"id": 1.0, "of": [{"a": 1}]}}, {"input": {"x": None}})
    assert query_paths.member_path("$run.id") == ("run", "id")
    assert repr(seen.query("$run.id", "f")) == "1"
    assert seen.query("$run.of", "f") == [{"a": 1}]
    assert seen.query("$run.none", "f") is NOTHING
    assert seen.query("$states.input.x", "f") is None
    assert seen.query("$states.input.x.y", "f") is NOTHING
    assert seen.query("$states.context.Task.Token", "f") == "t"
    assert seen.variables._frame is None
    assert seen._frame is None
    assert seen.query("$run.of.a", "f") == 1  # an array on the way: the library's
    assert seen.variables._frame is not None


def test_what_says_more_than_a_member_is_the_librarys() -> None:
    for expression in (
        "$",
        "$$",
        "a",
        "$a[0]",
        "$a.`b`",
        "$a.b.",
        "$a. b",
        "$a.$b",
        "$a.*",
        "$f()",
    ):
        assert query_paths.member_path(expression) is None, expression
    for word in ("and", "or", "in", "true", "false", "null", "function"):
        assert query_paths.member_path(f"$a.{word}") is None, word


def test_the_context_object_is_made_for_whoever_may_read_it() -> None:
    for expression in (
        "$states.context.State.Name & ''",
        "$states . context & ''",
        "$keys($states)",
        "$states.*",
        "$states.`context` & ''",
        "$lookup($states, 'con' & 'text')",
    ):
        assert query_paths.sees_context(expression), expression
    assert not query_paths.sees_context("$states.input.a & $states.result.b")
    assert not query_paths.sees_states("$a + 1")


def test_the_context_is_there_after_an_expression_that_did_not_need_it() -> None:
    state = {
        "Type": "Pass",
        "Output": {
            "first": "{% $states.input.a + 1 %}",
            "then": "{% 'in ' & $states.context.State.Name %}",
            "last": "{% $states.input.a + 2 %}",
        },
    }
    ended = execute(one(state, "JSONata"), {"a": 1})
    assert ended.output == {"first": 2, "then": "in S", "last": 3}


def test_an_assigned_variable_replaces_the_one_that_expressions_have_read() -> None:
    states = {
        "Set": {"Type": "Pass", "Assign": {"n": 1, "kept": [1, 2]}, "Next": "Add"},
        "Add": {
            "Type": "Pass",
            "Assign": {"n": "{% $n + $count($kept) %}"},
            "Next": "Again",
        },
        "Again": {"Type": "Pass", "Output": "{% $n + $count($kept) %}", "End": True},
    }
    ended = execute({"QueryLanguage": "JSONata", "StartAt": "Set", "States": states})
    assert ended.output == 5


def test_what_an_expression_gives_is_shared_where_nothing_differs() -> None:
    document = {"a": [1, 2.5, "x"], "b": {"c": 2.0}}
    made = query_paths.plain(document)
    assert repr(made) == "{'a': [1, 2.5, 'x'], 'b': {'c': 2}}"
    assert made["a"] is document["a"]
    assert repr(document["b"]) == "{'c': 2.0}"
    assert query_paths.plain(document["a"]) is document["a"]
