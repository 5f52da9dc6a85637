"""What the API's gateway does with a visitor's requests, as a session of its own role.

Bodies are taken as valid and answers as the contract's templates make them: API Gateway itself is
no part of a world.
"""

from __future__ import annotations

import json
from typing import Any

from emulator.core.errors import AwsError, NoReply
from emulator.simulation.world import World

ROLE = "gateway"
SESSION = "BackplaneAssumeRoleSession"
PROXY = {
    "httpMethod": "POST",
    "headers": None,
    "queryStringParameters": None,
    "body": None,
    "isBase64Encoded": False,
    "requestContext": {"requestId": "visitor", "stage": "prod"},
}
Answer = tuple[int, dict[str, Any]]
"""Status and document."""


class Gateway:
    """The gateway of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._caller = world.session(ROLE, SESSION)

    async def start(self, workflow: str, body: Any, correlation_id: str) -> Answer:
        """The end of an express workflow; 502 when it could not be started, 504 for no document."""
        try:
            await self._assume()
            ended = await self._world.workflow(
                workflow, {"body": body, "correlation_id": correlation_id}, self._caller
            )
        except (AwsError, NoReply) as error:
            return 502, {"code": _name(error)}
        if ended["status"] == "SUCCEEDED":
            return 200, json.loads(ended["output"])
        try:
            document = json.loads(ended.get("cause") or "")
            return int(document["status"]), document
        except (ValueError, KeyError, TypeError):
            return 504, {"code": str(ended.get("error") or ended["status"])}

    async def stop(self, run_id: str) -> Answer:
        """``POST /api/runs/{run_id}/stop``; 502 when the function gave no answer."""
        event = {
            **PROXY,
            "resource": "/api/runs/{run_id}/stop",
            "path": f"/api/runs/{run_id}/stop",
            "pathParameters": {"run_id": run_id},
        }
        try:
            await self._assume()
            answer = await self._world.invoke("stop_nst", event, self._caller)
        except (AwsError, NoReply) as error:
            return 502, {"code": _name(error)}
        return int(answer["statusCode"]), json.loads(answer.get("body") or "{}")

    async def state(self, run_id: str) -> dict[str, Any]:
        """``GET /api/runs/{run_id}``: the execution, described; raises AwsError."""
        await self._assume()
        prefix = self._world.values["run_nst_execution_arn_prefix"]
        return await self._world.call(
            "states", "DescribeExecution", self._caller, executionArn=f"{prefix}:{run_id}"
        )

    async def _assume(self) -> None:
        """Raise AccessDeniedException unless the role trusts API Gateway."""
        source = f"arn:aws:execute-api:{self._caller.region}:{self._caller.account}:api/prod/POST/"
        service = "apigateway.amazonaws.com"
        if not await self._world.bus.trusts(self._caller.role_arn, service, source):
            raise AwsError("AccessDeniedException", "API Gateway may not assume its role.", 403)


def _name(error: AwsError | NoReply) -> str:
    return error.code if isinstance(error, AwsError) else type(error).__name__
