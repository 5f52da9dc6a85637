"""Short worlds, each with one trouble at the right moment, and how its run ends in them."""

from __future__ import annotations

from dataclasses import dataclass

from emulator.core.faults import Rule
from emulator.simulation.habits import Habits
from emulator.simulation.pace import Pace
from emulator.simulation.plan import EPOCHS, Happening, Operation, Plan, Trouble, Visit
from emulator.simulation.play import Report, play

CALM = Habits(refused=0.0, failed=0.0, hung=0.0)
HUNG = Habits(refused=0.0, failed=0.0, hung=1.0)

PROMPT = Pace()


@dataclass(frozen=True)
class Scene:
    """What happens to one visitor's run, and how the run ends."""

    happenings: tuple[Happening, ...]
    ends: str
    """Empty: there is no run."""
    epoch: float = EPOCHS[0]
    habits: Habits = CALM
    pace: Pace = PROMPT
    ceiling: bool = False
    """Whether it is charged its ceiling."""
    alarm: bool = False
    """Whether reconcile finds something, and says so."""

    def play(self) -> Report:
        plan = Plan(1, self.epoch, self.happenings, self.pace)
        return play(plan, self.habits)

    def complaint(self) -> str | None:
        """What is wrong in it; None when the system does as it should."""
        report = self.play()
        if report.violations:
            return str(report.violations[0])
        if self.ceiling and report.charged_microusd != report.reserved_microusd:
            return f"{report.charged_microusd} of {report.reserved_microusd} was charged"
        expected = [self.ends] if self.ends else []
        if report.ends != expected:
            return f"its run ended {report.ends}"
        if self.alarm is not bool(report.alarms):
            return f"reconcile raised its alarm {report.alarms} times"
        return None


def visit(at: float = 1.0, **more: object) -> Visit:
    return Visit(at, 1, "draft", 256, **{"admitted": False, **more})  # type: ignore[arg-type]


def trouble(effect: str, service: str = "*", operation: str = "*", **more: object) -> Trouble:
    rule = Rule(effect, service=service, operation=operation, **more)  # type: ignore[arg-type]
    return Trouble(0.0, 3600.0, rule)


SUCCEEDS = Scene((visit(),), "SUCCEEDED")
ADMITTED = Scene((visit(admitted=True),), "SUCCEEDED")
TAKES_MINUTES = Scene((Visit(1.0, 1, "best", 1024, admitted=False),), "SUCCEEDED")
# A run that is painted in seconds, of a task that took minutes to get its image.
PULLS_FOR_MINUTES = Scene((visit(),), "SUCCEEDED", pace=Pace(pull_s=(200.0, 200.0)))
HUNG_UP = Scene((visit(),), "WorkerLost", habits=HUNG)
AT_THE_MONTHS_END = Scene((visit(1_790.0),), "SUCCEEDED", epoch=EPOCHS[1])
NO_CAPACITY_ONCE = Scene((visit(), trouble("no_capacity", "ecs", "RunTask", times=1)), "SUCCEEDED")
THROTTLED = Scene(
    (
        visit(),
        trouble("error", "ecs", "RunTask", code="ThrottlingException", status=400, times=3),
    ),
    "SUCCEEDED",
)
RUN_TASK_WITHOUT_AN_ANSWER = Scene(
    (visit(), trouble("lost_reply", "ecs", "RunTask", times=3)), "SUCCEEDED"
)
RUN_TASK_NEVER_ANSWERED = Scene((visit(), trouble("lost_reply", "ecs", "RunTask")), "NoCapacity")
PLACED_WITHOUT_AN_ANSWER_THEN_REFUSED = Scene(
    (
        visit(),
        trouble("lost_reply", "ecs", "RunTask", times=1),
        trouble("no_capacity", "ecs", "RunTask"),
    ),
    "NoCapacity",
)
STARTED_AGAIN_WHEN_OVER = Scene(
    (
        visit(),
        trouble("no_capacity", "ecs", "RunTask", times=4),
        trouble("duplicate", "lambda", "Invoke", caller="*nst-run-nst*", seconds=90.0, times=1),
    ),
    "NoCapacity",
)
KILLED_BEFORE_IT_REPORTS = Scene(
    (visit(), trouble("task_killed", seconds=0.1)), "TaskStopped", alarm=True
)
STARTED_WITHOUT_AN_ANSWER = Scene(
    (visit(), trouble("lost_reply", "states", "StartExecution", caller="*start-run*", times=3)),
    "SUCCEEDED",
)
LEDGER_NOT_WRITTEN = Scene(
    (
        visit(),
        trouble(
            "error", "s3", "PutObject", caller="*update-budget*", code="InternalError", times=3
        ),
    ),
    "SUCCEEDED",
)
ASKED_FOR_AND_NEVER_SEEN = Scene(
    (visit(), trouble("lost_request", "ecs", "RunTask")), "NoCapacity", ceiling=True, alarm=True
)
WITHOUT_PICTURES = Scene((visit(uploads=False),), "")
RECONCILED_WHEN_ABOUT_TO_START = Scene(
    (
        visit(),
        trouble("delay", "states", "StartExecution", caller="*start-run*", seconds=8.0, times=1),
        Operation(5.0, "reconcile"),
    ),
    "SUCCEEDED",
)
HUNG_AND_UNSEEN = Scene(
    (visit(),), "WorkerLost", habits=HUNG, pace=Pace(tasks_shown_after_s=600.0), alarm=True
)
ALL = {name: value for name, value in list(globals().items()) if isinstance(value, Scene)}
