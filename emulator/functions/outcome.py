"""How an invocation ends, and the lines Lambda writes about it.

Sources: AWS's pages "Lambda execution environment lifecycle" and "Troubleshoot execution issues in
Lambda"; the forms of timeouts and exits are those of AWS's Runtime Interface Emulator.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

UNHANDLED = "Unhandled"

PLATFORM_ERRORS = frozenset(
    {"Runtime.ExitError", "Runtime.OutOfMemory", "Function.ResponseSizeTooLarge"}
)
"""Errors that Lambda itself finds; it writes them to the log, runtimes write their own."""


@dataclass(frozen=True)
class Outcome:
    """The end of an invocation: what the caller gets and what the REPORT line says.

    ``error_type`` is None for a success; ``status`` is the REPORT line's (empty: none).
    """

    payload: bytes
    error_type: str | None = None
    status: str = ""

    @property
    def function_error(self) -> str | None:
        """The X-Amz-Function-Error header."""
        return None if self.error_type is None else UNHANDLED


@dataclass(frozen=True)
class Event:
    """One event on its way to a sandbox."""

    request_id: str
    arn: str
    payload: bytes
    deadline_ms: int
    trace_id: str
    client_context: str = ""


def succeeded(payload: bytes) -> Outcome:
    """The function's result."""
    return Outcome(payload)


def reported(payload: bytes) -> Outcome:
    """An error that the runtime reported, as it reported it."""
    return Outcome(payload, _error_type(payload))


def timed_out(request_id: str, timeout_s: float) -> Outcome:
    """The function took longer than its timeout."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return _platform("Sandbox.Timedout", message, "timeout")


def exited(request_id: str, returncode: int, *, out_of_memory: bool) -> Outcome:
    """The runtime's process ended in the middle of an event (or of its start)."""
    kind = "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError"
    message = f"RequestId: {request_id} Error: {exit_reason(returncode)}"
    return _platform(kind, message, f"error\tError Type: {kind}")


def too_large(limit: int) -> Outcome:
    """The result is larger than Lambda passes on."""
    kind = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return _platform(kind, message, f"error\tError Type: {kind}")


def exit_reason(returncode: int) -> str:
    """How a process ended, in Lambda's words."""
    if returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode < 0:
        names = {-9: "killed", -11: "segmentation fault", -15: "terminated", -6: "aborted"}
        return f"Runtime exited with error: signal: {names.get(returncode, -returncode)}"
    return f"Runtime exited with error: exit status {returncode}"


def start_line(request_id: str, version: str) -> str:
    """The START line."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """The END line."""
    return f"END RequestId: {request_id}"


def report_line(
    request_id: str,
    *,
    duration_s: float,
    memory_mb: int,
    used_bytes: int,
    init_s: float | None,
    status: str,
) -> str:
    """The REPORT line; since August 2025 the init phase is billed with its first invocation."""
    duration_ms = duration_s * 1000
    billed_ms = math.ceil(duration_ms + (init_s or 0.0) * 1000)
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {min(memory_mb, math.ceil(used_bytes / 2**20))} MB",
    ]
    if init_s is not None:
        parts.append(f"Init Duration: {init_s * 1000:.2f} ms")
    if status:
        parts.append(f"Status: {status}")
    return "\t".join([*parts, ""])


def init_report_line(seconds: float, phase: str, failed: Outcome) -> str:
    """The INIT_REPORT line of a start that failed."""
    status = failed.status or f"error\tError Type: {failed.error_type}"
    return f"INIT_REPORT Init Duration: {seconds * 1000:.2f} ms\tPhase: {phase}\tStatus: {status}"


def _platform(kind: str, message: str, status: str) -> Outcome:
    payload = json.dumps({"errorType": kind, "errorMessage": message}, separators=(",", ":"))
    return Outcome(payload.encode(), kind, status)


def _error_type(payload: bytes) -> str:
    try:
        return str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Runtime.Unknown"
