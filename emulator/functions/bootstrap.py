"""The first program of a sandbox: makes a Lambda-like process of a bare Python, then runs the code.

Started as ``python -S -P -X utf8 bootstrap.py PARENT_PID TASK_ROOT RUNTIME_DIR`` with a clean
environment. It imports nothing of the emulator: in the sandbox there is none.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """End this process when the emulator ends, however it ends.

    Linux sends a signal by itself. Elsewhere a thread waits for the end of standard input, a pipe
    whose other end only the emulator holds.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 (not needed elsewhere)

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it ended before we had asked for the signal
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        lifeline = os.dup(0)
        threading.Thread(target=_wait_for_end, args=(lifeline,), daemon=True).start()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _wait_for_end(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Set the paths as Lambda does (code first, runtime last) and run the runtime client."""
    parent_pid, task_root, runtime_dir = sys.argv[1:]
    die_with_parent(int(parent_pid))
    sys.argv[1:] = []
    sys.path[:] = [task_root, *(p for p in sys.path if p), runtime_dir]

    import site  # noqa: PLC0415 (-S leaves out the path hooks; exit() and quit() are expected)

    site.setquit()

    from awslambdaric import bootstrap  # noqa: PLC0415 (only now on the path)
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient  # noqa: PLC0415

    class Client(LambdaRuntimeClient):  # type: ignore[misc] # (untyped base)
        """The runtime client posts init errors to the host alone, without our path."""

        def call_rapid(
            self, http_method: str, endpoint: str, *more: object, **named: object
        ) -> None:
            """Send one request, below the sandbox's path."""
            super().call_rapid(http_method, f"/{path}{endpoint}", *more, **named)

    address, _, path = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")
    bootstrap.run(os.environ["_HANDLER"], Client(address))


if __name__ == "__main__":
    main()
