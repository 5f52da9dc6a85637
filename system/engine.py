"""The Docker engine: found, or one sentence that says what to do."""

from __future__ import annotations

from typing import Any

ANSWER_S_MAX = 60
"""An engine that copies an image's layers may be slow to answer."""
CONNECTIONS_MAX = 64


class EngineError(Exception):
    """The engine cannot be used; the message is a sentence that says what to do."""


def connect(timeout_s: float = ANSWER_S_MAX) -> Any:
    """A client (docker.DockerClient) of the engine that the docker command would use.

    DOCKER_HOST names it, or the current context. Raises EngineError without the SDK, without an
    engine, and without the right to use it.
    """
    try:
        import docker  # noqa: PLC0415 (an extra, and slow to import)
        from docker.errors import DockerException  # noqa: PLC0415
    except ImportError as error:
        raise EngineError(
            "The Docker SDK for Python is missing. Install it: pip install -e '.[docker]'"
        ) from error
    try:
        client = docker.from_env(timeout=timeout_s, max_pool_size=CONNECTIONS_MAX)
    except DockerException as error:
        if "PermissionError" in str(error):
            raise EngineError(
                "You may not use the Docker engine. Join its group (sudo usermod -aG docker "
                "$USER, then log in again), or name an engine of your own in DOCKER_HOST."
            ) from error
        raise EngineError(
            "No Docker engine answers. Start it (Docker Desktop, or: sudo systemctl start docker), "
            f"or name another one in DOCKER_HOST. ({error})"
        ) from error
    return client


def explanation(error: Exception) -> str:
    """What the engine said of a call that it refused."""
    return str(getattr(error, "explanation", None) or error)
