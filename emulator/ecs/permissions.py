"""What RunTask's caller and the task's execution role must be allowed, beside the call itself.

Sources: AWS's pages "Amazon ECS task execution IAM role" and "Granting a user permissions to pass
a role to an AWS service".
"""

from __future__ import annotations

import re

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.credentials import session_arn
from emulator.core.errors import AwsError
from emulator.ecs.driver import StartError
from emulator.ecs.output import stream_name
from emulator.ecs.requests import ContainerPlan, TaskPlan
from emulator.ecs.task import Task

SERVICE = "ecs-tasks.amazonaws.com"
ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    r"(?P<repository>[^:@]+)"
)
PULL = ("ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


async def pass_roles(bus: Bus, caller: Caller, plan: TaskPlan) -> None:
    """Raise AccessDeniedException unless the caller may hand the task its roles.

    ClientException when a role is not made for tasks: its trust policy does not name ECS.
    """
    source = ids.arn("ecs", "*", region=caller.region, account=caller.account)
    for role in (plan.task_role_arn, plan.execution_role_arn):
        if role is None:
            continue
        await bus.require("ecs", caller, "iam:PassRole", role, {"iam:passedtoservice": SERVICE})
        if not await bus.trusts(role, SERVICE, source):
            raise AwsError(
                "ClientException",
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role.",
            )


async def pull(bus: Bus, task: Task, plan: TaskPlan, container: ContainerPlan) -> None:
    """Raise StartError unless the execution role may pull an image of ECR; others are public."""
    found = ECR.match(container.image)
    caller = _execution(task, plan)
    if found is None or caller is None:
        return
    try:
        await bus.require("ecr", caller, "ecr:GetAuthorizationToken", "*")
    except AwsError as error:
        raise StartError(
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to "
            f"retrieve ecr registry auth: {error}"
        ) from error
    repository = ids.arn(
        "ecr",
        f"repository/{found['repository']}",
        region=found["region"],
        account=found["account"],
    )
    for action in PULL:
        try:
            await bus.require("ecr", caller, action, repository)
        except AwsError as error:
            raise StartError(f"CannotPullContainerError: {error}") from error


async def log(bus: Bus, task: Task, plan: TaskPlan, container: ContainerPlan) -> None:
    """Raise StartError unless the execution role may write the container's log stream."""
    caller = _execution(task, plan)
    if container.log_group is None or caller is None:
        return
    stream = f"log-group:{container.log_group}:log-stream:{stream_name(container, task)}"
    arn = ids.arn("logs", stream, region=container.log_region, account=task.account)
    for action in LOG:
        try:
            await bus.require("logs", caller, action, arn)
        except AwsError as error:
            raise StartError(
                "ResourceInitializationError: failed to validate logger args: failed to create "
                f"Cloudwatch log stream: {error}"
            ) from error


def _execution(task: Task, plan: TaskPlan) -> Caller | None:
    """The session with which ECS prepares a task; None without an execution role."""
    role = plan.execution_role_arn
    if role is None:
        return None
    return Caller(task.account, task.region, session_arn(role, task.id), role_arn=role)
