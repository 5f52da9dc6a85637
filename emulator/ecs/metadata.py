"""What a container asks its host: credentials of the task role, and facts about its task.

Sources: AWS's pages "Task metadata endpoint version 4" and "Amazon ECS task IAM role". The ids in
the paths are random and known to the container alone.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from emulator.core.clock import Clock, iso
from emulator.core.credentials import Credential, CredentialStore
from emulator.ecs.task import ADDRESS, TIMES, Task

CREDENTIALS = re.compile(r"^/v2/credentials/(?P<id>[0-9a-f]{32})$")
METADATA = re.compile(r"^/v4/(?P<id>[0-9a-f]{32})(?P<task>/task)?$")


@dataclass
class _Entry:
    task: Task
    container: str
    role_arn: str | None
    credential: Credential | None = None


class MetadataApp:
    """ASGI application that answers the containers."""

    def __init__(self, clock: Clock, credentials: CredentialStore, credentials_s: float) -> None:
        self._clock = clock
        self._credentials = credentials
        self._credentials_s = credentials_s
        self._entries: dict[str, _Entry] = {}

    def add(self, task: Task, container: str, role_arn: str | None) -> str:
        """Make a container known; returns its id in the paths."""
        identity = secrets.token_hex(16)
        self._entries[identity] = _Entry(task, container, role_arn)
        return identity

    def remove(self, identity: str) -> None:
        """Forget a container."""
        self._entries.pop(identity, None)

    def keys(self, identity: str) -> dict[str, str]:
        """The credentials of a container's role, as variables of its environment.

        For containers that cannot ask: SDKs take credentials from a loopback address or ECS's own
        only, and neither is this emulator to a container.
        """
        entry = self._entries[identity]
        found = self._role(entry, str(entry.role_arn))
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["Token"],
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        await self.handle(request)(scope, receive, send)

    def handle(self, request: Request) -> Response:
        """The answer to one request."""
        path = request.url.path
        if request.method == "GET":
            if match := CREDENTIALS.match(path):
                entry = self._entries.get(match["id"])
                if entry is not None and entry.role_arn is not None:
                    return JSONResponse(self._role(entry, entry.role_arn))
            elif match := METADATA.match(path):
                entry = self._entries.get(match["id"])
                if entry is not None:
                    known = _task(entry.task) if match["task"] else _container(entry)
                    return JSONResponse(known)
        return JSONResponse({"message": f"There is nothing at {path}."}, status_code=404)

    def _role(self, entry: _Entry, role_arn: str) -> dict[str, Any]:
        held = entry.credential
        left = (held.expires_at or 0.0) - self._clock.now() if held else 0.0
        if held is None or left < self._credentials_s / 2:
            held = self._credentials.issue_session(role_arn, entry.task.id, self._credentials_s)
            entry.credential = held
        return {
            "RoleArn": role_arn,
            "AccessKeyId": held.access_key,
            "SecretAccessKey": held.secret,
            "Token": held.token,
            "Expiration": iso(held.expires_at or 0.0)[:19] + "Z",
        }


def _task(task: Task) -> dict[str, Any]:
    shape = task.shape
    definition = str(shape["taskDefinitionArn"]).rsplit(":", 1)[-1]
    known: dict[str, Any] = {
        "Cluster": shape["clusterArn"],
        "TaskARN": task.arn,
        "Family": task.family,
        "Revision": definition,
        "DesiredStatus": shape["desiredStatus"],
        "KnownStatus": shape["lastStatus"],
        "Limits": {"CPU": int(shape["cpu"]) / 1024, "Memory": int(shape["memory"])},
        "AvailabilityZone": shape["availabilityZone"],
        "LaunchType": "FARGATE",
        "Containers": [_facts(task, c) for c in shape["containers"]],
    }
    for name in sorted(TIMES & {"pullStartedAt", "pullStoppedAt"}):
        if name in shape:
            known[name[0].upper() + name[1:]] = iso(shape[name])
    return known


def _container(entry: _Entry) -> dict[str, Any]:
    return _facts(entry.task, entry.task.container(entry.container))


def _facts(task: Task, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "DockerId": str(container["containerArn"]).rsplit("/", 1)[-1],
        "Name": container["name"],
        "Image": container["image"],
        "DesiredStatus": task.shape["desiredStatus"],
        "KnownStatus": container["lastStatus"],
        "ContainerARN": container["containerArn"],
        "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [ADDRESS]}],
        "Labels": {
            "com.amazonaws.ecs.cluster": task.shape["clusterArn"],
            "com.amazonaws.ecs.container-name": container["name"],
            "com.amazonaws.ecs.task-arn": task.arn,
            "com.amazonaws.ecs.task-definition-family": task.family,
        },
    }
