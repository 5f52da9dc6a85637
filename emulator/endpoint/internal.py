"""The emulator's own small HTTP API, beside AWS's: health and what is deployed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from emulator.emulator import Emulator


class InternalApi:
    """``/_localstack/health`` as tools expect it, and ``/_nst/status``."""

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
        if path == "/_nst/status":
            return JSONResponse(status(self._emulator))
        return JSONResponse({"message": f"There is nothing at {path}."}, status_code=404)


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
        "deployed": deployment is not None,
        "api_id": deployment.api_id if deployment else None,
        "stage": deployment.stage if deployment else None,
        "distribution_id": deployment.distribution_id if deployment else None,
        "recovered": emulator.recovered,
    }
