"""What the task's environment says. The container's agent or the emulator sets it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from system import runs
from system.settings import Environment, SettingsError

PORT_DEFAULT = 8000


@dataclass(frozen=True)
class Settings:
    """The service's settings.

    ``run_id`` is None in an instance that only serves event logs; then ``metadata_url`` may be None
    too. ``port`` 0 picks a free one.
    """

    bucket: str
    picture_bytes_max: int
    region: str
    run_id: str | None
    host: str
    port: int
    endpoint_url: str | None
    metadata_url: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read ``environment``; raises SettingsError."""
        run_id = environment.get("RUN_ID") or None
        if run_id is not None and not runs.is_run_id(run_id):
            raise SettingsError("RUN_ID must be 32 lower-case hexadecimal digits")
        metadata_url = environment.get("ECS_CONTAINER_METADATA_URI_V4") or None
        if run_id is not None and metadata_url is None:
            raise SettingsError("ECS_CONTAINER_METADATA_URI_V4 must be set: it names the task")
        read = Environment(environment)
        storage, endpoint_url = read.storage(), read.endpoint_url
        return cls(
            bucket=storage.bucket,
            picture_bytes_max=storage.upload_bytes_max,
            region=read.region,
            run_id=run_id,
            host=environment.get("HOST") or _host(endpoint_url),
            port=_port(environment.get("PORT") or str(PORT_DEFAULT)),
            endpoint_url=endpoint_url,
            metadata_url=metadata_url,
        )


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65_535:  # noqa: PLR2004 (the highest port)
        raise SettingsError("PORT must be a number from 0 to 65535")
    return int(text)


def _host(endpoint_url: str | None) -> str:
    """A laptop's task listens to the laptop only; in a container it must be reachable."""
    if endpoint_url and _loopback(urlsplit(endpoint_url).hostname or ""):
        return "127.0.0.1"
    return "0.0.0.0"  # noqa: S104 (the security group decides who reaches it)


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
