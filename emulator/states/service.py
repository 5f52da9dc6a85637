"""The service ``states``: AWS Step Functions, with a clock of our own."""

from __future__ import annotations

import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import NotSupported
from emulator.core.journal import Journal
from emulator.states import request_shapes
from emulator.states.execution_calls import ExecutionCalls
from emulator.states.executions import Engine
from emulator.states.integrations.calls import Background
from emulator.states.integrations.jobs import Jobs
from emulator.states.machine_calls import MachineCalls
from emulator.states.queries import QueryEngine
from emulator.states.query_functions import QuerySources
from emulator.states.runs import Runs
from emulator.states.state_tests import StateTests
from emulator.states.tokens import Tokens

Call = Callable[[dict[str, Any], Caller], Awaitable[dict[str, Any]]]


class StatesService:
    """Step Functions.

    ``bus`` reaches the services that states call and takes the status events; all time is read
    from ``clock``; standard executions are kept in ``journal``. ``rng`` (jitter, ``$random``) and
    ``new_id`` (execution names, tokens, UUIDs) can be given to make runs reproducible.
    """

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        journal: Journal,
        *,
        rng: random.Random | None = None,
        new_id: Callable[[], str] | None = None,
    ) -> None:
        chance = rng or random.Random()  # noqa: S311 (jitter and workflow data)
        make_id = new_id or _uuid
        self._background = Background()
        engine = Engine(
            bus=bus,
            clock=clock,
            queries=QueryEngine(QuerySources(clock.now, chance, make_id)),
            tokens=Tokens(make_id),
            jobs=Jobs(bus, clock),
            background=self._background,
            rng=chance,
            new_id=make_id,
        )
        self._runs = Runs(engine, journal)
        machines = MachineCalls(clock, make_id, self._runs)
        executions = ExecutionCalls(engine, machines, self._runs)
        self._calls: dict[str, Call] = {
            "CreateStateMachine": _at_once(machines.create),
            "UpdateStateMachine": _at_once(machines.update),
            "DescribeStateMachine": _at_once(machines.describe),
            "ListStateMachines": _at_once(machines.list),
            "DeleteStateMachine": _at_once(machines.delete),
            "ValidateStateMachineDefinition": _at_once(machines.validate),
            "TagResource": _at_once(machines.tag),
            "UntagResource": _at_once(machines.untag),
            "ListTagsForResource": _at_once(machines.list_tags),
            "ListStateMachineVersions": _at_once(machines.list_versions),
            "ListStateMachineAliases": _at_once(machines.list_aliases),
            "ListActivities": _at_once(machines.list_activities),
            "ListMapRuns": executions.list_map_runs,
            "DescribeStateMachineForExecution": executions.describe_machine,
            "TestState": StateTests(engine).test,
            "StartExecution": executions.start,
            "StartSyncExecution": executions.start_sync,
            "StopExecution": executions.stop,
            "DescribeExecution": executions.describe,
            "ListExecutions": executions.list,
            "GetExecutionHistory": executions.history,
            "SendTaskSuccess": executions.task_success,
            "SendTaskFailure": executions.task_failure,
            "SendTaskHeartbeat": executions.task_heartbeat,
        }

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError with AWS's codes.

        ``params`` is the parsed JSON body, the answer goes into JSON as it is: times are epoch
        seconds. Activities, map runs, redrive, versions and aliases are refused by name.
        """
        request_shapes.check(operation, params)
        call = self._calls.get(operation)
        if call is None:
            raise NotSupported(f"states:{operation}")
        return await call(params, caller)

    async def recover(self) -> int:
        """After a restart: end the executions that a kill left running; gives their number.

        Their status events are published, which is what starts reconciliation.
        """
        return await self._runs.recover()

    async def stop(self) -> None:
        """End everything that runs. In the journal running executions stay as they are."""
        await self._runs.stop()
        await self._background.stop()


def _at_once(
    call: Callable[[dict[str, Any], Caller], dict[str, Any]],
) -> Call:
    async def answer(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return call(params, caller)

    return answer


def _uuid() -> str:
    return str(uuid.uuid4())
