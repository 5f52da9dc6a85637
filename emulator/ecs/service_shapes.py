"""What calls about services may say, and what a new service looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.documents import copied
from emulator.core.errors import AwsError, NotSupported

COUNT_MAX = 10
KEPT = frozenset(
    {
        *("availabilityZoneRebalancing", "deploymentConfiguration", "enableECSManagedTags"),
        *("healthCheckGracePeriodSeconds", "propagateTags"),
    }
)
"""What is kept and shown, and changes nothing here."""
CREATE = KEPT | frozenset(
    {
        *("cluster", "serviceName", "taskDefinition", "loadBalancers", "desiredCount"),
        *("clientToken", "launchType", "platformVersion", "networkConfiguration"),
        *("schedulingStrategy", "deploymentController", "tags"),
    }
)
UPDATE = KEPT | frozenset(
    {
        *("cluster", "service", "desiredCount", "taskDefinition", "forceNewDeployment"),
        *("networkConfiguration", "platformVersion"),
    }
)


def new_service(
    params: Mapping[str, Any],
    arn: str,
    placed: tuple[str, str, int],
    created_by: str,
    now: float,
) -> dict[str, Any]:
    """ECS's Service structure; ``placed`` are the ARNs of cluster and definition, and the count."""
    cluster_arn, definition_arn, count = placed
    return {
        "serviceArn": arn,
        "serviceName": params["serviceName"],
        "clusterArn": cluster_arn,
        "loadBalancers": copied(list(params.get("loadBalancers") or ())),
        "serviceRegistries": [],
        "status": "ACTIVE",
        "desiredCount": count,
        "launchType": "FARGATE",
        "platformVersion": str(params.get("platformVersion") or "LATEST"),
        "platformFamily": "Linux",
        "taskDefinition": definition_arn,
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
        },
        "events": [],
        "createdAt": now,
        "placementConstraints": [],
        "placementStrategy": [],
        "networkConfiguration": copied(params["networkConfiguration"]),
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "createdBy": created_by,
        "enableECSManagedTags": False,
        "propagateTags": "NONE",
        "enableExecuteCommand": False,
        "availabilityZoneRebalancing": "DISABLED",
        **copied({k: v for k, v in params.items() if k in KEPT}),
    }


def run_params(params: Mapping[str, Any], started_by: str) -> dict[str, Any]:
    """RunTask's parameters for one task of a service."""
    return {
        "cluster": params.get("cluster") or "default",
        "taskDefinition": params.get("taskDefinition") or "",
        "launchType": params.get("launchType") or "FARGATE",
        "networkConfiguration": params.get("networkConfiguration"),
        "group": f"service:{params.get('serviceName', '')}",
        "startedBy": started_by,
    }


def refuse(params: Mapping[str, Any], known: frozenset[str], operation: str) -> None:
    """Raise NotSupported for a parameter that means something here and is not known."""
    for name, value in params.items():
        if name not in known and value not in (None, "", [], {}, False):
            raise NotSupported(f"the parameter {name} of ecs:{operation}")


def count_of(value: Any) -> int:
    """A desired count; raises AwsError, and NotSupported for more than this machine bears."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid("desiredCount must be 0 or more.")
    if value > COUNT_MAX:
        raise NotSupported(f"a service of more than {COUNT_MAX} tasks")
    return value


def service_arn(name: str, cluster_arn: str) -> str:
    """The ARN of a service given by its name or ARN."""
    if name.startswith("arn:"):
        return name
    return f"{cluster_arn.replace(':cluster/', ':service/')}/{name}"


def invalid(message: str) -> AwsError:
    """The error for most of what is wrong with a request."""
    return AwsError("InvalidParameterException", message)
