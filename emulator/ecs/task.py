"""A task: the document that ECS shows of it, and how it changes."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.clock import iso
from emulator.core.documents import copied
from emulator.ecs.definitions import Placement
from emulator.ecs.requests import TaskPlan

ADDRESS = "127.0.0.1"
STOPPED = "STOPPED"
TIMES = frozenset(
    {
        *("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "stoppingAt", "stoppedAt"),
        *("executionStoppedAt", "connectivityAt"),
    }
)


@dataclass
class Task:
    """One task; ``shape`` is ECS's Task structure with times in epoch seconds."""

    account: str
    region: str
    shape: dict[str, Any] = field(repr=False)

    @property
    def arn(self) -> str:
        """The task's ARN."""
        return str(self.shape["taskArn"])

    @property
    def id(self) -> str:
        """The last part of the ARN."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def family(self) -> str:
        """The family of its task definition."""
        return str(self.shape["taskDefinitionArn"]).rsplit("/", 1)[-1].split(":")[0]

    @property
    def status(self) -> str:
        """Where it is."""
        return str(self.shape["lastStatus"])

    @property
    def over(self) -> bool:
        """Whether it is STOPPED."""
        return self.status == STOPPED

    def container(self, name: str) -> dict[str, Any]:
        """The document of one of its containers."""
        return next(c for c in self.shape["containers"] if c["name"] == name)

    def enter(self, status: str, **members: Any) -> None:
        """Take a new state, and members with it."""
        self.shape.update(lastStatus=status, **members)
        for container in self.shape["containers"]:
            if container["lastStatus"] != STOPPED:
                container["lastStatus"] = {
                    "PROVISIONING": "PENDING",
                    "DEPROVISIONING": "RUNNING",
                }.get(status, status)

    def attach(self, status: str) -> None:
        """The state of the network interface."""
        for attachment in self.shape["attachments"]:
            attachment["status"] = status

    def answer(self, *, tags: bool) -> dict[str, Any]:
        """What the API answers; tags only when they were asked for."""
        shape = copied(self.shape)
        if not tags:
            shape["tags"] = []
        return shape

    def event(self, now: float) -> dict[str, Any]:
        """The EventBridge event of a change of state, in its envelope."""
        detail = {k: _iso(k, v) for k, v in copied(self.shape).items() if k != "tags"}
        for attachment in detail["attachments"]:
            attachment["type"] = "eni"
        detail["updatedAt"] = iso(now)
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": self.account,
            "time": iso(now)[:19] + "Z",
            "region": self.region,
            "resources": [self.arn],
            "detail": detail,
        }


def create(
    params: Mapping[str, Any], placed: Placement, plan: TaskPlan, caller: Caller, now: float
) -> Task:
    """A new task of a request, in PROVISIONING."""
    arn = ids.arn(
        "ecs",
        f"task/{placed.cluster_name}/{ids.hex_id()}",
        region=caller.region,
        account=caller.account,
    )
    shape: dict[str, Any] = {
        "attachments": [_interface(params)],
        "attributes": [{"name": "ecs.cpu-architecture", "value": _architecture(placed)}],
        "availabilityZone": f"{caller.region}a",
        "clusterArn": placed.cluster_arn,
        "containers": [
            {
                "containerArn": f"{arn.replace(':task/', ':container/')}/{uuid.uuid4()}",
                "taskArn": arn,
                "name": c.name,
                "image": c.image,
                "lastStatus": "PENDING",
                "networkInterfaces": [],
                "networkBindings": [],
                "healthStatus": "UNKNOWN",
                "cpu": c.cpu,
                **({"memory": str(c.memory_mib)} if c.memory_mib else {}),
            }
            for c in plan.containers
        ],
        "cpu": plan.cpu,
        "createdAt": now,
        "desiredStatus": "RUNNING",
        "enableExecuteCommand": False,
        "ephemeralStorage": {"sizeInGiB": 20},
        "group": params.get("group") or f"family:{placed.family}",
        "healthStatus": "UNKNOWN",
        "inferenceAccelerators": [],
        "lastStatus": "PROVISIONING",
        "memory": plan.memory,
        "overrides": _overrides(params, plan),
        "platformVersion": _platform_version(params),
        "platformFamily": "Linux",
        "tags": _tags(params, placed),
        "taskArn": arn,
        "taskDefinitionArn": placed.definition_arn,
        "version": 1,
    }
    strategy = params.get("capacityProviderStrategy")
    if strategy:
        shape["capacityProviderName"] = strategy[0]["capacityProvider"]
    shape["launchType"] = "FARGATE"
    if params.get("startedBy"):
        shape["startedBy"] = params["startedBy"]
    return Task(caller.account, caller.region, shape)


def _interface(params: Mapping[str, Any]) -> dict[str, Any]:
    subnet = params["networkConfiguration"]["awsvpcConfiguration"]["subnets"][0]
    mac = ":".join(f"{b:02x}" for b in (2, *secrets.token_bytes(5)))
    details = {
        "subnetId": subnet,
        "networkInterfaceId": f"eni-{secrets.token_hex(8)}0",
        "macAddress": mac,
        "privateDnsName": "localhost",
        "privateIPv4Address": ADDRESS,
    }
    return {
        "id": str(uuid.uuid4()),
        "type": "ElasticNetworkInterface",
        "status": "PRECREATED",
        "details": [{"name": k, "value": v} for k, v in details.items()],
    }


def _overrides(params: Mapping[str, Any], plan: TaskPlan) -> dict[str, Any]:
    given = copied(dict(params.get("overrides") or {}))
    named = {o["name"] for o in given.get("containerOverrides") or ()}
    missing = [{"name": c.name} for c in plan.containers if c.name not in named]
    given["containerOverrides"] = [*(given.get("containerOverrides") or ()), *missing]
    given.setdefault("inferenceAcceleratorOverrides", [])
    return given


def _tags(params: Mapping[str, Any], placed: Placement) -> list[dict[str, str]]:
    tags: dict[str, str] = {}
    if params.get("propagateTags") == "TASK_DEFINITION":
        tags |= {t["key"]: t.get("value", "") for t in placed.tags}
    tags |= {t["key"]: t.get("value", "") for t in params.get("tags") or ()}
    if params.get("enableECSManagedTags"):
        tags["aws:ecs:clusterName"] = placed.cluster_name
    return [{"key": k, "value": v} for k, v in tags.items()]


def _platform_version(params: Mapping[str, Any]) -> str:
    given = str(params.get("platformVersion") or "LATEST")
    return "1.4.0" if given == "LATEST" else given


def _architecture(placed: Placement) -> str:
    return "arm64" if placed.architecture == "ARM64" else "x86_64"


def _iso(name: str, value: Any) -> Any:
    return iso(value) if name in TIMES else value
