"""Clusters, task definitions and log groups as moto's control plane has them, read on its lane."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.documents import copied
from emulator.core.errors import AwsError, NotSupported

CONTAINER_MEMBERS = frozenset(
    {
        *("name", "image", "essential", "command", "environment", "cpu", "memory"),
        *("memoryReservation", "portMappings", "logConfiguration", "stopTimeout"),
        *("dockerLabels", "disableNetworking", "interactive", "pseudoTerminal"),
    }
)
"""What a process can honour, or what has no effect on it on Fargate either."""

NOT_ENFORCED = frozenset(
    {"readonlyRootFilesystem", "user", "privileged", "linuxParameters", "ulimits", "hostname"}
)
"""They only narrow what the container may do; a process driver cannot, and does not need to."""


@dataclass(frozen=True)
class Placement:
    """What RunTask needs to know of the control plane."""

    cluster_arn: str
    cluster_name: str
    definition_arn: str
    family: str
    revision: int
    cpu: str
    memory: str
    network_mode: str
    architecture: str
    task_role_arn: str | None
    execution_role_arn: str | None
    tags: tuple[Mapping[str, str], ...]
    containers: tuple[Mapping[str, Any], ...]
    capacity_providers: frozenset[str] = frozenset()
    """Those that are associated with the cluster."""


def placement(account: str, region: str, cluster: str, definition: str) -> Placement:
    """Look up a cluster and a task definition (family, family:revision or ARN); on the lane.

    Raises ClusterNotFoundException and ClientException as ECS does, NotSupported for members of
    the definition that no driver here honours.
    """
    arn, name = cluster_of(account, region, cluster)
    providers = _cluster(account, region, cluster).capacity_providers or ()
    known = _definition(account, region, definition)
    _refuse(known)
    platform = known.runtime_platform or {}
    return Placement(
        cluster_arn=arn,
        cluster_name=name,
        definition_arn=str(known.arn),
        family=str(known.family),
        revision=int(known.revision),
        cpu=str(known.cpu or "256"),
        memory=str(known.memory or "512"),
        network_mode=str(known.network_mode),
        architecture=str(platform.get("cpuArchitecture") or "X86_64"),
        task_role_arn=getattr(known, "task_role_arn", None) or None,
        execution_role_arn=getattr(known, "execution_role_arn", None) or None,
        tags=tuple(known.tags or ()),
        containers=tuple(copied(c) for c in known.container_definitions),
        capacity_providers=frozenset(providers),
    )


def cluster_of(account: str, region: str, cluster: str) -> tuple[str, str]:
    """ARN and name of a cluster given by name or ARN; on the lane."""
    known = _cluster(account, region, cluster)
    return str(known.arn), str(known.name)


def _cluster(account: str, region: str, cluster: str) -> Any:
    from moto.ecs.models import ecs_backends  # noqa: PLC0415 (slow import)

    known = ecs_backends[account][region].clusters.get(cluster.rsplit("/", 1)[-1])
    if known is None or known.status != "ACTIVE":
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return known


def missing_log_group(account: str, wanted: Iterable[tuple[str, str]]) -> str | None:
    """The first of the ``(region, log group)`` pairs that is not there; on the lane."""
    from moto.logs.models import logs_backends  # noqa: PLC0415 (slow import)

    for region, group in wanted:
        if group not in logs_backends[account][region].groups:
            return group
    return None


def _definition(account: str, region: str, definition: str) -> Any:
    from moto.ecs.exceptions import TaskDefinitionNotFoundException  # noqa: PLC0415 (slow import)
    from moto.ecs.models import ecs_backends  # noqa: PLC0415 (slow import)

    backend = ecs_backends[account][region]
    name = definition.rsplit("/", 1)[-1]
    try:
        if ":" not in name:
            # The newest active revision: moto itself would take an inactive one.
            revisions = backend.task_definitions.get(name, {})
            active = [n for n, known in revisions.items() if known.status == "ACTIVE"]
            name = f"{name}:{max(active, default=0)}"
        known = backend.describe_task_definition(name)
    except (TaskDefinitionNotFoundException, ValueError) as error:
        raise AwsError("ClientException", "TaskDefinition not found.") from error
    if known.status != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    return known


def _refuse(known: Any) -> None:
    if known.volumes:
        raise NotSupported("a task definition with volumes")
    if known.proxy_configuration or known.inference_accelerators:
        raise NotSupported("a task definition with a proxy or accelerators")
    for container in known.container_definitions:
        for member, value in container.items():
            if value in (None, "", [], {}, False, 0):
                continue
            if member not in CONTAINER_MEMBERS | NOT_ENFORCED:
                raise NotSupported(f"{member!r} of a container definition")
        driver = (container.get("logConfiguration") or {}).get("logDriver", "awslogs")
        if driver != "awslogs":
            raise NotSupported(f"the log driver {driver!r}")
