"""What the data planes must hear of the control plane that moto keeps.

moto stores REST APIs, roles and keys; to serve and to check is ours. After moto has accepted a
call, these hooks hand on what it carried. A call that it refused changes nothing here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml
from starlette.requests import Request

from emulator.core.bus import Caller, Service
from emulator.endpoint.moto_lane import MotoReply
from emulator.endpoint.router import Route, query_action
from emulator.iam.directory import READS

LoadApi = Callable[[str, str, dict[str, Any]], None]
SetThrottles = Callable[[str, str, dict[str, Any]], None]
SetVariables = Callable[[str, str, dict[str, str]], None]
SetAccessLog = Callable[[str, str, dict[str, Any] | None, str], None]

_REST_API = re.compile(r"^/restapis/(?P<api>[a-zA-Z0-9]+)$")
_STAGE = re.compile(r"^/restapis/(?P<api>[a-zA-Z0-9]+)/stages/(?P<stage>[^/]+)$")
_DEPLOY = re.compile(r"^/restapis/(?P<api>[a-zA-Z0-9]+)/(?:deployments|stages)$")


class ControlHooks:
    """Hands on REST API bodies, throttles, and that roles or users may have changed."""

    def __init__(
        self,
        *,
        load_api: LoadApi,
        set_throttles: SetThrottles,
        set_access_log: SetAccessLog,
        set_variables: SetVariables = lambda api, stage, variables: None,  # noqa: ARG005
        name_api: Callable[[str, str], None] = lambda api, name: None,  # noqa: ARG005
        identities_changed: Callable[[], None],
    ) -> None:
        self._identities_changed = identities_changed
        self._load_api = load_api
        self._set_throttles = set_throttles
        self._set_variables = set_variables
        self.name_api = name_api
        self._set_access_log = set_access_log
        self._log_role = ""
        self._bodies: dict[str, dict[str, Any]] = {}

    async def after_moto(
        self, route: Route, request: Request, body: bytes, reply: MotoReply
    ) -> None:
        """Hear of a call that moto has answered."""
        if reply.status >= 300:  # noqa: PLR2004
            return
        if route.service == "apigateway":
            self._apigateway(request, body, reply)
        elif route.service == "cloudformation" or (
            route.service == "iam" and not query_action(body).startswith(READS)
        ):
            self._identities_changed()

    def api_body(self, api_id: str, document: dict[str, Any]) -> None:
        """Remember the OpenAPI body of a REST API; it serves once it is deployed."""
        self._bodies[api_id] = document

    def api_deployed(self, api_id: str, stage: str) -> None:
        """A deployment of the API went to ``stage``: serve its body as it is now."""
        document = self._bodies.get(api_id)
        if document is not None:
            self._load_api(api_id, stage, document)

    def api_account(self, role_arn: str) -> None:
        """The account's role for API Gateway's logs is now this one; empty for none."""
        self._log_role = role_arn

    def api_logged(self, api_id: str, stage: str, settings: dict[str, Any] | None) -> None:
        """A stage's access log; raises AwsError when it cannot be written."""
        self._set_access_log(api_id, stage, settings, self._log_role)

    def stage_changed(
        self, api: str, stage: str, operations: list[dict[str, Any]], answer: dict[str, Any]
    ) -> None:
        """A stage was patched; ``answer`` is the stage as it is now."""
        if any(o.get("path") == "/deploymentId" for o in operations):
            self.api_deployed(api, stage)
        if any(str(o.get("path")).startswith("/accessLogSettings") for o in operations):
            self.api_logged(api, stage, answer.get("accessLogSettings"))
        if api in self._bodies:
            self._set_throttles(api, stage, answer.get("methodSettings") or {})
            self._set_variables(api, stage, answer.get("variables") or {})

    def _apigateway(self, request: Request, body: bytes, reply: MotoReply) -> None:
        path = request.url.path
        if path == "/restapis" or _REST_API.match(path):
            self._api_changed(request, body, reply)
        elif request.method == "POST" and (found := _DEPLOY.match(path)):
            stage = yaml.safe_load(body or b"{}").get("stageName")
            if stage:
                self.api_deployed(found["api"], str(stage))
                variables = json.loads(reply.body).get("variables") or {}
                if variables and found["api"] in self._bodies:
                    self._set_variables(found["api"], str(stage), variables)
        elif request.method == "PATCH" and path == "/account":
            self.api_account(str(json.loads(reply.body).get("cloudwatchRoleArn") or ""))
        elif request.method == "PATCH" and (found := _STAGE.match(path)):
            operations = json.loads(body or b"{}").get("patchOperations", [])
            self.stage_changed(found["api"], found["stage"], operations, json.loads(reply.body))

    def _api_changed(self, request: Request, body: bytes, reply: MotoReply) -> None:
        if request.method in {"POST", "PUT", "PATCH"}:
            made = yaml.safe_load(reply.body)
            self.name_api(str(made["id"]), str(made["name"]))
            imported = request.query_params.get("mode") == "import"
            if request.method == "PUT" or (request.method == "POST" and imported):
                self.api_body(str(made["id"]), _openapi(body))


class GatewayControl:
    """moto's API Gateway on the bus, with a word to the data plane after what concerns it."""

    def __init__(self, service: Service, hooks: ControlHooks) -> None:
        self._service = service
        self._hooks = hooks

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""
        answer = await self._service.call(operation, params, caller)
        if operation in {"CreateRestApi", "PutRestApi", "UpdateRestApi"}:
            self._hooks.name_api(str(answer["id"]), str(answer["name"]))
        elif operation == "UpdateStage":
            self._hooks.stage_changed(
                params["restApiId"],
                params["stageName"],
                list(params.get("patchOperations") or ()),
                answer,
            )
        return answer


def _openapi(body: bytes) -> dict[str, Any]:
    document = yaml.safe_load(body)
    return document if isinstance(document, dict) else {}
