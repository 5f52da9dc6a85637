"""A task that keeps the worker's protocol and paints nothing.

The protocol is in docs/contracts.md, "The run inside the task".
It takes the place of a container: ECS's engine starts it, asks it to end and kills it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock, iso
from emulator.core.credentials import session_arn
from emulator.core.errors import AwsError, NoReply, ProcessCrash
from emulator.ecs.driver import ContainerSpec, Usage
from emulator.simulation.habits import Habits
from emulator.simulation.stub_client import Client
from system import problems, runs

GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
KILLED, CRASHED = 137, 1
TOKENS_MAX = 5


CANCELLED = "The run was stopped as you asked."


class Stopped(Exception):  # noqa: N818 - what happened
    """The run is to end without a picture; the error name and a sentence for the visitor."""

    def __init__(self, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.error = error


class StubDriver:
    """ECS's driver of stub tasks."""

    def __init__(
        self, bus: Bus, clock: Clock, role_arn: str, rng: random.Random, habits: Habits
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._role_arn = role_arn
        self._rng = rng
        self._habits = habits

    def check(self, image: str) -> None:
        """Every image is there."""

    async def start(self, spec: ContainerSpec) -> StubTask:
        """Start a task."""
        run_id = spec.environment["RUN_ID"]
        caller = Caller(
            self._role_arn.split(":")[4],
            spec.environment["AWS_REGION"],
            session_arn(self._role_arn, run_id),
            request_id=run_id,
            role_arn=self._role_arn,
        )
        seed = self._rng.getrandbits(64)
        return StubTask(
            Client(self._bus, self._clock, caller, spec.environment["STORAGE_BUCKET"]),
            self._clock, run_id, random.Random(seed), self._habits,  # noqa: S311 (a simulation)
        )  # fmt: skip


class StubTask:
    """One container."""

    reason: str | None = None

    def __init__(
        self, client: Client, clock: Clock, run_id: str, rng: random.Random, habits: Habits
    ) -> None:
        self._client = client
        self._clock = clock
        self._run_id = run_id
        self._rng = rng
        self._habits = habits
        self._stop: Stopped | None = None
        self._stopping = asyncio.Event()
        self._hung = False
        self._reporting = False
        self._token: str | None = None
        """The callback that waits: the start order's, then the watch token."""
        self._token_key = runs.start_order_key(run_id)
        """The object that it stands in, where a retry of the workflow puts a newer one."""
        self._heart: asyncio.Task[None] | None = None
        self._lines: list[dict[str, Any]] = []
        self._work = asyncio.get_running_loop().create_task(self._live())
        self.output = asyncio.StreamReader()
        self.output.feed_eof()

    async def wait(self) -> int:
        """The exit code."""
        await asyncio.wait({self._work})
        if self._work.cancelled():
            return KILLED
        return self._work.result()

    def terminate(self) -> None:
        """SIGTERM: say why and exit; one that hangs does not hear it."""
        if not self._hung:
            self._end("TaskStopped", "The painter was stopped before its painting was done.")

    def kill(self) -> None:
        """SIGKILL."""
        self._work.cancel()

    async def usage(self, *, ports: bool) -> Usage:  # noqa: ARG002 (the protocol's)
        """Little, whenever one looks; nobody looks often."""
        return Usage(1, None)

    def _end(self, error: str, sentence: str) -> None:
        if self._stop is None and not self._reporting:
            self._stop = Stopped(error, sentence)
            self._stopping.set()

    async def _live(self) -> int:
        began_at = self._clock.now()
        try:
            await self._pause(self._rng.uniform(*self._habits.startup_s))
            order = await self._order()
            return CRASHED if order is None else await self._run(order, began_at)
        except (AwsError, NoReply, Stopped):
            return CRASHED  # nobody could be told
        except ProcessCrash:
            return CRASHED
        finally:
            self._end_heart()

    async def _order(self) -> dict[str, Any] | None:
        key = runs.start_order_key(self._run_id)
        found: dict[str, Any] | None = await self._within(
            self._habits.order_patience_s, lambda: self._client.document(key)
        )
        return found if found is not None and found.get("run_id") == self._run_id else None

    async def _run(self, order: dict[str, Any], began_at: float) -> int:
        self._line("state", state="starting")
        self._token = order["task_token"]
        try:
            order = await self._report_started(order)
            self._token, self._token_key = None, runs.watch_key(self._run_id)
            self._heart = asyncio.get_running_loop().create_task(self._beat())
            early = await self._paint(order["run"], began_at)
            result = await self._store(early)
        except Stopped as stopped:
            return await self._report_failure(stopped)
        output = {"result_key": result, "stopped_early": early, "steps": 1, "cpu_s": 0.0}
        return await self._report("SendTaskSuccess", output=json.dumps({**output, "dtype": "none"}))

    async def _report_started(self, order: dict[str, Any]) -> dict[str, Any]:
        """Say ``started`` with the newest token; returns the order whose token took it."""
        started = json.dumps({"task_arn": self._run_id, "started_at": self._clock.now()})
        while True:
            try:
                await self._insist(
                    "states", "SendTaskSuccess", taskToken=order["task_token"], output=started
                )
            except AwsError as error:
                if error.code not in GONE:
                    raise Stopped("WorkerLost", "The painter lost contact.") from error
                find = partial(self._newer, order["task_token"])
                newer = await self._within(self._habits.token_patience_s, find)
                if newer is None:
                    raise Stopped("WorkerLost", "The run was given up.") from error
                order = newer
                self._token = order["task_token"]
            else:
                return order

    async def _newer(self, old: str) -> dict[str, Any] | None:
        if await self._client.there(runs.cancel_key(self._run_id)):
            raise Stopped("RunCancelled", CANCELLED)
        found = await self._client.document(runs.start_order_key(self._run_id))
        return found if found is not None and found["task_token"] != old else None

    async def _beat(self) -> None:
        try:
            await self._keep_contact()
        except ProcessCrash:
            self._work.cancel()

    async def _keep_contact(self) -> None:
        """Find the second token, show that the task lives, hear of a stop."""
        habits, since = self._habits, self._clock.now()
        heard_at, beat_at, poll_s = since, since, 0.2
        while self._stop is None and not self._hung:
            try:
                await self._find_token(since)
                if self._clock.now() >= beat_at:
                    beat_at = self._clock.now() + habits.heartbeat_s
                    await self._show_life()
                heard_at = self._clock.now()
            except (AwsError, NoReply):
                if self._clock.now() - heard_at >= habits.contact_lost_s:
                    self._end("WorkerLost", "The painter lost contact.")
                await self._clock.sleep(habits.retry_s)
            pause = max(0.0, beat_at - self._clock.now())
            if self._token is None:
                pause, poll_s = min(pause, poll_s), min(2 * poll_s, habits.watch_poll_max_s)
            await self._clock.sleep(pause)

    async def _find_token(self, since: float) -> None:
        if self._token is None:
            found = await self._client.document(runs.watch_key(self._run_id))
            self._token = found["task_token"] if found else None
        late = self._clock.now() - since >= self._habits.watch_patience_s
        if self._token is None and late:
            self._end("WorkerLost", "The painter lost contact.")

    async def _show_life(self) -> None:
        if await self._client.there(runs.cancel_key(self._run_id)):
            self._end("RunCancelled", CANCELLED)
        if self._token is None:
            return
        try:
            await self._client.call("states", "SendTaskHeartbeat", taskToken=self._token)
        except AwsError as error:
            if error.code not in GONE:
                raise
            if not await self._renew_token():
                self._end("WorkerLost", "The run was given up before its painting was done.")

    async def _renew_token(self) -> bool:
        """Take the token that took the place of one that is over; whether there is one."""
        found = await self._client.document(self._token_key)
        if found is None or found["task_token"] == self._token:
            return False
        self._token = found["task_token"]
        return True

    async def _paint(self, run: Mapping[str, Any], began_at: float) -> bool:
        """Take time; whether the deadline came first."""
        habits, chance = self._habits, self._rng.random()
        self._line("state", state="checking")
        for key in (run["content_key"], *run["style_keys"], *run.get("mask_keys", [])):
            if not await self._client.there(key):
                raise Stopped("PictureRefused", "A picture is not there any more.")
        if chance < habits.refused:
            raise Stopped("PictureRefused", "The content is not a picture.")
        if chance < habits.refused + habits.failed:
            raise Stopped("WorkerFailed", "The painter failed at these pictures.")
        self._line("state", state="running", steps=1, dtype="none")
        deadline_s = float(run["deadline_s"])
        until = began_at + max(deadline_s - habits.finish_s, deadline_s / 2)
        wanted = self._clock.now() + deadline_s * self._rng.uniform(*habits.share_of_deadline)
        if chance > 1 - habits.hung:
            self._hung = True
            await self._clock.sleep(10 * 86_400.0)
        while self._clock.now() < min(wanted, until):
            await self._pause(min(habits.log_s, min(wanted, until) - self._clock.now()))
            await self._write_log()
        return wanted > until

    async def _store(self, early: bool) -> str:
        key = runs.result_key(self._run_id)
        if await self._within(0.0, self._cancelled):
            raise Stopped("RunCancelled", CANCELLED)
        await self._insist_put(key, b"a painting")
        self._line("result", key=key, stopped_early=early)
        self._line("state", state="succeeded")
        await self._write_log()
        return key

    async def _cancelled(self) -> bool:
        return await self._client.there(runs.cancel_key(self._run_id))

    async def _report_failure(self, stopped: Stopped) -> int:
        why = await self._cause(stopped)
        state = "cancelled" if why.error == "RunCancelled" else "failed"
        problem = problems.document(why.error, str(why), run_id=self._run_id)
        self._line("state", state=state, problem=problem)
        await self._write_log()
        return await self._report("SendTaskFailure", error=why.error, cause=str(why))

    async def _cause(self, stopped: Stopped) -> Stopped:
        """SIGTERM says that the task is to end, not why: the cancel mark may."""
        if stopped.error == "TaskStopped":
            try:
                if await self._cancelled():
                    return Stopped("RunCancelled", CANCELLED)
            except (AwsError, NoReply):
                return stopped
        return stopped

    async def _report(self, operation: str, **said: str) -> int:
        """The last word; 0 when it was taken or nobody waits for one."""
        self._end_heart()
        self._reporting, self._stop = True, None  # from here on only SIGKILL ends it
        until = self._clock.now() + self._habits.report_patience_s
        while True:
            with contextlib.suppress(AwsError, NoReply):
                if await self._told(operation, said):
                    return 0
            if self._clock.now() >= until:
                return CRASHED
            await self._clock.sleep(self._habits.retry_s)

    async def _told(self, operation: str, said: dict[str, str]) -> bool:
        """Whether the newest token took the report, or nobody waits for one any more."""
        if self._token is None and not await self._renew_token():
            return False
        for _ in range(TOKENS_MAX):
            try:
                await self._client.call("states", operation, taskToken=self._token, **said)
            except AwsError as error:
                if error.code not in GONE:
                    raise
                if not await self._renew_token():
                    return True
            else:
                return True
        return False

    def _end_heart(self) -> None:
        if self._heart is not None:
            self._heart.cancel()

    async def _insist(self, service: str, operation: str, **params: Any) -> None:
        until = self._clock.now() + self._habits.report_patience_s
        while True:
            try:
                await self._client.call(service, operation, **params)
            except (AwsError, NoReply) as error:
                if isinstance(error, AwsError) and error.code in GONE:
                    raise
                if self._clock.now() >= until:
                    raise Stopped("WorkerLost", "The painter lost contact.") from error
            else:
                return
            await self._pause(self._habits.retry_s)

    async def _insist_put(self, key: str, body: bytes) -> None:
        until = self._clock.now() + self._habits.report_patience_s
        while True:
            try:
                await self._client.put(key, body)
            except (AwsError, NoReply) as error:
                if self._clock.now() >= until:
                    raise Stopped("WorkerFailed", "The painting could not be stored.") from error
            else:
                return
            await self._pause(self._habits.retry_s)

    async def _within(self, seconds: float, find: Callable[[], Any]) -> Any:
        """What ``find`` finds within ``seconds``; None when it finds nothing."""
        until = self._clock.now() + seconds
        while True:
            try:
                found = await find()
            except (AwsError, NoReply) as error:
                found = None
                if self._clock.now() >= until + self._habits.report_patience_s:
                    raise Stopped("WorkerLost", "The painter lost contact.") from error
            if found or self._clock.now() >= until:
                return found
            await self._pause(self._habits.retry_s)

    async def _pause(self, seconds: float) -> None:
        """Let time pass; raises Stopped as soon as the run is to end."""
        if self._stop is None and seconds > 0:
            timer = self._clock.call_later(seconds, self._stopping.set)
            await self._stopping.wait()
            timer.cancel()
            if self._stop is None:
                self._stopping.clear()
        if self._stop is not None:
            raise self._stop

    async def _write_log(self) -> None:
        """A log that cannot be written does not end the run."""
        text = "".join(json.dumps(line) + "\n" for line in self._lines)
        try:
            await self._client.put(runs.events_key(self._run_id), text.encode())
        except (AwsError, NoReply):
            return

    def _line(self, kind: str, **members: Any) -> None:
        number = len(self._lines) + 1
        self._lines.append({"id": number, "at": iso(self._clock.now()), "type": kind, **members})
