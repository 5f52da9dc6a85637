"""The sandboxes of all functions: warm ones are reused, last used first; idle ones end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from emulator.core import ids
from emulator.core.bus import Bus
from emulator.core.clock import Clock, iso
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError
from emulator.core.logs import LogSink
from emulator.functions.code import CodeStore
from emulator.functions.definition import Function
from emulator.functions.environment import environment
from emulator.functions.launcher import Job, Launcher
from emulator.functions.sandbox import Line, Sandbox
from emulator.functions.settings import FunctionsSettings

log = logging.getLogger("emulator.functions")

LINES_HELD_MAX = 5000
"""Of one sandbox, while the log sink is full; beyond it the sandbox's output is not read."""

Key = tuple[str, str, str, str]


class SandboxPool:
    """Sandboxes by function version; one whose code or configuration changed is not reused."""

    def __init__(
        self,
        *,
        root: Path,
        clock: Clock,
        credentials: CredentialStore,
        logs: LogSink,
        bus: Bus,
        settings: FunctionsSettings,
        api_address: Callable[[], str],
    ) -> None:
        self._root = root
        self._clock = clock
        self._credentials = credentials
        self._logs = logs
        self._bus = bus
        self._settings = settings
        self._api_address = api_address
        self._code = CodeStore(root, settings)
        self._all: dict[str, Sandbox] = {}
        self._idle: defaultdict[Key, list[Sandbox]] = defaultdict(list)
        self._newest: dict[Key, Function] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._writers: dict[str, _LogWriter] = {}
        self._launchers: dict[bool, Launcher] = {}
        self._stopped = False

    async def prepare(self, *, sdk: bool) -> None:
        """Start ahead what starts sandboxes, of functions with the SDK or without.

        A failure is left for the first invocation, which tries again and reports it.
        """
        try:
            zygote = await (await self._launcher(sdk=sdk)).ready()
        except AwsError as error:
            log.warning("%s It is tried again with the first invocation.", error.message)
            return
        if not zygote.private_tmp:
            log.warning(
                "This machine lets no process have a /tmp of its own: functions see the machine's."
            )

    async def _launcher(self, *, sdk: bool) -> Launcher:
        runtime_dir = await self._code.runtime()
        private = self._settings.private_tmp
        new = Launcher(runtime_dir, sdk=sdk, private_tmp=private)
        return self._launchers.setdefault(sdk, new)

    def find(self, identity: str) -> Sandbox | None:
        """The sandbox of an id."""
        return self._all.get(identity)

    def count(self, function: Function) -> int:
        """How many sandboxes of this version rest."""
        return len(self._idle[function.key])

    def take_idle(self, function: Function) -> Sandbox | None:
        """A warm sandbox of exactly this function, or None.

        Those of an older code or configuration, and those that are too old, end here.
        """
        self._newest[function.key] = function
        resting = self._idle[function.key]
        while resting:
            sandbox = resting.pop()
            if sandbox.idle_timer is not None:
                sandbox.idle_timer.cancel()
            if self._usable(sandbox):
                return sandbox
            self.end(sandbox)
        return None

    async def create(self, function: Function) -> Sandbox:
        """A new sandbox whose process has been started (not yet ready)."""
        self._newest[function.key] = function
        if self._stopped:
            raise AwsError("ServiceException", "The emulator is stopping.", 500)
        if not await self._bus.trusts(function.role, "lambda.amazonaws.com", function.arn):
            raise AwsError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                403,
            )
        code = await self._code.unpacked(function)
        launcher = await self._launcher(sdk=code.sdk)
        zygote = await launcher.ready()
        identity = ids.hex_id()
        scratch = None if zygote.private_tmp else self._root / "scratch" / identity
        if scratch is not None:
            scratch.mkdir(parents=True)
        day = iso(self._clock.now())[:10].replace("-", "/")
        stream = f"{day}/[{function.version}]{secrets.token_hex(16)}"
        writer = _LogWriter(self._logs, self._bus, function, stream)
        sandbox = Sandbox(identity, function, self._clock, self._settings, writer.write)
        writer.sandbox = sandbox
        self._all[identity] = sandbox
        self._writers[identity] = writer
        credential = self._credentials.issue_session(
            function.role, function.name, self._settings.credentials_s
        )
        job = Job(
            identity=identity,
            task_root=code.root,
            runtime_dir=await self._code.runtime(),
            output=self._root / f"{identity}.output",
            environment=environment(
                function,
                credential,
                api=f"{self._api_address()}/{identity}",
                endpoint_url=self._settings.endpoint_url,
                task_root=code.root,
                runtime_dir=await self._code.runtime(),
                scratch=scratch,
                log_stream=stream,
            ),
            own_variables=frozenset(function.environment),
            names=code.names,
            storage_mb=function.storage_mb,
            read_only=function.source is not None,
        )
        try:
            await sandbox.start(launcher, job, scratch)
        except BaseException:
            self.end(sandbox)
            raise
        return sandbox

    def give_back(self, sandbox: Sandbox) -> None:
        """A sandbox has finished its event: let it rest, or end it when it is of no more use."""
        if not self._usable(sandbox):
            self.end(sandbox)
            return
        self._idle[sandbox.function.key].append(sandbox)
        sandbox.rests_since = self._clock.now()
        sandbox.idle_timer = self._clock.call_later(
            self._settings.idle_s, lambda: self._expire(sandbox)
        )
        everyone = [s for resting in self._idle.values() for s in resting]
        if len(everyone) > self._settings.idle_sandboxes_max:
            self._expire(min(everyone, key=lambda s: s.rests_since))

    def end(self, sandbox: Sandbox) -> None:
        """End a sandbox in the background."""
        task = asyncio.get_running_loop().create_task(self._end(sandbox))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """End all sandboxes; returns when their processes are gone and their logs written."""
        self._stopped = True
        self._idle.clear()
        for sandbox in list(self._all.values()):
            self.end(sandbox)
        while self._ending:
            await asyncio.gather(*self._ending)
        for launcher in self._launchers.values():
            await launcher.stop()

    async def _end(self, sandbox: Sandbox) -> None:
        await sandbox.stop()
        self._all.pop(sandbox.id, None)
        writer = self._writers.pop(sandbox.id, None)
        if writer is not None:
            await writer.close()

    def _usable(self, sandbox: Sandbox) -> bool:
        age = self._clock.now() - sandbox.born_at
        return (
            not sandbox.over
            and age < self._settings.sandbox_age_s_max
            and sandbox.function == self._newest[sandbox.function.key]
        )

    def _expire(self, sandbox: Sandbox) -> None:
        resting = self._idle[sandbox.function.key]
        if sandbox in resting:
            resting.remove(sandbox)
            self.end(sandbox)


class _LogWriter:
    """Passes a sandbox's lines on to the log sink, which may ask to wait.

    What the function's role may not write is lost, as on AWS: the function runs all the same.
    """

    def __init__(self, logs: LogSink, bus: Bus, function: Function, stream: str) -> None:
        self._logs = logs
        self._bus = bus
        self._refused = ""
        self._function = function
        self._stream = stream
        self._lines: list[Line] = []
        self.sandbox: Sandbox | None = None
        self._task: asyncio.Task[None] | None = None

    def write(self, line: Line) -> None:
        """Add a line."""
        self._lines.append(line)
        if len(self._lines) >= LINES_HELD_MAX and self.sandbox is not None:
            self.sandbox.hold_output(held=True)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._pass_on())

    async def close(self) -> None:
        """Return when every line has been handed over."""
        if self._task is not None:
            await self._task
        await self._pass_on()

    async def _pass_on(self) -> None:
        while self._lines:
            lines, self._lines = self._lines, []
            if not await self._may_write():
                continue
            await self._logs.put(
                self._function.log_group,
                self._stream,
                lines,
                account=self._function.account,
                region=self._function.region,
            )
        if self.sandbox is not None:
            self.sandbox.hold_output(held=False)

    async def _may_write(self) -> bool:
        function = self._function
        stream = f"log-group:{function.log_group}:log-stream:{self._stream}"
        arn = ids.arn("logs", stream, region=function.region, account=function.account)
        try:
            for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
                await self._bus.require("logs", function.caller(""), action, arn)
        except AwsError as error:
            if error.message != self._refused:
                log.warning("the log of %s is lost: %s", function.name, error.message)
            self._refused = error.message
            return False
        return True
