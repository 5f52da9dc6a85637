"""The values of the declaration's placeholders in the emulator, and its roles.

``terraform/declaration.tf`` has the same values for AWS.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulator.core import ids
from emulator.settings import Settings
from system import stack


def placeholders(declared: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """The values of all placeholders in the declaration, the policies and the contract."""
    name, account, region = settings.name, settings.account, settings.region
    task = declared["task"]
    values = {"name": name, "account": account, "region": region, "partition": "aws"}
    for key, bucket in declared["buckets"].items():
        values[f"{key}_bucket"] = stack.fill_text(bucket["name"], values)
        values[f"{key}_bucket_arn"] = f"arn:aws:s3:::{values[f'{key}_bucket']}"
    for key, function in declared["functions"].items():
        values[f"{key}_name"] = stack.fill_text(function["name"], values)
        values[f"{key}_arn"] = ids.arn(
            "lambda", f"function:{values[f'{key}_name']}", region=region, account=account
        )
    for key, workflow in declared["workflows"].items():
        values[f"{key}_name"] = stack.fill_text(workflow["name"], values)
        values[f"{key}_arn"] = ids.arn(
            "states", f"stateMachine:{values[f'{key}_name']}", region=region, account=account
        )
    values["gate_name"] = stack.fill_text(declared["gate"]["workflow"]["name"], values)
    values["gate_arn"] = ids.arn(
        "states", f"stateMachine:{values['gate_name']}", region=region, account=account
    )
    gate_role = declared["gate"]["workflow"]["role"]
    values["gate_role_arn"] = f"arn:aws:iam::{account}:role/{name}-{gate_role}"
    values["stage"] = declared["api"]["stage"]
    values["throttle"] = json.dumps(stack.throttles(live_events=settings.live_events))
    for key, alarm in declared["alarms"]["metrics"].items():
        alarm_name = stack.fill_text(alarm["name"], values)
        values[f"{key}_alarm_arn"] = ids.arn(
            "cloudwatch", f"alarm:{alarm_name}", region=region, account=account
        )
    values["ledger_table"] = stack.fill_text(declared["ledger_in_dynamodb"]["table"], values)
    values["ledger_table_arn"] = ids.arn(
        "dynamodb", f"table/{values['ledger_table']}", region=region, account=account
    )
    values["run_nst_execution_arn_prefix"] = values["run_nst_arn"].replace(
        ":stateMachine:", ":execution:"
    )
    for role in roles_of(declared, live_events=settings.live_events):
        values[f"{role.replace('-', '_')}_role_arn"] = f"arn:aws:iam::{account}:role/{name}-{role}"
    values["cluster"] = stack.fill_text(task["cluster"], values)
    values["cluster_arn"] = ids.arn(
        "ecs", f"cluster/{values['cluster']}", region=region, account=account
    )
    values["task_family"] = stack.fill_text(task["family"], values)
    values["task_definition_arn_prefix"] = ids.arn(
        "ecs", f"task-definition/{values['task_family']}", region=region, account=account
    )
    values["log_group"] = stack.fill_text(task["log_group"], values)
    values["task_cpu_units"] = str(task["cpu_units"])
    values["task_memory_mib"] = str(task["memory_mib"])
    values["task_architecture"] = task["architecture"]
    values["capacity_provider"] = "FARGATE"
    values["subnets"] = "subnet-00000000000000001"
    values["security_groups"] = "sg-00000000000000001"
    # known once live events are deployed; without them nobody reads these
    values |= dict.fromkeys(("vpc_link_id", "load_balancer_arn", "load_balancer_host"), "")
    return values


def roles_of(declared: Mapping[str, Any], *, live_events: bool = False) -> list[str]:
    """The names of all roles (without the prefix), in a fixed order."""
    roles = [f["role"] for f in declared["functions"].values()]
    roles += [w["role"] for w in declared["workflows"].values()]
    task = declared["task"]
    live = [declared["live_events"]["service"]["role"]] if live_events else []
    return [*roles, task["role"], task["execution_role"], "gateway", "events", *live]


def trusted_service(declared: Mapping[str, Any], role: str) -> str:
    """Who may assume a role: ``lambda``, ``states``, ``ecs-tasks``, ``apigateway``, ``events``."""
    if role in {f["role"] for f in declared["functions"].values()}:
        return "lambda"
    if role in {w["role"] for w in declared["workflows"].values()}:
        return "states"
    tasks = {declared["task"]["role"], declared["task"]["execution_role"]}
    if role in tasks | {declared["live_events"]["service"]["role"]}:
        return "ecs-tasks"
    return {"gateway": "apigateway", "events": "events"}[role]


def of_api(values: Mapping[str, str], api_id: str) -> dict[str, str]:
    """The values that need the API's id, once there is one."""
    path = f"/restapis/{api_id}/stages/{values['stage']}"
    arn = f"arn:{values['partition']}:apigateway:{values['region']}::{path}"
    return {"api_id": api_id, "api_stage_arn": arn}
