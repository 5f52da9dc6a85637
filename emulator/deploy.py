"""Deploys the NST system into the emulator from the same declaration that Terraform reads.

Every resource is made by an API call, as a client would make it; what is read are
``system/stack.json``, the policies, the workflows, the API contract and the website's files. It is
idempotent: over a data directory that already has buckets and a ledger it changes neither.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError
from emulator.deploy_buckets import deploy_bucket, deploy_bucket_policy, deploy_files
from emulator.deploy_cdn import deploy_cdn
from emulator.deploy_images import deploy_repository
from emulator.deploy_live import Network, deploy_balancer, deploy_network, deploy_service
from emulator.deploy_logs import access_log, account_role, log_group
from emulator.deploy_values import of_api, placeholders, roles_of, trusted_service
from emulator.deploy_watch import deploy_watch, rule_params, target_params
from emulator.endpoint.control import ControlHooks
from emulator.settings import Settings
from system import artifacts, stack


@dataclass
class Deployment:
    """What was deployed: ids and names that the edge and the user need."""

    api_id: str = ""
    stage: str = ""
    distribution_id: str = ""
    values: dict[str, str] = field(default_factory=dict)
    throttle: dict[str, Any] = field(default_factory=dict)

    def bucket(self, key: str) -> str:
        """The name of the bucket ``storage``, ``budget`` or ``website``."""
        return self.values[f"{key}_bucket"]


class Deployer:
    """Makes the system's resources, in the order in which they need each other.

    ``urls`` are those of the AWS endpoint and of the edge, as the page meets them.
    """

    def __init__(  # noqa: PLR0917 - one place makes it
        self,
        bus: Bus,
        hooks: ControlHooks,
        settings: Settings,
        urls: tuple[str, str],
        prewarm: Callable[[list[str]], Awaitable[None]],
        serve: Callable[[Deployment], Awaitable[None]],
    ) -> None:
        self._bus = bus
        self._hooks = hooks
        self._prewarm = prewarm
        self._serve = serve
        self._settings = settings
        self._aws_url, self._edge_url = urls
        self._declared = stack.declaration()
        self._values = placeholders(self._declared, settings)
        self._caller = Caller(
            account=settings.account,
            region=settings.region,
            principal=f"arn:aws:iam::{settings.account}:root",
            request_id=ids.request_id(),
        )

    async def deploy(self) -> Deployment:
        """Make everything; raises AwsError when a call is refused."""
        done = Deployment(values=self._values)
        network = await self._network() if self._settings.live_events else None
        roles = roles_of(self._declared, live_events=network is not None)
        first = [f["role"] for f in self._declared["functions"].values()]
        await self._roles([role for role in roles if role in first])
        await self._functions()
        # Their processes start on another core while this one goes on.
        needed = [self._values[f"{name}_name"] for name in ("update_budget", "read_budget")]
        warming = asyncio.ensure_future(self._prewarm(needed))
        try:
            await self._buckets()
            await deploy_files(self._call, self._values)
            await self._roles([role for role in roles if role not in first])
            await self._workflows()
            if network is not None:
                port = self._declared["task"]["port"]
                live = self._fill(self._declared["live_events"])
                self._values |= await deploy_balancer(self._call, live, network, port)
            await self._api(done)
            await self._distribution(done)
            await self._bucket_policies(done.distribution_id)
        finally:
            await warming
        await self._ledger()
        # What follows takes a second (moto's ECS is slow to import); who reads need not wait.
        await self._serve(done)
        await self._task()
        if network is not None:
            definition = self._task_definition(self._declared["task"])
            await deploy_service(self._call, self._declared, definition, network, self._values)
        await self._rules()
        await deploy_watch(self._call, self._declared, self._values)
        return done

    async def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return await self._bus.call(service, operation, params, self._caller)

    def _fill(self, document: Any) -> Any:
        return stack.fill(document, self._values)

    async def _network(self) -> Network:
        """Functions start tasks in it, so it comes first."""
        listens = self._declared["live_events"]["load_balancer"]["port"]
        port = self._declared["task"]["port"]
        network = await deploy_network(self._call, self._values, port, listens)
        self._values["subnets"] = ",".join(network.subnets)
        self._values["security_groups"] = network.groups["task"]
        return network

    async def _buckets(self) -> None:
        origins = [
            self._edge_url,
            self._edge_url.replace("localhost", "127.0.0.1"),
            self._edge_url.replace("localhost", "nst-art.localhost"),
        ]
        for key, bucket in self._declared["buckets"].items():
            await deploy_bucket(self._call, self._values[f"{key}_bucket"], bucket, origins)

    async def _bucket_policies(self, distribution_id: str) -> None:
        """Last, since the website's names the distribution that may read it."""
        arn = ids.arn("cloudfront", f"distribution/{distribution_id}", region="")
        values = {**self._values, "distribution_arn": arn}
        for key, bucket in self._declared["buckets"].items():
            name = self._values[f"{key}_bucket"]
            await deploy_bucket_policy(self._call, name, bucket["policies"], values)

    async def _roles(self, roles: list[str]) -> None:
        for role in roles:
            name = f"{self._settings.name}-{role}"
            trust = self._fill(stack.policy(f"trust-{trusted_service(self._declared, role)}"))
            await self._call(
                "iam",
                "CreateRole",
                {"RoleName": name, "AssumeRolePolicyDocument": json.dumps(trust)},
            )
            await self._call(
                "iam",
                "PutRolePolicy",
                {
                    "RoleName": name,
                    "PolicyName": name,
                    "PolicyDocument": json.dumps(self._fill(stack.policy(self._policy_of(role)))),
                },
            )

    def _policy_of(self, role: str) -> str:
        """The name of a role's policy: another one where it has to do with another ledger."""
        if self._settings.budget_store == "dynamodb":
            return str(self._declared["ledger_in_dynamodb"]["policies"].get(role, role))
        return role

    async def _functions(self) -> None:
        runtime = self._declared["function_runtime"]
        environment = self._fill(self._declared["function_environment"])
        if self._settings.budget_store == "dynamodb":
            environment |= self._fill(self._declared["ledger_in_dynamodb"]["environment"])
        if self._settings.live_events:
            environment |= self._declared["live_events"]["environment"]
        for key, function in self._declared["functions"].items():
            group = f"/aws/lambda/{self._values[f'{key}_name']}"
            await log_group(self._call, group, runtime["log_days"])
            await self._call(
                "lambda",
                "CreateFunction",
                {
                    "FunctionName": self._values[f"{key}_name"],
                    "Runtime": runtime["runtime"],
                    "Architectures": [runtime["architecture"]],
                    "Role": self._role_arn(function["role"]),
                    "Handler": function["handler"],
                    "Code": {"ZipFile": artifacts.build_zip(key)},
                    "MemorySize": function["memory_mb"],
                    "Timeout": function["timeout_s"],
                    "Environment": {"Variables": environment},
                },
            )

    async def _workflows(self) -> None:
        for key, workflow in self._declared["workflows"].items():
            await self._call(
                "states",
                "CreateStateMachine",
                {
                    "name": self._values[f"{key}_name"],
                    "definition": stack.workflow(workflow["definition"], self._values),
                    "roleArn": self._role_arn(workflow["role"]),
                    "type": workflow["type"],
                },
            )

    async def _ledger(self) -> None:
        if self._settings.budget_store == "dynamodb":
            await self._ledger_table()
        payload = stack.first_budget(self._settings.limit_microusd)
        answer = await self._call(
            "lambda",
            "Invoke",
            {
                "FunctionName": self._values["update_budget_name"],
                "Payload": json.dumps(payload).encode(),
            },
        )
        if answer.get("FunctionError"):
            raise AwsError("LedgerNotInitialised", bytes(answer["Payload"]).decode())

    async def _ledger_table(self) -> None:
        key = self._declared["ledger_in_dynamodb"]["partition_key"]
        await self._call(
            "dynamodb",
            "CreateTable",
            {
                "TableName": self._values["ledger_table"],
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    async def _api(self, done: Deployment) -> None:
        api = self._declared["api"]
        # the C parser is seven times as fast, where PyYAML was built with it
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        whole = yaml.load(stack.contract(self._values), Loader=loader)  # noqa: S506 - safe ones
        live = self._settings.live_events
        document = stack.chosen(whole, {stack.LIVE_EVENTS} if live else ())
        throttle = stack.throttles(live_events=live)
        created = await self._call("apigateway", "CreateRestApi", {"name": self._fill(api["name"])})
        done.api_id, done.stage = str(created["id"]), api["stage"]
        done.throttle = throttle
        self._values |= of_api(self._values, done.api_id)
        self._hooks.api_body(done.api_id, document)
        await self._call(
            "apigateway",
            "PutRestApi",
            {"restApiId": done.api_id, "mode": "overwrite", "body": json.dumps(document).encode()},
        )
        await self._call(
            "apigateway", "CreateDeployment", {"restApiId": done.api_id, "stageName": done.stage}
        )
        self._hooks.api_deployed(done.api_id, done.stage)
        await self._call(
            "apigateway",
            "UpdateStage",
            {
                "restApiId": done.api_id,
                "stageName": done.stage,
                "patchOperations": [
                    *_throttle_patches(throttle),
                    *(
                        {"op": "replace", "path": f"/variables/{name}", "value": value}
                        for name, value in api["variables"].items()
                    ),
                ],
            },
        )
        self._hooks.api_account(await account_role(self._call, self._values))
        stage = (done.api_id, done.stage)
        settings = await access_log(self._call, api, self._values, stage)
        self._hooks.api_logged(*stage, settings)

    async def _task(self) -> None:
        task = self._declared["task"]
        await log_group(self._call, self._fill(task["log_group"]), task["log_days"])
        await deploy_repository(self._call, self._fill(task["repository"]), task["images_kept"])
        await self._call(
            "ecs",
            "CreateCluster",
            {
                "clusterName": self._values["cluster"],
                "settings": [{"name": "containerInsights", "value": "disabled"}],
            },
        )
        await self._call("ecs", "RegisterTaskDefinition", self._task_definition(task))

    def _task_definition(self, task: Mapping[str, Any]) -> dict[str, Any]:
        environment = self._fill(task["environment"])
        return {
            "family": self._values["task_family"],
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": str(task["cpu_units"]),
            "memory": str(task["memory_mib"]),
            "runtimePlatform": {
                "cpuArchitecture": task["architecture"],
                "operatingSystemFamily": "LINUX",
            },
            "taskRoleArn": self._role_arn(task["role"]),
            "executionRoleArn": self._role_arn(task["execution_role"]),
            "containerDefinitions": [
                {
                    "name": task["container"],
                    "image": task["image"],
                    "essential": True,
                    "portMappings": [{"containerPort": task["port"]}],
                    "environment": [{"name": k, "value": v} for k, v in environment.items()],
                    "user": task["user"],
                    "readonlyRootFilesystem": True,
                    "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
                    "stopTimeout": task["stop_timeout_s"],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": self._fill(task["log_group"]),
                            "awslogs-region": self._settings.region,
                            "awslogs-stream-prefix": "nst",
                        },
                    },
                }
            ],
        }

    async def _rules(self) -> None:
        for key, rule in self._fill(self._declared["rules"]).items():
            await self._call("events", "PutRule", rule_params(rule))
            arn = self._values[f"{rule['target']}_arn"]
            target = target_params(key, rule, arn, self._role_arn("events"))
            await self._call("events", "PutTargets", {"Rule": rule["name"], "Targets": [target]})
        for schedule in self._declared["schedules"].values():
            await self._call(
                "scheduler",
                "CreateSchedule",
                {
                    "Name": self._fill(schedule["name"]),
                    "ScheduleExpression": schedule["expression"],
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": self._values[f"{schedule['target']}_arn"],
                        "RoleArn": self._role_arn("events"),
                        "Input": json.dumps(schedule["input"]),
                    },
                },
            )

    async def _distribution(self, done: Deployment) -> None:
        values = {**self._values, "upload_origin": self._aws_url}
        done.distribution_id = await deploy_cdn(
            self._call,
            stack.fill(self._declared["cdn"], values),
            values,
            (done.api_id, done.stage),
        )

    def _role_arn(self, role: str) -> str:
        return self._values[f"{role.replace('-', '_')}_role_arn"]


def _throttle_patches(throttle: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    for method, limits in throttle.items():
        verb, _, path = method.partition(" ")
        place = "*/*" if method == "default" else f"{path.lstrip('/')}/{verb}"
        for setting, value in (
            ("rateLimit", float(limits["rate_per_s"])),
            ("burstLimit", limits["burst"]),
        ):
            yield {"op": "replace", "path": f"/{place}/throttling/{setting}", "value": str(value)}
