"""What a deliberate bug is, and the ways to make one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from system import stack
from tests.mutations.scenes import Scene

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Mutation:
    """A bug: what it is, how to make it."""

    name: str
    patch: Patch
    scene: Scene | None = None
    """The short world that shows it; without one, the seeds do."""


def swap(owner: Any, name: str, new: Any) -> Patch:
    return lambda: mock.patch.object(owner, name, new)


def workflow(file: str, change: Callable[[dict[str, Any]], None]) -> Patch:
    """A workflow's definition, changed before it is deployed."""

    @contextlib.contextmanager
    def patch() -> Iterator[None]:
        real = stack.workflow

        def changed(name: str, values: Any) -> str:
            text = real(name, values)
            if name != file:
                return text
            definition = json.loads(text)
            change(definition["States"])
            return json.dumps(definition)

        with mock.patch.object(stack, "workflow", changed):
            yield

    return patch


NEEDLESS = "sts:TagSession"
"""An action that nothing here does: a policy must have a statement."""


def permission(policy: str, sid: str, *actions: str) -> Patch:
    """A policy without a statement, or without some of its actions, before it is deployed."""

    @contextlib.contextmanager
    def patch() -> Iterator[None]:
        real = stack.policy

        def changed(name: str) -> dict[str, Any]:
            document = real(name)
            if name == policy:
                document["Statement"] = _without(document["Statement"], sid, actions)
            return document

        with mock.patch.object(stack, "policy", changed):
            yield

    return patch


def _without(
    statements: list[dict[str, Any]], sid: str, actions: tuple[str, ...]
) -> list[dict[str, Any]]:
    (taken,) = [statement for statement in statements if statement["Sid"] == sid]
    others = [statement for statement in statements if statement["Sid"] != sid]
    if not actions:
        return others or [{**taken, "Action": NEEDLESS}]
    assert set(actions) < set(taken["Action"])
    left = [action for action in taken["Action"] if action not in actions]
    return [*others, {**taken, "Action": left}]
