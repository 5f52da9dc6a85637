"""ECS's calls about tasks: RunTask, StopTask, DescribeTasks, ListTasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError, NotSupported
from emulator.core.journal import Journal
from emulator.core.logs import Lane, LogSink
from emulator.ecs import definitions, permissions, requests
from emulator.ecs import task as tasks
from emulator.ecs.driver import OUT_OF_MEMORY, Driver, ProcessDriver
from emulator.ecs.lifecycle import Surroundings, TaskRun
from emulator.ecs.metadata import MetadataApp
from emulator.ecs.settings import TasksSettings
from emulator.ecs.task import STOPPED, Task
from emulator.server import Listener, bind

log = logging.getLogger("emulator.ecs")

NO_CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different "
    "availability zone"
)
DESCRIBED_MAX = 100
LISTED_MAX = 100
REASON_CHARS_MAX = 1024
LIST_TASKS = frozenset(
    {"cluster", "family", "startedBy", "desiredStatus", "launchType", "maxResults", "nextToken"}
)


class TasksService:
    """Runs tasks; clusters and task definitions are moto's, reached through ``lane``.

    ``driver`` starts the containers: processes, unless told otherwise.
    """

    def __init__(  # noqa: PLR0917 (one place wires it)
        self,
        lane: Lane,
        clock: Clock,
        credentials: CredentialStore,
        bus: Bus,
        logs: LogSink,
        journal: Journal,
        settings: TasksSettings,
        driver: Driver | None = None,
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._bus = bus
        self._logs = logs
        self._journal = journal
        self._settings = settings
        self._driver = driver or ProcessDriver(settings.images, settings.working_dir)
        self._metadata = MetadataApp(clock, credentials, settings.credentials_s)
        self._listener: Listener | None = None
        self._metadata_url: str | None = None
        self._tasks: dict[str, Task] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._runs: dict[str, TaskRun] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._operations: Mapping[str, Callable[[dict[str, Any], Caller], Any]] = {
            "RunTask": self._run_task,
            "StopTask": self._stop_task,
            "DescribeTasks": self._describe_tasks,
            "ListTasks": self._list_tasks,
        }

    async def start(self) -> None:
        """Start the metadata server, and read what the journal knows of earlier tasks."""
        self._metadata_url = self._settings.metadata_url
        if not self._metadata_url:
            listening = bind(self._settings.host, 0, "the task metadata endpoint")
            self._listener = await Listener(self._metadata, listening).__aenter__()
            self._metadata_url = f"http://{self._settings.host_name}:{self._listener.port}"
        for value in self._journal.load("ecs-task").values():
            task = Task(value["account"], value["region"], value["shape"])
            self._tasks[task.arn] = task
            if task.over:
                self._forget_later(task)
        now = self._clock.now()
        for token, value in self._journal.load("ecs-token").items():
            if value["until"] > now:
                self._tokens[token] = value
            else:
                self._journal.put("ecs-token", token, None)

    async def stop(self) -> None:
        """Kill all processes; the journal keeps the tasks for ``recover`` of the next start."""
        listener, self._listener = self._listener, None
        self._metadata_url = None  # no task starts from here on
        for life in self._lives.values():
            life.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)
        await asyncio.gather(*(run.abandon() for run in self._runs.values()))
        self._lives.clear()
        self._runs.clear()
        if listener is not None:
            await listener.__aexit__(None, None, None)

    async def recover(self) -> int:
        """Tasks of an emulator that was killed are STOPPED now; returns how many there were."""
        lost = [t for t in self._tasks.values() if not t.over and t.arn not in self._runs]
        for task in lost:
            now = self._clock.now()
            shape = task.shape
            for container in shape["containers"]:
                container.update(lastStatus=STOPPED)
            shape.setdefault("stopCode", "TerminationNotice")
            shape.setdefault("stoppingAt", now)
            shape["stoppedReason"] = "The emulator that ran the task was stopped or killed."
            if "startedAt" in shape:
                shape.setdefault("executionStoppedAt", now)
            task.attach("DELETED")
            task.enter(STOPPED, desiredStatus=STOPPED, stoppedAt=now)
            shape["version"] += 1
            self._changed(task)
        return len(lost)

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call about tasks; raises AwsError as ECS does, NotSupported for others."""
        answer = self._operations.get(operation)
        if answer is None:
            raise NotSupported(f"ecs:{operation}")
        result: dict[str, Any] = await answer(params, caller)
        return result

    def address(self, task_arn: str) -> tuple[str, int] | None:
        """Where a running task listens: host and port; None while it does not."""
        task = self._tasks.get(task_arn)
        if task is None or task.status != "RUNNING":
            return None
        for container in task.shape["containers"]:
            for binding in container["networkBindings"]:
                return str(binding["bindIP"]), int(binding["hostPort"])
        return None

    def status(self, task_arn: str) -> str:
        """Where a task is; STOPPED for one that is not known (any more)."""
        task = self._tasks.get(task_arn)
        return STOPPED if task is None else task.status

    async def ended(self, task_arn: str) -> None:
        """Return when a task is STOPPED."""
        life = self._lives.get(task_arn)
        if life is not None:
            await asyncio.wait({life})

    def end(self, task_arn: str, code: str, reason: str) -> None:
        """Stop a task for a reason of ECS's own; nothing when it is over."""
        run = self._runs.get(task_arn)
        if run is not None:
            run.stop(code, reason)

    def kill(self, task_arn: str) -> None:
        """Kill a task's containers, as a machine that fails does; nothing when it is over."""
        run = self._runs.get(task_arn)
        if run is not None:
            run.kill()

    def exhaust_memory(self, task_arn: str) -> None:
        """Kill a task's containers for using too much memory; nothing when it is over."""
        run = self._runs.get(task_arn)
        if run is not None:
            run.kill(OUT_OF_MEMORY)

    def interrupt(self, task_arn: str) -> None:
        """Take a task's Spot capacity away: it gets SIGTERM; nothing when it is over.

        Source: AWS's page "Amazon ECS clusters for Fargate", on Spot termination notices.
        """
        run = self._runs.get(task_arn)
        if run is not None:
            run.stop("SpotInterruption", "Your Spot Task was interrupted.")

    async def _run_task(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        requests.check(params, self._settings)
        cluster = params.get("cluster") or "default"
        account, region = caller.account, caller.region
        placed = await self._lane.run(
            lambda: definitions.placement(account, region, cluster, params["taskDefinition"])
        )
        requests.check_network(params, placed)
        requests.check_capacity(params, placed)
        plan = requests.plan(params, placed, self._settings)
        await permissions.pass_roles(self._bus, caller, plan)
        # From here to the end nothing waits: two requests with one token cannot both start.
        earlier = self._earlier(params, placed.cluster_arn)
        if earlier is not None:
            return earlier
        wanted = params.get("count", 1)
        room = self._settings.capacity_tasks - sum(not t.over for t in self._tasks.values())
        started = [
            self._begin(tasks.create(params, placed, plan, caller, self._clock.now()), plan)
            for _ in range(max(0, min(wanted, room)))
        ]
        failures = [{"reason": NO_CAPACITY}] * (wanted - len(started))
        if started and params.get("clientToken"):
            self._remember(params, placed.cluster_arn, started)
        return {"tasks": [t.answer(tags=True) for t in started], "failures": failures}

    def _begin(self, task: Task, plan: requests.TaskPlan) -> Task:
        if self._metadata_url is None:
            raise AwsError("ServerException", "The emulator is stopping.", 500)
        around = Surroundings(
            self._lane,
            self._clock,
            self._bus,
            self._logs,
            self._driver,
            self._metadata,
            self._metadata_url,
            self._settings,
        )
        run = TaskRun(task, plan, around, self._changed)
        self._tasks[task.arn] = task
        self._runs[task.arn] = run
        self._changed(task)
        self._lives[task.arn] = asyncio.create_task(self._live(run))
        return task

    async def _live(self, run: TaskRun) -> None:
        task = run.task
        try:
            await run.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the task %s failed inside the emulator", task.arn)
            await run.abandon()
            run.stop("TaskFailedToStart", "InternalError: the emulator failed; see its log")
            task.enter(STOPPED, desiredStatus=STOPPED, stoppedAt=self._clock.now())
            self._changed(task)
        self._runs.pop(task.arn, None)
        self._lives.pop(task.arn, None)

    async def _stop_task(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        await self._cluster(params, caller)
        task = self._find(str(params.get("task", "")), params.get("cluster") or "default", caller)
        if task is None:
            raise AwsError("InvalidParameterException", "The referenced task was not found.")
        reason = str(params.get("reason") or "Task stopped by user")
        if len(reason) > REASON_CHARS_MAX:
            raise AwsError(
                "InvalidParameterException", f"reason is longer than {REASON_CHARS_MAX} characters."
            )
        run = self._runs.get(task.arn)
        if run is not None and "stopCode" not in task.shape:
            run.stop("UserInitiated", reason)
            self._keep(task)
        return {"task": task.answer(tags=False)}

    async def _describe_tasks(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        await self._cluster(params, caller)
        names = params.get("tasks") or []
        if not names:
            raise AwsError("InvalidParameterException", "Tasks cannot be empty.")
        if len(names) > DESCRIBED_MAX:
            raise AwsError(
                "InvalidParameterException", f"Tasks cannot have more than {DESCRIBED_MAX} entries."
            )
        cluster = params.get("cluster") or "default"
        tags = "TAGS" in (params.get("include") or ())
        known, failures = [], []
        for name in names:
            task = self._find(name, cluster, caller)
            if task is None:
                failures.append({"arn": _arn(name, cluster, caller), "reason": "MISSING"})
            else:
                known.append(task.answer(tags=tags))
        return {"tasks": known, "failures": failures}

    async def _list_tasks(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        unknown = sorted(params.keys() - LIST_TASKS)
        if unknown:
            raise NotSupported(f"the parameter {unknown[0]} of ecs:ListTasks")
        if params.get("startedBy") and params.get("family"):
            raise AwsError(
                "InvalidParameterException", "startedBy must be the only filter that is used."
            )
        desired = params.get("desiredStatus", "RUNNING")
        if desired not in {"RUNNING", "PENDING", STOPPED}:
            raise AwsError("InvalidParameterException", f"{desired!r} is not a desired status.")
        size = int(params.get("maxResults") or LISTED_MAX)
        if not 1 <= size <= LISTED_MAX:
            raise AwsError("InvalidParameterException", f"maxResults must be 1 to {LISTED_MAX}.")
        cluster_arn = await self._cluster(params, caller)
        found = [
            t.arn
            for t in self._tasks.values()
            if t.shape["clusterArn"] == cluster_arn
            and t.shape["desiredStatus"] == desired
            and params.get("family", t.family) == t.family
            and params.get("startedBy", t.shape.get("startedBy")) == t.shape.get("startedBy")
            and params.get("launchType", t.shape["launchType"]) == t.shape["launchType"]
        ]
        first = _offset(params.get("nextToken"))
        answer: dict[str, Any] = {"taskArns": found[first : first + size]}
        if first + size < len(found):
            answer["nextToken"] = str(first + size)
        return answer

    async def _cluster(self, params: Mapping[str, Any], caller: Caller) -> str:
        cluster = params.get("cluster") or "default"
        arn, _ = await self._lane.run(
            lambda: definitions.cluster_of(caller.account, caller.region, cluster)
        )
        return arn

    def _find(self, name: str, cluster: str, caller: Caller) -> Task | None:
        return self._tasks.get(_arn(name, cluster, caller))

    def _earlier(self, params: Mapping[str, Any], cluster_arn: str) -> dict[str, Any] | None:
        """The answer to a request that was made before with the same client token."""
        token = params.get("clientToken")
        known = self._tokens.get(f"{cluster_arn} {token}") if token else None
        if known is None or known["until"] <= self._clock.now():
            return None
        if known["digest"] != requests.digest(params):
            raise AwsError(
                "ConflictException",
                "The RunTask request could not be processed due to conflicts. The provided "
                "clientToken is already in use with a different RunTask request.",
                400,
                {"resourceIds": known["arns"]},
            )
        there = [self._tasks[arn] for arn in known["arns"] if arn in self._tasks]
        gone = [arn for arn in known["arns"] if arn not in self._tasks]
        return {
            "tasks": [t.answer(tags=True) for t in there],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in gone],
        }

    def _remember(self, params: Mapping[str, Any], cluster_arn: str, started: list[Task]) -> None:
        now = self._clock.now()
        for key in [k for k, v in self._tokens.items() if v["until"] <= now]:
            del self._tokens[key]
            self._journal.put("ecs-token", key, None)
        key = f"{cluster_arn} {params['clientToken']}"
        self._tokens[key] = {
            "digest": requests.digest(params),
            "arns": [t.arn for t in started],
            "until": now + self._settings.client_token_s,
        }
        self._journal.put("ecs-token", key, self._tokens[key])

    def _changed(self, task: Task) -> None:
        self._keep(task)
        self._bus.publish(task.event(self._clock.now()))
        if task.over:
            self._forget_later(task)

    def _keep(self, task: Task) -> None:
        value = {"account": task.account, "region": task.region, "shape": task.shape}
        self._journal.put("ecs-task", task.arn, value)

    def _forget_later(self, task: Task) -> None:
        age = self._clock.now() - float(task.shape.get("stoppedAt", 0.0))
        self._clock.call_later(self._settings.stopped_kept_s - age, lambda: self._forget(task))

    def _forget(self, task: Task) -> None:
        self._tasks.pop(task.arn, None)
        self._journal.put("ecs-task", task.arn, None)


def _arn(name: str, cluster: str, caller: Caller) -> str:
    if name.startswith("arn:"):
        return name
    cluster_name = cluster.rsplit("/", 1)[-1]
    return f"arn:aws:ecs:{caller.region}:{caller.account}:task/{cluster_name}/{name}"


def _offset(token: Any) -> int:
    try:
        return max(0, int(token or 0))
    except ValueError as error:
        raise AwsError("InvalidParameterException", "Invalid token.") from error
