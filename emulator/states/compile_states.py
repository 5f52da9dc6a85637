"""Compiles states, type by type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from emulator.states import machine
from emulator.states.choices import compile_rule
from emulator.states.compile_fields import (
    FieldCompiler,
    data_path,
    query_condition,
    text_field,
    wait_field,
)
from emulator.states.diagnostics import UNSUPPORTED, Diagnostics
from emulator.states.fields import (
    BRANCH_FIELDS,
    PROCESSOR_FIELDS,
    check_fields,
    check_state_fields,
    require,
)
from emulator.states.integrations.resources import parse_resource
from emulator.states.templates import expression_of, is_expression
from emulator.states.thresholds import compile_thresholds

TIMEOUT_MAX_S = 99_999_999


@dataclass(frozen=True)
class VariableScope:
    """Variables that a state must not assign (``outer``), and those that its branches must not."""

    outer: frozenset[str]
    inner: frozenset[str]


class GroupCompiler(Protocol):
    """Compiles the states of a branch or an item processor."""

    def __call__(
        self, document: Any, location: str, outer: frozenset[str], *, jsonata: bool, depth: int
    ) -> machine.StateGroup | None:
        """The group, or None when it is no group at all."""


class StateCompiler:
    """Compiles one state after the other; problems go to ``problems``."""

    def __init__(self, problems: Diagnostics, group: GroupCompiler, *, express: bool) -> None:
        self._problems = problems
        self._group = group
        self._express = express

    def compile(
        self,
        name: str,
        document: dict[str, Any],
        location: str,
        scope: VariableScope,
        *,
        jsonata: bool,
        depth: int,
    ) -> machine.State | None:
        """The state, or None when it cannot be made."""
        language = document.get("QueryLanguage")
        if language not in {None, "JSONPath", "JSONata"}:
            self._problems.add(f"{location}/QueryLanguage", "must be one of [JSONPath, JSONata]")
        elif language == "JSONPath" and jsonata:
            self._problems.add(
                location,
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
            )
        jsonata_state = jsonata or language == "JSONata"
        check_state_fields(document, location, self._problems, jsonata=jsonata_state)
        fields = FieldCompiler(
            name, document, location, self._problems, outer=scope.outer, jsonata=jsonata_state
        )
        kind = document["Type"]
        self._flow(document, location)
        if kind == "Parallel":
            return self._parallel(fields, scope, jsonata=jsonata, depth=depth)
        if kind == "Map":
            return self._map(fields, scope, jsonata=jsonata, depth=depth)
        makers: dict[str, Callable[[FieldCompiler], machine.State | None]] = {
            "Pass": self._pass,
            "Task": self._task,
            "Choice": self._choice,
            "Wait": self._wait,
            "Succeed": lambda f: machine.SucceedState(**f.common()),
            "Fail": self._fail,
        }
        return makers[kind](fields)

    def _flow(self, document: dict[str, Any], location: str) -> None:
        if document["Type"] in {"Choice", "Succeed", "Fail"}:
            return
        if "Next" in document:
            if not isinstance(document["Next"], str):
                self._problems.add(f"{location}/Next", "must be a string")
            if document.get("End") is True:
                self._problems.add(location, "A state has either 'Next' or 'End', not both")
        elif document.get("End") is not True:
            self._problems.add(location, "These fields are required: [Next or End]")

    def _pass(self, fields: FieldCompiler) -> machine.State:
        document = fields.document
        return machine.PassState(
            **fields.common(), has_result="Result" in document, result=document.get("Result")
        )

    def _task(self, fields: FieldCompiler) -> machine.State | None:
        if not require(fields.document, ("Resource",), fields.location, self._problems):
            return None
        resource = fields.guarded(
            "Resource", lambda text: parse_resource(text, express=self._express)
        )
        if resource is None:
            return None
        timeout, heartbeat = (
            fields.document.get(name) for name in ("TimeoutSeconds", "HeartbeatSeconds")
        )
        if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
            self._problems.add(
                f"{fields.location}/HeartbeatSeconds", "must be smaller than TimeoutSeconds"
            )
        return machine.TaskState(
            **fields.common(),
            resource=resource,
            timeout_s=fields.number("TimeoutSeconds", 1, TIMEOUT_MAX_S),
            heartbeat_s=fields.number("HeartbeatSeconds", 1, TIMEOUT_MAX_S),
        )

    def _choice(self, fields: FieldCompiler) -> machine.State | None:
        choices = fields.document.get("Choices")
        if not isinstance(choices, list) or not choices:
            self._problems.add(f"{fields.location}/Choices", "must be a non-empty array")
            return None
        rules = [self._rule(fields, index, rule) for index, rule in enumerate(choices)]
        return machine.ChoiceState(
            **fields.common(),
            choices=tuple(rule for rule in rules if rule is not None),
            default=fields.document.get("Default"),
        )

    def _rule(self, fields: FieldCompiler, index: int, rule: Any) -> machine.ChoiceRule | None:
        where = f"Choices[{index}]"
        location = f"{fields.location}/{where}"
        if not isinstance(rule, dict):
            self._problems.add(location, "must be an object")
            return None
        require(
            rule, ("Next", "Condition") if fields.jsonata else ("Next",), location, self._problems
        )
        condition: machine.Rule | None = None
        try:
            if fields.jsonata:
                known = frozenset({"Next", "Comment", "Assign", "Output", "Condition"})
                check_fields(rule, known, location, self._problems)
                condition = query_condition(rule.get("Condition"), f"{where}/Condition")
            else:
                bare = {k: v for k, v in rule.items() if k not in {"Next", "Comment", "Assign"}}
                condition = compile_rule(bare)
        except ValueError as error:
            self._problems.add_error(location, error)
        if condition is None or not isinstance(rule.get("Next"), str):
            return None
        return machine.ChoiceRule(
            condition,
            rule["Next"],
            fields.template_in(rule, "Assign", where),
            fields.template_in(rule, "Output", where),
        )

    def _wait(self, fields: FieldCompiler) -> machine.State | None:
        names = [
            name
            for name in ("Seconds", "Timestamp", "SecondsPath", "TimestampPath")
            if name in fields.document
        ]
        if len(names) != 1:
            self._problems.add(
                fields.location,
                "A Wait state has exactly one of [Seconds, Timestamp, SecondsPath, TimestampPath]",
            )
            return None
        until = fields.guarded(
            names[0], lambda value: wait_field(names[0], value, jsonata=fields.jsonata)
        )
        return machine.WaitState(**fields.common(), until=until) if until else None

    def _fail(self, fields: FieldCompiler) -> machine.State:
        made: dict[str, Any] = {}
        for name in ("Error", "Cause"):
            path = f"{name}Path"
            if name in fields.document and path in fields.document:
                self._problems.add(fields.location, f"Use either '{name}' or '{path}', not both")
            for field in (name, path):
                if field in fields.document:
                    compile_text = partial(text_field, field, jsonata=fields.jsonata)
                    made[name.lower()] = fields.guarded(field, compile_text)
        return machine.FailState(**fields.common(), **made)

    def _parallel(
        self, fields: FieldCompiler, scope: VariableScope, *, jsonata: bool, depth: int
    ) -> machine.State | None:
        branches = fields.document.get("Branches")
        if not isinstance(branches, list) or not branches:
            self._problems.add(f"{fields.location}/Branches", "must be a non-empty array")
            return None
        groups = []
        for index, branch in enumerate(branches):
            where = f"{fields.location}/Branches[{index}]"
            if isinstance(branch, dict):
                check_fields(branch, BRANCH_FIELDS, where, self._problems)
            groups.append(self._group(branch, where, scope.inner, jsonata=jsonata, depth=depth + 1))
        return machine.ParallelState(
            **fields.common(), branches=tuple(group for group in groups if group is not None)
        )

    def _map(
        self, fields: FieldCompiler, scope: VariableScope, *, jsonata: bool, depth: int
    ) -> machine.State | None:
        document, location = fields.document, fields.location
        if ("ItemProcessor" in document) == ("Iterator" in document):
            self._problems.add(location, "These fields are required: [ItemProcessor]")
            return None
        name = "ItemProcessor" if "ItemProcessor" in document else "Iterator"
        processor = document[name]
        if isinstance(processor, dict):
            check_fields(processor, PROCESSOR_FIELDS, f"{location}/{name}", self._problems)
            self._processor_mode(processor.get("ProcessorConfig", {}), f"{location}/{name}")
        group = self._group(
            processor, f"{location}/{name}", scope.inner, jsonata=jsonata, depth=depth + 1
        )
        if group is None:
            return None
        common = fields.common()
        if "ItemSelector" in document and "Parameters" in document:
            self._problems.add(location, "Use either 'ItemSelector' or 'Parameters', not both")
        # Parameters of a Map is the older name of ItemSelector, and means the same.
        older, common["parameters"] = common["parameters"], None
        return machine.MapState(
            **common,
            items=self._items(fields),
            items_expression=_expression(document.get("Items", document.get("ItemsPath", ""))),
            item_selector=fields.template("ItemSelector") or older,
            concurrency=fields.number("MaxConcurrency", 0, TIMEOUT_MAX_S),
            thresholds=compile_thresholds(fields),
            processor=group,
        )

    def _items(self, fields: FieldCompiler) -> Any:
        if not fields.jsonata:
            return fields.guarded("ItemsPath", data_path)
        items = fields.document.get("Items")
        if items is not None and not isinstance(items, list) and not is_expression(items):
            self._problems.add(
                f"{fields.location}/Items", "must be an array or a JSONata expression"
            )
            return None
        return fields.template("Items")

    def _processor_mode(self, config: Any, location: str) -> None:
        where = f"{location}/ProcessorConfig"
        if not isinstance(config, dict):
            self._problems.add(where, "must be an object")
        elif config.get("Mode", "INLINE") == "DISTRIBUTED":
            self._problems.add(f"{where}/Mode", "Distributed Map is not supported", UNSUPPORTED)
        elif config.get("Mode", "INLINE") != "INLINE":
            self._problems.add(f"{where}/Mode", "must be one of [INLINE, DISTRIBUTED]")
        elif "ExecutionType" in config:
            self._problems.add(
                f"{where}/ExecutionType", "Field 'ExecutionType' is for DISTRIBUTED mode only"
            )


def _expression(value: Any) -> str:
    return expression_of(value) if is_expression(value) else str(value)
