"""The first program of a container's process: ties its life to the emulator's, then becomes it.

Started as ``python -I -S launcher.py PARENT_PID PROGRAM [ARGUMENT ...]`` with the task's
environment. On Linux the kernel kills the program when the emulator ends; elsewhere this process
stays as a watcher between the two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def run_tied(parent_pid: int, command: list[str]) -> None:
    """Become ``command``; Linux sends SIGKILL when the parent ends, however it ends."""
    import ctypes  # noqa: PLC0415 (not needed elsewhere)

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before we had asked for the signal
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(command[0], command)  # noqa: S606 (the command is the emulator's setting)


def run_watched(command: list[str]) -> int:
    """Run ``command`` as a child; the end of standard input means that the emulator has ended."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 (a setting)
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    code = child.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def _end_with_input(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):
        pass
    child.kill()


if __name__ == "__main__":
    if sys.platform == "linux":
        run_tied(int(sys.argv[1]), sys.argv[2:])
    sys.exit(run_watched(sys.argv[2:]))
