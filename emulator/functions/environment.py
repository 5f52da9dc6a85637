"""The environment of a sandbox: what Lambda sets, the function's variables, nothing of the host.

Source: AWS's page "Lambda environment variables". Three things differ from AWS by intention:
AWS_ENDPOINT_URL leads to this emulator, HOME and TMPDIR are the sandbox's own scratch directory
(on AWS nothing of a user is there to be found either).
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
    scratch: Path,
    log_stream: str,
) -> dict[str, str]:
    """All variables of a sandbox's process; Lambda's reserved ones win over the function's."""
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "AWS_DEFAULT_REGION": function.region,
    }
    if endpoint_url:
        defaults["AWS_ENDPOINT_URL"] = endpoint_url
    reserved = {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
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
