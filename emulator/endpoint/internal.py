"""The emulator's own small HTTP API, beside AWS's: health and what is deployed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulator.core.errors import NotSupported
from emulator.core.faults import Rule

if TYPE_CHECKING:
    from emulator.emulator import Emulator


FAULTS = "/_nst/faults"


class InternalApi:
    """``/_localstack/health`` as tools expect it, and ``/_nst/``: status, faults, requests."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        path = request.url.path
        if path in {"/_localstack/health", "/health", "/_aws/health"}:
            return JSONResponse(self._emulator.health())
        if path in {"/_localstack/init", "/_localstack/init/ready"}:
            stages = {"BOOT": True, "START": True, "READY": True, "SHUTDOWN": False}
            return JSONResponse({"completed": stages, "scripts": []})
        if path == "/_localstack/info":
            return JSONResponse(
                {"version": "0.1.0", "edition": "nst", "is_license_activated": True}
            )
        if path == FAULTS or path.startswith(f"{FAULTS}/"):
            return await self._fault_calls(request, path.removeprefix(FAULTS).strip("/"))
        if path == "/_nst/requests":
            return JSONResponse(self._emulator.requests())
        if path == "/_nst/status":
            return JSONResponse(status(self._emulator))
        return JSONResponse({"message": f"There is nothing at {path}."}, status_code=404)

    async def _fault_calls(self, request: Request, ident: str) -> Response:
        """GET: the rules; POST: set one; DELETE: take back one by its id, or all."""
        faults = self._emulator.faults
        if request.method == "GET" and not ident:
            return JSONResponse({"rules": faults.rules()})
        if request.method == "DELETE":
            removed = int(faults.remove(ident)) if ident else faults.clear()
            return JSONResponse(
                {"removed": removed}, status_code=200 if removed or not ident else 404
            )
        if request.method == "POST" and not ident:
            try:
                body = await request.body()
                return JSONResponse({"id": faults.add(Rule.parse(json.loads(body or b"null")))})
            except ValueError as error:  # a rule that makes no sense is one, too
                return JSONResponse({"message": str(error)}, status_code=400)
            except NotSupported as error:
                return JSONResponse({"message": error.message}, status_code=400)
        return JSONResponse({"message": "GET, POST or DELETE"}, status_code=405)


def status(emulator: Emulator) -> dict[str, object]:
    """What is running here: addresses, deployment, how state is kept."""
    deployment = emulator.deployment
    data_dir = emulator.settings.data_dir
    return {
        "ready": emulator.ready,
        "pid": os.getpid(),
        "aws": emulator.aws_url,
        "web": emulator.edge_url,
        "stepfunctions": emulator.stepfunctions_url,
        "data_dir": str(data_dir) if data_dir else None,
        "tasks": emulator.settings.tasks,
        "containers_address": emulator.containers_address,
        "aws_timing": emulator.settings.aws_timing,
        "deployed": deployment is not None,
        "api_id": deployment.api_id if deployment else None,
        "stage": deployment.stage if deployment else None,
        "distribution_id": deployment.distribution_id if deployment else None,
        "recovered": emulator.recovered,
    }
