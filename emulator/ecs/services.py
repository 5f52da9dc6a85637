"""ECS's calls about services: CreateService, UpdateService, DeleteService, Describe, List.

Services are kept in memory, as the control planes are that they belong to: whoever deploys makes
them anew after a restart. Of a deployment's settings only the counts matter here: a new one starts
its tasks, and when they serve, those of the old one end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.documents import copied
from emulator.core.errors import AwsError, NotSupported
from emulator.core.logs import Lane
from emulator.ecs import definitions, permissions, requests
from emulator.ecs.scheduler import Slot
from emulator.ecs.service import TasksService
from emulator.ecs.service_shapes import (
    CREATE,
    KEPT,
    UPDATE,
    count_of,
    invalid,
    new_service,
    refuse,
    run_params,
    service_arn,
)
from emulator.ecs.settings import TasksSettings

OPERATIONS = frozenset(
    {"CreateService", "UpdateService", "DeleteService", "DescribeServices", "ListServices"}
)
DESCRIBED_MAX = 10


@dataclass
class _Deployment:
    shape: dict[str, Any]
    slots: list[Slot] = field(default_factory=list)


@dataclass
class _Service:
    shape: dict[str, Any]
    caller: Caller
    tags: list[dict[str, str]]
    deployments: list[_Deployment] = field(default_factory=list)
    """The newest first; the others end once it serves."""


class ServicesService:
    """Keeps services at their desired counts; ``tasks`` runs their tasks."""

    def __init__(
        self, lane: Lane, clock: Clock, bus: Bus, tasks: TasksService, settings: TasksSettings
    ) -> None:
        self._lane = lane
        self._clock = clock
        self._bus = bus
        self._tasks = tasks
        self._settings = settings
        self._services: dict[str, _Service] = {}
        self._endings: set[asyncio.Task[None]] = set()
        self._operations: Mapping[str, Callable[[dict[str, Any], Caller], Any]] = {
            "CreateService": self._create,
            "UpdateService": self._update,
            "DeleteService": self._delete,
            "DescribeServices": self._describe,
            "ListServices": self._list,
        }

    async def stop(self) -> None:
        """Start no more tasks; those that run are the task engine's to end."""
        slots = [s for found in self._services.values() for d in found.deployments for s in d.slots]
        for ending in self._endings:
            ending.cancel()
        await asyncio.gather(*(slot.abandon() for slot in slots))
        await asyncio.gather(*self._endings, return_exceptions=True)

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call about services; raises AwsError as ECS does, NotSupported for others."""
        answer = self._operations.get(operation)
        if answer is None:
            raise NotSupported(f"ecs:{operation}")
        result: dict[str, Any] = await answer(params, caller)
        return result

    async def _create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        refuse(params, CREATE, "CreateService")
        name = str(params.get("serviceName") or "")
        if not name:
            raise invalid("Service name can not be blank.")
        if (params.get("deploymentController") or {}).get("type", "ECS") != "ECS":
            raise NotSupported("a deployment controller other than ECS")
        if params.get("schedulingStrategy", "REPLICA") != "REPLICA":
            raise invalid("The scheduling strategy DAEMON is not supported for Fargate tasks.")
        count = count_of(params.get("desiredCount"))
        definition_arn, cluster_arn = await self._checked(params, caller)
        arn = f"{cluster_arn.replace(':cluster/', ':service/')}/{name}"
        known = self._services.get(arn)
        if known is not None and known.shape["status"] != "INACTIVE":
            raise invalid("Creation of service was not idempotent.")
        now = self._clock.now()
        shape = new_service(
            params, arn, (cluster_arn, definition_arn, count), caller.principal, now
        )
        # The scheduler acts as ECS's service-linked role, which may do all that it needs.
        root = Caller(caller.account, caller.region, f"arn:aws:iam::{caller.account}:root")
        service = _Service(shape, root, list(params.get("tags") or ()))
        self._services[arn] = service
        self._deploy(service)
        return {"service": self._answer(service, tags=True)}

    async def _update(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        refuse(params, UPDATE, "UpdateService")
        service = await self._active(params, caller)
        shape = service.shape
        count = count_of(params.get("desiredCount", shape["desiredCount"]))
        changed = {
            **{k: shape[k] for k in ("taskDefinition", "networkConfiguration", "loadBalancers")},
            "cluster": shape["clusterArn"],
            **{k: v for k, v in params.items() if k in {"taskDefinition", "networkConfiguration"}},
        }
        definition_arn, _ = await self._checked(changed, caller)
        new = (
            bool(params.get("forceNewDeployment"))
            or definition_arn != shape["taskDefinition"]
            or changed["networkConfiguration"] != shape["networkConfiguration"]
        )
        shape.update(
            copied({k: v for k, v in params.items() if k in KEPT}),
            desiredCount=count,
            taskDefinition=definition_arn,
            networkConfiguration=copied(changed["networkConfiguration"]),
        )
        if new:
            self._deploy(service)
        else:
            self._scale(service, service.deployments[0])
        return {"service": self._answer(service, tags=False)}

    async def _delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        service = await self._active(params, caller)
        if service.shape["desiredCount"] and not params.get("force"):
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        service.shape.update(status="DRAINING", desiredCount=0)
        slots = [slot for deployment in service.deployments for slot in deployment.slots]

        async def drain() -> None:
            await asyncio.gather(*(slot.end("The service was deleted") for slot in slots))
            service.deployments.clear()
            service.shape["status"] = "INACTIVE"

        self._later(drain())
        return {"service": self._answer(service, tags=False)}

    async def _describe(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        names = params.get("services") or []
        if not 1 <= len(names) <= DESCRIBED_MAX:
            raise invalid(f"Services must have 1 to {DESCRIBED_MAX} entries.")
        cluster_arn = await self._cluster(params, caller)
        known, failures = [], []
        for name in names:
            arn = service_arn(str(name), cluster_arn)
            found = self._services.get(arn)
            if found is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                known.append(self._answer(found, tags="TAGS" in (params.get("include") or ())))
        return {"services": known, "failures": failures}

    async def _list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        refuse(params, frozenset({"cluster", "launchType", "schedulingStrategy"}), "ListServices")
        cluster_arn = await self._cluster(params, caller)
        return {
            "serviceArns": [
                arn
                for arn, found in self._services.items()
                if found.shape["clusterArn"] == cluster_arn and found.shape["status"] != "INACTIVE"
            ]
        }

    async def _checked(self, params: Mapping[str, Any], caller: Caller) -> tuple[str, str]:
        """The ARNs of task definition and cluster of a service that can be run as it is."""
        run = run_params(params, "x")
        requests.check(run, self._settings)
        placed = await self._lane.run(
            lambda: definitions.placement(
                caller.account, caller.region, run["cluster"], run["taskDefinition"]
            )
        )
        requests.check_network(run, placed)
        plan = requests.plan(run, placed, self._settings)
        await permissions.pass_roles(self._bus, caller, plan)
        for balancer in params.get("loadBalancers") or ():
            await self._check_balancer(balancer, plan, caller)
        return placed.definition_arn, placed.cluster_arn

    async def _check_balancer(
        self, balancer: Mapping[str, Any], plan: requests.TaskPlan, caller: Caller
    ) -> None:
        name, port = balancer.get("containerName"), balancer.get("containerPort")
        container = next((c for c in plan.containers if c.name == name), None)
        if container is None:
            raise invalid(f"The container {name} does not exist in the task definition.")
        if port not in container.ports:
            raise invalid(f"The container {name} did not have a container port {port} defined.")
        group = balancer.get("targetGroupArn")
        if not group:
            raise NotSupported("a classic load balancer")
        listed = await self._bus.call(
            "elbv2", "DescribeTargetGroups", {"TargetGroupArns": [group]}, caller
        )
        if not listed["TargetGroups"][0].get("LoadBalancerArns"):
            raise invalid(
                f"The target group with targetGroupArn {group} does not have an associated load "
                "balancer."
            )

    def _deploy(self, service: _Service) -> None:
        """A new deployment of the service as it is now described."""
        shape, now = service.shape, self._clock.now()
        for earlier in service.deployments:
            earlier.shape["status"] = "ACTIVE"
        made = _Deployment(
            {
                "id": f"ecs-svc/{int(ids.hex_id(16), 16) % 10**19:019d}",
                "status": "PRIMARY",
                "taskDefinition": shape["taskDefinition"],
                "createdAt": now,
                "updatedAt": now,
                "launchType": "FARGATE",
                "platformVersion": "1.4.0",
                "platformFamily": "Linux",
                "networkConfiguration": copied(shape["networkConfiguration"]),
            }
        )
        service.deployments.insert(0, made)
        self._scale(service, made)
        self._steady(service, made)

    def _scale(self, service: _Service, deployment: _Deployment) -> None:
        """Give a deployment as many slots as the service wants tasks."""
        shape = service.shape
        while len(deployment.slots) < shape["desiredCount"]:
            params = run_params({**shape, "cluster": shape["clusterArn"]}, deployment.shape["id"])
            groups = [str(one["targetGroupArn"]) for one in shape["loadBalancers"]]
            deployment.slots.append(
                Slot(
                    self._tasks,
                    self._bus,
                    self._clock,
                    params,
                    groups,
                    service.caller,
                    lambda: self._steady(service, deployment),
                )
            )
        surplus = deployment.slots[shape["desiredCount"] :]
        del deployment.slots[shape["desiredCount"] :]
        for slot in surplus:
            self._later(slot.end(f"Scaling activity initiated by ({deployment.shape['id']})"))

    def _steady(self, service: _Service, deployment: _Deployment) -> None:
        """When the newest deployment serves, those before it end."""
        if service.deployments[:1] != [deployment] or not all(s.serving for s in deployment.slots):
            return
        earlier = service.deployments[1:]
        del service.deployments[1:]
        for old in earlier:
            for slot in old.slots:
                self._later(slot.end(f"Scaling activity initiated by ({old.shape['id']})"))

    def _later(self, work: Any) -> None:
        ending = asyncio.ensure_future(work)
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _cluster(self, params: Mapping[str, Any], caller: Caller) -> str:
        cluster = params.get("cluster") or "default"
        arn, _ = await self._lane.run(
            lambda: definitions.cluster_of(caller.account, caller.region, cluster)
        )
        return arn

    async def _active(self, params: Mapping[str, Any], caller: Caller) -> _Service:
        arn = service_arn(str(params.get("service") or ""), await self._cluster(params, caller))
        service = self._services.get(arn)
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        if service.shape["status"] != "ACTIVE":
            raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
        return service

    def _answer(self, service: _Service, *, tags: bool) -> dict[str, Any]:
        deployments = []
        for found in service.deployments:
            running = sum(slot.status == "RUNNING" for slot in found.slots)
            done = all(slot.serving for slot in found.slots)
            deployments.append(
                {
                    **copied(found.shape),
                    "desiredCount": len(found.slots),
                    "runningCount": running,
                    "pendingCount": len(found.slots) - running,
                    "failedTasks": sum(slot.failures for slot in found.slots),
                    "rolloutState": "COMPLETED" if done else "IN_PROGRESS",
                }
            )
        return {
            **copied(service.shape),
            "deployments": deployments,
            "runningCount": sum(one["runningCount"] for one in deployments),
            "pendingCount": sum(one["pendingCount"] for one in deployments),
            "tags": copied(service.tags) if tags else [],
        }
