"""The environment of a sandbox: what Lambda sets, the function's variables, nothing of the host.

Source: AWS's page "Lambda environment variables". What differs from AWS by intention:
AWS_ENDPOINT_URL leads to this emulator, HOME is /tmp (on AWS nothing of a user is there to be found
either), and where the machine gives no sandbox a /tmp of its own, HOME and TMPDIR are a directory
of the sandbox's. LD_LIBRARY_PATH is not set: Lambda's libraries are not here.
"""

from __future__ import annotations

from pathlib import Path

from emulator.core.credentials import Credential
from emulator.functions.definition import Function


def environment(
    function: Function,
    credential: Credential,
    *,
    api: str,
    endpoint_url: str,
    task_root: Path,
    runtime_dir: Path,
    scratch: Path | None,
    log_stream: str,
) -> dict[str, str]:
    """All variables of a sandbox's process; Lambda's reserved ones win over the function's.

    ``scratch`` is the sandbox's own directory, None when it has a /tmp of its own.
    """
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(runtime_dir),
        "HOME": str(scratch or "/tmp"),  # noqa: S108 - Lambda's, and the sandbox's own
    }
    if scratch is not None:
        defaults["TMPDIR"] = str(scratch)
    if endpoint_url:
        defaults["AWS_ENDPOINT_URL"] = endpoint_url
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": credential.access_key,
        "AWS_SECRET_ACCESS_KEY": credential.secret,
        "AWS_SESSION_TOKEN": credential.token or "",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": api,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": str(runtime_dir),
    }
    return {**defaults, **function.environment, **reserved}
