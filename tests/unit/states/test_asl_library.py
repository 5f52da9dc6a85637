"""Runs the library of small state machines in tests/asl, on virtual and on real time.

The expectations come with the cases. What the two runs must share is the history, but for its
timestamps. Real time is scaled so that no case takes longer than a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from emulator.core.clock import Clock, RealClock, Timer
from emulator.core.errors import AwsError
from emulator.core.virtual_clock import EPOCH, VirtualClock, run
from tests.asl.cases import UNSAID, CallsBack, Case, Fails, Holds, Takes
from tests.asl.library import CASES
from tests.unit.states.shapes import conforming
from tests.unit.states.world import CALLER, Ended, FunctionError, World

REAL_S = 0.1
"""How long the waiting of one case may take on real time."""
RACE_SCALES = (8.0, 2.0, 0.5)
"""How much faster than real time a race of timers is run. A busy machine may stop for longer than
the timers are apart; a fault of ours ends the race wrongly at every pace."""
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class ShiftedClock:
    """Real time, scaled, that begins when virtual time does."""

    def __init__(self, scale: float) -> None:
        self._clock = RealClock(scale)
        self._shift = EPOCH - self._clock.now()

    def now(self) -> float:
        return self._clock.now() + self._shift

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self._clock.call_later(seconds, callback)


class Script:
    """A function of a case."""

    def __init__(self, answers: Any, clock: Clock) -> None:
        self._answers = list(answers) if isinstance(answers, list) else [answers]
        self._clock = clock
        self.world: World | None = None
        self.sent: list[asyncio.Task[None]] = []

    async def __call__(self, event: Any) -> Any:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Takes):
            await self._clock.sleep(answer.seconds)
            answer = answer.answer
        if isinstance(answer, Fails):
            raise FunctionError(answer.name, answer.message)
        if isinstance(answer, CallsBack):
            self._call_back(answer, event["token"] if isinstance(event, dict) else event)
            return None
        return answer(event) if callable(answer) else answer

    def _call_back(self, answer: CallsBack, token: str) -> None:
        for beat in answer.beats:
            self._send(beat, "SendTaskHeartbeat", taskToken=token)
        if answer.output is not UNSAID:
            self._send(answer.after, "SendTaskSuccess", taskToken=token, output=answer.output)
        elif answer.error is not None:
            given = {"error": answer.error, "cause": answer.cause}
            self._send(answer.after, "SendTaskFailure", taskToken=token, **given)

    def _send(self, after: float, operation: str, **params: Any) -> None:
        assert self.world is not None
        states, loop = self.world.states, asyncio.get_running_loop()

        async def send() -> None:
            with contextlib.suppress(AwsError):  # the task may be over, as the case has it
                await states.call(operation, params, CALLER)

        def begin() -> None:
            self.sent.append(loop.create_task(send()))

        self._clock.call_later(after, begin)


async def play(case: Case, clock: Clock) -> Ended:
    scripts = {name: Script(answers, clock) for name, answers in case.functions.items()}
    world = World(dict(scripts), clock=clock)
    for script in scripts.values():
        script.world = world
    arn = await world.start(await world.create(case.definition), case.input)
    description = await world.settled(arn)
    events: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        page = await world.call("GetExecutionHistory", executionArn=arn, maxResults=1000, **token)
        conforming("GetExecutionHistory", page)
        events += page["events"]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    await world.states.stop()
    return Ended(world, arn, description, events)


def played(case: Case, seed: int | None = None) -> Ended:
    """The case on virtual time."""
    return run(lambda: play(case, VirtualClock()), seed=seed)


def details(event: dict[str, Any]) -> Any:
    found = [value for key, value in event.items() if key.endswith("EventDetails")]
    assert len(found) <= 1, event
    return found[0] if found else None


def brief(event: dict[str, Any], wanted: tuple[Any, ...]) -> tuple[Any, ...]:
    """The event with as much of it as is ``wanted``."""
    shown = (event["previousEventId"], event["type"], details(event))
    return shown[: len(wanted)]


def compare(events: list[dict[str, Any]], wanted: tuple[tuple[Any, ...], ...]) -> None:
    shown = [brief(*pair) for pair in zip(events, wanted, strict=False)]
    shown += [(event["previousEventId"], event["type"]) for event in events[len(wanted) :]]
    assert shown == list(wanted)


def check_end(case: Case, ended: Ended) -> None:
    assert ended.status == case.status, (ended.error, ended.cause)
    for name in ("error", "cause"):
        wanted, found = getattr(case, name), getattr(ended, name)
        assert wanted is UNSAID or found == wanted, (name, found)
    if isinstance(case.output, Holds):
        assert case.output.test(ended.output), ended.output
    elif case.output is not UNSAID:
        assert ended.output == case.output
        assert type(ended.output) is type(case.output)  # 1 is not true
    lasted = round(ended.description["stopDate"] - ended.description["startDate"], 3)
    if isinstance(case.lasts, tuple):
        assert case.lasts[0] <= lasted <= case.lasts[1]
    elif case.lasts is not None:
        assert lasted == case.lasts


def check_history(case: Case, ended: Ended) -> None:
    events = ended.events
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert all(event["previousEventId"] < event["id"] for event in events)
    at = [event["timestamp"] for event in events]
    assert at == sorted(at)
    if case.history:
        compare(events, case.history)
    if case.ends_with:
        compare(events[-len(case.ends_with) :], case.ends_with)
    if case.events is not UNSAID:
        assert len(events) == case.events


def timeless(ended: Ended) -> list[tuple[int, int, str, str]]:
    """The history without the times in it."""
    return [
        (e["id"], e["previousEventId"], e["type"], _TIME.sub("<time>", str(details(e))))
        for e in ended.events
    ]


def marked(case: Case) -> Any:
    claim = pytest.mark.fidelity(
        area="Step Functions: language",
        feature=case.feature,
        source=case.cite,
        verdict=case.verdict,
        note=case.note,
    )
    return pytest.param(case, id=case.name, marks=claim)


RUNS = [case for case in CASES if case.refused is None]
REFUSED = [case for case in CASES if case.refused is not None]


@pytest.mark.parametrize("case", [marked(case) for case in RUNS])
def test_machine(case: Case) -> None:
    assert case.history or case.ends_with, "a case says what its history is"
    ended = played(case)
    check_end(case, ended)
    check_history(case, ended)
    lasted = ended.description["stopDate"] - ended.description["startDate"]
    for scale in RACE_SCALES if case.races else [min(max(1.0, lasted / REAL_S), 100_000)]:
        real = asyncio.run(play(case, ShiftedClock(scale)))
        if timeless(real) == timeless(ended):
            break
    assert timeless(real) == timeless(ended)
    assert (real.status, real.error, real.cause) == (ended.status, ended.error, ended.cause)


@pytest.mark.parametrize("case", [case for case in RUNS if case.races], ids=lambda c: c.name)
def test_no_order_of_what_is_ready_changes_the_end(case: Case) -> None:
    kinds = Counter(event["type"] for event in played(case).events)
    for seed in range(8):
        ended = played(case, seed)
        check_end(case, ended)
        assert Counter(event["type"] for event in ended.events) == kinds


@pytest.mark.parametrize("case", [marked(case) for case in REFUSED])
def test_definition_is_refused(case: Case) -> None:
    async def main() -> None:
        await World().create(case.definition)

    with pytest.raises(AwsError) as raised:
        run(main)
    ours = case.verdict == "refused"
    assert raised.value.code == ("NotSupportedByEmulator" if ours else "InvalidDefinition")
    assert case.refused is not None
    assert case.refused in raised.value.message


def test_the_library_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 120
    assert [name for name, times in Counter(case.name for case in CASES).items() if times > 1] == []
