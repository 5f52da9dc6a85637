"""RunTask's request: what is valid, what is refused, what it means for each container."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.errors import AwsError, NotSupported
from emulator.ecs.definitions import Placement
from emulator.ecs.settings import TasksSettings

RUN_TASK = frozenset(
    {
        *("cluster", "taskDefinition", "count", "launchType", "networkConfiguration", "overrides"),
        *("startedBy", "group", "tags", "clientToken", "enableECSManagedTags", "propagateTags"),
        *("platformVersion", "capacityProviderStrategy", "enableExecuteCommand", "referenceId"),
    }
)
OVERRIDES = frozenset({"containerOverrides", "cpu", "memory", "taskRoleArn", "executionRoleArn"})
CONTAINER_OVERRIDES = frozenset(
    {"name", "command", "environment", "cpu", "memory", "memoryReservation"}
)
LAUNCH_TYPES = frozenset({"FARGATE"})
PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})
TOKEN = re.compile(r"^[\x21-\x7e]{1,64}$")
STARTED_BY = re.compile(r"^(?:[A-Za-z0-9_/-]{1,128}|AWS Step Functions)$")
"""Step Functions names itself with spaces, which nobody else may."""


@dataclass(frozen=True)
class ContainerPlan:
    """A container with its overrides applied."""

    name: str
    image: str
    essential: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    memory_mib: int | None
    cpu: str
    stop_timeout_s: float
    ports: tuple[int, ...]
    log_group: str | None
    log_region: str
    log_prefix: str
    log_group_is_made: bool


@dataclass(frozen=True)
class TaskPlan:
    """All that a task of a request runs with."""

    cpu: str
    memory: str
    task_role_arn: str | None
    execution_role_arn: str | None
    containers: tuple[ContainerPlan, ...]


def check(params: Mapping[str, Any], settings: TasksSettings) -> None:
    """Refuse a request that ECS would refuse, or that asks for what is not done here."""
    unknown = sorted(params.keys() - RUN_TASK)
    if unknown:
        raise NotSupported(f"the parameter {unknown[0]} of ecs:RunTask")
    if params.get("enableExecuteCommand"):
        raise NotSupported("ECS Exec")
    if not params.get("taskDefinition"):
        raise _invalid("TaskDefinition can not be blank.")
    count = params.get("count", 1)
    if not isinstance(count, int) or not 1 <= count <= settings.count_max:
        raise _invalid(f"count must be between 1 and {settings.count_max}.")
    launch_type = params.get("launchType")
    if launch_type and params.get("capacityProviderStrategy"):
        raise _invalid("The parameters launchType and capacityProviderStrategy exclude each other.")
    if launch_type and launch_type not in LAUNCH_TYPES:
        raise NotSupported(f"the launch type {launch_type!r}")
    for item in params.get("capacityProviderStrategy") or ():
        if item.get("capacityProvider") not in PROVIDERS:
            raise NotSupported(f"the capacity provider {item.get('capacityProvider')!r}")
    if params.get("propagateTags") == "SERVICE":
        raise _invalid("The tags of a service cannot be propagated by RunTask.")
    if "clientToken" in params and not TOKEN.match(str(params["clientToken"])):
        raise _invalid("clientToken must have 1 to 64 characters in the range of 33 to 126.")
    if params.get("startedBy") and not STARTED_BY.match(str(params["startedBy"])):
        raise _invalid("startedBy must have up to 128 letters, digits, hyphens, slashes, or _.")
    _check_overrides(params.get("overrides") or {}, settings)


def check_network(params: Mapping[str, Any], placed: Placement) -> None:
    """Tasks with a network interface of their own must say where it goes."""
    given = (params.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if placed.network_mode != "awsvpc":
        raise NotSupported(f"the network mode {placed.network_mode!r}")
    if not given:
        raise _invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    if not given.get("subnets"):
        raise _invalid("subnets can not be empty.")


def check_capacity(params: Mapping[str, Any], placed: Placement) -> None:
    """A strategy may name only what is associated with the cluster."""
    for item in params.get("capacityProviderStrategy") or ():
        if item["capacityProvider"] not in placed.capacity_providers:
            raise _invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that "
                "is not associated with the cluster. Associate the capacity provider with the "
                "cluster and try again."
            )


def digest(params: Mapping[str, Any]) -> str:
    """What two requests with one client token must have in common."""
    return hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()


def plan(params: Mapping[str, Any], placed: Placement, settings: TasksSettings) -> TaskPlan:
    """Apply the overrides of a request to the task definition."""
    overrides = params.get("overrides") or {}
    by_name = {o.get("name"): o for o in overrides.get("containerOverrides") or ()}
    names = {c["name"] for c in placed.containers}
    for name in by_name:
        if name not in names:
            raise _invalid(
                f"Override for container named {name} is not a container in the TaskDefinition."
            )
    return TaskPlan(
        cpu=_units(overrides.get("cpu") or placed.cpu, "vcpu"),
        memory=_units(overrides.get("memory") or placed.memory, "gb"),
        task_role_arn=overrides.get("taskRoleArn") or placed.task_role_arn,
        execution_role_arn=overrides.get("executionRoleArn") or placed.execution_role_arn,
        containers=tuple(
            _container(c, by_name.get(c["name"], {}), settings) for c in placed.containers
        ),
    )


def _container(
    defined: Mapping[str, Any], override: Mapping[str, Any], settings: TasksSettings
) -> ContainerPlan:
    environment = {e["name"]: str(e.get("value", "")) for e in defined.get("environment") or ()}
    environment |= {e["name"]: str(e.get("value", "")) for e in override.get("environment") or ()}
    command = override.get("command") or defined.get("command") or ()
    memory = override.get("memory") or defined.get("memory")
    options = (defined.get("logConfiguration") or {}).get("options") or {}
    stop_timeout = float(defined.get("stopTimeout") or settings.stop_timeout_s)
    return ContainerPlan(
        name=str(defined["name"]),
        image=str(defined["image"]),
        essential=bool(defined.get("essential", True)),
        command=tuple(str(part) for part in command),
        environment=environment,
        memory_mib=int(memory) if memory else None,
        cpu=str(override.get("cpu") or defined.get("cpu") or 0),
        stop_timeout_s=min(stop_timeout, settings.stop_timeout_s_max),
        ports=tuple(int(p["containerPort"]) for p in defined.get("portMappings") or ()),
        log_group=options.get("awslogs-group"),
        log_region=str(options.get("awslogs-region") or settings.region),
        log_prefix=str(options.get("awslogs-stream-prefix") or ""),
        log_group_is_made=str(options.get("awslogs-create-group", "false")).lower() == "true",
    )


def _check_overrides(overrides: Mapping[str, Any], settings: TasksSettings) -> None:
    unknown = sorted(overrides.keys() - OVERRIDES)
    if unknown:
        raise NotSupported(f"the override {unknown[0]} of ecs:RunTask")
    if len(json.dumps(overrides)) > settings.overrides_chars_max:
        raise _invalid(f"Container Overrides length must be at most {settings.overrides_chars_max}")
    for container in overrides.get("containerOverrides") or ():
        unknown = sorted(container.keys() - CONTAINER_OVERRIDES)
        if unknown:
            raise NotSupported(f"the container override {unknown[0]} of ecs:RunTask")
        if not container.get("name"):
            raise _invalid("Container name can not be blank in container overrides.")


def _units(value: str, suffix: str) -> str:
    """CPU units or MiB: ``1 vCPU`` is 1024, ``2 GB`` is 2048."""
    text = str(value).strip().lower()
    try:
        if text.endswith(suffix):
            return str(round(float(text.removesuffix(suffix)) * 1024))
        return str(int(text))
    except ValueError as error:
        raise _invalid(f"{value!r} is not a valid amount of CPU or memory.") from error


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
