"""What is deployed on a stack, read back through the APIs: everything that the system consists of.

Ids, times and addresses that differ from one deployment to the next are replaced by words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.system.running import Running
from tests.terraform.inventory_watch import watch

FUNCTION = (
    "FunctionName", "Runtime", "Role", "Handler", "CodeSha256", "Timeout", "MemorySize",
    "Environment", "Architectures", "PackageType", "TracingConfig",
)  # fmt: skip
CONTAINER = (
    "name", "image", "essential", "portMappings", "environment", "stopTimeout", "logConfiguration",
    "user", "readonlyRootFilesystem", "linuxParameters",
)  # fmt: skip
TASK = (
    "family", "networkMode", "cpu", "memory", "taskRoleArn", "executionRoleArn",
    "requiresCompatibilities", "runtimePlatform",
)  # fmt: skip


def inventory(stack: Running) -> dict[str, Any]:
    """Every resource by kind and name."""
    found = {
        "roles": _roles(stack),
        "functions": _functions(stack),
        "workflows": _workflows(stack),
        "rules": _rules(stack),
        "schedules": _schedules(stack),
        "buckets": _buckets(stack),
        "task": _task(stack),
        "api": _api(stack),
        "logs": _logs(stack),
        "repositories": _repositories(stack),
        "cdn": _cdn(stack),
        "watch": watch(stack),
    }
    words = json.dumps(found, sort_keys=True, default=str)
    for pattern, word in _substitutions(stack):
        words = re.sub(pattern, word, words)
    read: dict[str, Any] = _plain(json.loads(words))
    return read


def _plain(part: Any) -> Any:
    """Without what says nothing (absent or empty), and lists that are sets in order."""
    if isinstance(part, dict):
        inner = {key: _plain(value) for key, value in part.items() if key != "Quantity"}
        return {k: v for k, v in inner.items() if v not in (None, "", [], {})}
    if isinstance(part, list):
        items = [_plain(item) for item in part]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return part


def _substitutions(stack: Running) -> list[tuple[str, str]]:
    cdn = stack.client("cloudfront").list_distributions()["DistributionList"]["Items"][0]
    api = stack.client("apigateway").get_rest_apis()["items"][0]["id"]
    policies = [
        *(
            (item["ResponseHeadersPolicy"]["Id"], item["ResponseHeadersPolicy"])
            for item in stack.client("cloudfront").list_response_headers_policies(Type="custom")[
                "ResponseHeadersPolicyList"
            ]["Items"]
        ),
    ]
    controls = stack.client("cloudfront").list_origin_access_controls()
    return [
        (cdn["DomainName"], "DISTRIBUTION-DOMAIN"),
        (cdn["Id"], "DISTRIBUTION"),
        (api, "API"),
        *(
            (found, policy["ResponseHeadersPolicyConfig"]["Name"].upper())
            for found, policy in policies
        ),
        *((c["Id"], "ACCESS") for c in controls["OriginAccessControlList"]["Items"]),
        (re.escape(stack.aws_url), "AWS-URL"),
        (re.escape(stack.web_url), "WEB-URL"),
        (r"subnet-[0-9a-f,subnet-]+", "SUBNETS"),
        (r"sg-[0-9a-f]+", "SECURITY-GROUP"),
        (r"http://(localhost|127\.0\.0\.1|nst-art\.localhost):\d+", "WEB-URL"),
    ]


def _roles(stack: Running) -> dict[str, Any]:
    iam = stack.client("iam")
    found = {}
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        found[name] = {
            "trust": role["AssumeRolePolicyDocument"],
            "policies": {
                policy: iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in inline
            },
            "attached": iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"],
        }
    return found


def _functions(stack: Running) -> dict[str, Any]:
    functions = stack.client("lambda")
    return {
        f["FunctionName"]: {
            **{k: f.get(k) for k in FUNCTION},
            "reserved": functions.get_function_concurrency(FunctionName=f["FunctionName"]).get(
                "ReservedConcurrentExecutions"
            ),
        }
        for f in functions.list_functions()["Functions"]
    }


def _workflows(stack: Running) -> dict[str, Any]:
    states = stack.client("stepfunctions")
    found = {}
    for machine in states.list_state_machines()["stateMachines"]:
        whole = states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])
        found[whole["name"]] = {
            "definition": json.loads(whole["definition"]),
            **{k: whole[k] for k in ("type", "roleArn")},
        }
    return found


def _rules(stack: Running) -> dict[str, Any]:
    events = stack.client("events")
    return {
        rule["Name"]: {
            "pattern": json.loads(rule["EventPattern"]),
            "description": rule.get("Description"),
            "state": rule["State"],
            "targets": events.list_targets_by_rule(Rule=rule["Name"])["Targets"],
        }
        for rule in events.list_rules()["Rules"]
    }


def _schedules(stack: Running) -> dict[str, Any]:
    scheduler = stack.client("scheduler")
    found = {}
    for item in scheduler.list_schedules()["Schedules"]:
        whole = scheduler.get_schedule(Name=item["Name"])
        target = {k: whole["Target"].get(k) for k in ("Arn", "RoleArn", "Input")}
        found[item["Name"]] = {
            "expression": whole["ScheduleExpression"],
            "window": whole["FlexibleTimeWindow"],
            "state": whole["State"],
            "target": target,
        }
    return found


def _buckets(stack: Running) -> dict[str, Any]:
    s3 = stack.client("s3")
    names = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    return {
        name: {
            "access": _or_none(s3.get_public_access_block, Bucket=name),
            "policy": _policy(_or_none(s3.get_bucket_policy, Bucket=name)),
            "cors": _cors(_or_none(s3.get_bucket_cors, Bucket=name)),
            "expire": _or_none(s3.get_bucket_lifecycle_configuration, Bucket=name),
            "versioning": s3.get_bucket_versioning(Bucket=name).get("Status"),
            "encryption": _or_none(s3.get_bucket_encryption, Bucket=name),
            "ownership": _or_none(s3.get_bucket_ownership_controls, Bucket=name),
        }
        for name in names
        if not name.endswith("-terraform-state")
    }


def _cors(found: dict[str, Any] | None) -> Any:
    """Rules without the origins: the distribution's address is known to Terraform alone."""
    for rule in (found or {}).get("CORSRules", []):
        assert rule.pop("AllowedOrigins")
    return found


def _policy(found: dict[str, Any] | None) -> Any:
    return json.loads(found["Policy"]) if found else None


def _or_none(call: Callable[..., Any], **params: Any) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        answer: dict[str, Any] = call(**params)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert code.startswith("NoSuch") or code.endswith("NotFoundError"), code
        return None
    answer.pop("ResponseMetadata")
    return answer


def _task(stack: Running) -> dict[str, Any]:
    ecs = stack.client("ecs")
    arn = ecs.list_task_definitions()["taskDefinitionArns"][-1]
    whole = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    container = whole["containerDefinitions"][0]
    kept = {k: container.get(k) for k in CONTAINER}
    # the repository's host and the tag are the target's
    kept["image"] = container["image"].rpartition("/")[2].partition(":")[0]
    kept["portMappings"] = [p["containerPort"] for p in container["portMappings"]]
    kept["environment"] = sorted(container["environment"], key=lambda pair: pair["name"])
    listed = ecs.describe_clusters(
        clusters=ecs.list_clusters()["clusterArns"], include=["SETTINGS"]
    )
    clusters = {
        c["clusterName"]: {k: c.get(k) for k in ("settings", "capacityProviders")}
        for c in listed["clusters"]
    }
    return {**{k: whole.get(k) for k in TASK}, "container": kept, "clusters": clusters}


def _api(stack: Running) -> dict[str, Any]:
    gateway = stack.client("apigateway")
    api = gateway.get_rest_apis()["items"][0]
    stages = gateway.get_stages(restApiId=api["id"])["item"]
    return {
        "account role": gateway.get_account().get("cloudwatchRoleArn"),
        "stages": {
            stage["stageName"]: {
                "throttles": {
                    method: [s["throttlingRateLimit"], s["throttlingBurstLimit"]]
                    for method, s in stage["methodSettings"].items()
                },
                "access log": stage.get("accessLogSettings"),
                "tracing": stage.get("tracingEnabled", False),
            }
            for stage in stages
        },
    }


def _logs(stack: Running) -> dict[str, Any]:
    groups = stack.client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in groups}


def _repositories(stack: Running) -> dict[str, Any]:
    ecr = stack.client("ecr")
    return {
        repository["repositoryName"]: {
            "tags": repository["imageTagMutability"],
            "scanned": repository["imageScanningConfiguration"],
            "encryption": repository["encryptionConfiguration"],
            "lifecycle": json.loads(
                ecr.get_lifecycle_policy(repositoryName=repository["repositoryName"])[
                    "lifecyclePolicyText"
                ]
            ),
        }
        for repository in ecr.describe_repositories()["repositories"]
    }


def _cdn(stack: Running) -> dict[str, Any]:
    cloudfront = stack.client("cloudfront")
    listed = cloudfront.list_distributions()["DistributionList"]["Items"]
    config = cloudfront.get_distribution_config(Id=listed[0]["Id"])["DistributionConfig"]
    del config["CallerReference"]
    config["Origins"]["Items"].sort(key=lambda o: o["Id"])
    config["CustomErrorResponses"]["Items"].sort(key=lambda e: e["ErrorCode"])
    headers = cloudfront.list_response_headers_policies(Type="custom")
    functions = cloudfront.list_functions(Stage="LIVE")["FunctionList"]["Items"]
    return {
        "distribution": config,
        "headers": {
            item["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"]: item[
                "ResponseHeadersPolicy"
            ]["ResponseHeadersPolicyConfig"]
            for item in headers["ResponseHeadersPolicyList"]["Items"]
        },
        "functions": {
            f["Name"]: [
                f["FunctionConfig"],
                cloudfront.get_function(Name=f["Name"], Stage="LIVE")["FunctionCode"]
                .read()
                .decode(),
            ]
            for f in functions
        },
    }
