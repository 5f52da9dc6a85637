"""The programs of a sandbox. It imports nothing of the emulator: in a sandbox there is none.

``bootstrap.py zygote PARENT_PID RUNTIME_DIR plain|sdk private|shared`` is the parent of sandboxes:
it has imported what the runtime client needs (and boto3) once, and forks a process for each job
that it reads from its standard input, one JSON object a line. It writes what becomes of them to its
standard output: ``{"started": id, "pid": n}`` and ``{"ended": id, "code": n}``.

A forked process is put into its place (own session, own /tmp, clean environment) and goes on as the
sandbox. A job that asks for a ``fresh`` interpreter gets ``bootstrap.py run TASK_ROOT RUNTIME_DIR``
there instead.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import threading
import time
from typing import Any

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 0x1000, 0x4000, 1 << 18
TMP = "/tmp"  # noqa: S108 - Lambda's


def main() -> None:
    """Be a zygote, or a sandbox in a fresh interpreter; both end in the runtime client."""
    how, *rest = sys.argv[1:]
    sys.argv[1:] = []
    if how == "zygote":
        parent, runtime_dir, packages, tmp = rest
        zygote = Zygote(
            int(parent), runtime_dir, sdk=packages == "sdk", private_tmp=tmp == "private"
        )
        job = zygote.serve()
        run(job["task_root"], job["runtime_dir"])
    else:
        if not LINUX:
            _watch_lifeline()
        run(*rest)


def run(task_root: str, runtime_dir: str) -> None:
    """Set the paths as Lambda does (code first, runtime last) and run the runtime client."""
    sys.path[:] = [task_root, *(p for p in sys.path if p and p != runtime_dir), runtime_dir]
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


class Zygote:
    """Forks sandboxes, tells of their ends, and dies with the emulator."""

    def __init__(self, parent_pid: int, runtime_dir: str, *, sdk: bool, private_tmp: bool) -> None:
        die_with(parent_pid)
        sys.path[:] = [*(p for p in sys.path if p), runtime_dir]
        _import_below_the_client()
        if sdk:
            _import_sdk()
        gc.collect()
        gc.freeze()  # what is never looked at is never copied
        self._runtime_dir = runtime_dir
        self._running: dict[int, str] = {}
        self._private_tmp = private_tmp and LINUX and _can_have_private_tmp()
        self._woken, self._wake = os.pipe()
        self._lifeline = (-1, -1) if LINUX else os.pipe()
        os.set_blocking(self._wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake)

    def serve(self) -> dict[str, Any]:
        """Fork for each job; returns the job, in the process that is its sandbox."""
        modules = sorted({name.partition(".")[0] for name in sys.modules})
        self._tell({"ready": True, "private_tmp": self._private_tmp, "modules": modules})
        rest = b""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if 0 not in ready:
                continue
            data = os.read(0, 65536)
            if not data:
                self._end()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                job: dict[str, Any] = json.loads(line)
                if self._fork(job):
                    return job

    def _fork(self, job: dict[str, Any]) -> bool:
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._leave()
                self._enter(job, zygote)
            except BaseException:  # noqa: BLE001 - this process must never go on as a second zygote
                import traceback  # noqa: PLC0415 (hardly ever needed)

                traceback.print_exc()
                os._exit(70)
            return True
        self._running[pid] = job["id"]
        self._tell({"started": job["id"], "pid": pid})
        return False

    def _leave(self) -> None:
        """In a forked process: drop what is the zygote's own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._woken)
        os.close(self._wake)
        os.setsid()

    def _enter(self, job: dict[str, Any], zygote: int) -> None:
        """In a forked process: take the sandbox's place."""
        output = os.open(job["output"], os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        if LINUX:
            if self._private_tmp:
                # Before the death signal is asked for: a change of credentials drops it.
                private_tmp(job["storage_mb"], self._visible(job))
            die_with(zygote)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
        else:
            os.dup2(self._lifeline[0], 0)
            os.close(self._lifeline[0])
            os.close(self._lifeline[1])
        os.chdir(job["task_root"])
        if job["fresh"] or not LINUX:
            options = ["-S", "-P", "-X", "utf8", *(["-B"] if job["read_only"] else [])]
            arguments = [__file__, "run", job["task_root"], job["runtime_dir"]]
            os.execve(  # noqa: S606 - the same Python
                sys.executable, [sys.executable, *options, *arguments], job["environment"]
            )
        sys.dont_write_bytecode = job["read_only"]
        os.environ.clear()
        os.environ.update(job["environment"])
        time.tzset()

    def _visible(self, job: dict[str, Any]) -> list[str]:
        """Directories below /tmp that a sandbox needs to see all the same."""
        linked = [os.path.realpath(e.path) for e in os.scandir(self._runtime_dir)]
        # without site (-S) the prefix is not the virtual environment's, but its program is there
        home = os.path.dirname(os.path.dirname(sys.executable))  # noqa: PTH120 - no pathlib here
        places = {home, sys.prefix, sys.base_prefix}
        places |= {os.path.dirname(path) for path in (__file__, *linked)}  # noqa: PTH120
        places |= {job["task_root"], job["runtime_dir"]}
        below = sorted(p for p in places if p.startswith(f"{TMP}/"))
        return [p for p in below if not any(p.startswith(f"{q}/") for q in below)]

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _kill_group(pid)  # what it left behind
            self._tell({"ended": self._running.pop(pid), "code": os.waitstatus_to_exitcode(status)})

    def _end(self) -> None:
        """The emulator has ended."""
        for pid in self._running:
            _kill_group(pid)
        os._exit(0)

    def _tell(self, what: dict[str, Any]) -> None:
        os.write(1, json.dumps(what).encode() + b"\n")


def die_with(parent_pid: int) -> None:
    """End this process when its parent does, however that ends (Linux; elsewhere: a lifeline)."""
    if LINUX:
        _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it ended before we had asked for the signal
            os.kill(os.getpid(), signal.SIGKILL)


def private_tmp(megabytes: int, visible: list[str]) -> None:
    """Cover /tmp with an empty file system of this process's own, of the function's size.

    Needs the right to make mount namespaces: root's, or a user namespace. Raises OSError without.
    """
    libc = _libc()
    if libc.unshare(CLONE_NEWNS) != 0:
        uid, gid = os.getuid(), os.getgid()
        _check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - no pathlib here
                file.write(text)
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    held = [(path, os.open(path, os.O_PATH)) for path in visible]
    size = f"size={megabytes}m,mode=1777".encode()
    _check(libc.mount(b"tmpfs", TMP.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, size))
    for path, handle in held:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 - no pathlib here
        source = f"/proc/self/fd/{handle}".encode()
        _check(libc.mount(source, path.encode(), None, MS_BIND | MS_REC, None))
        os.close(handle)


def _can_have_private_tmp() -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            private_tmp(1, [])
        except BaseException:  # noqa: BLE001 - whatever it is, this machine does not allow it
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def _import_below_the_client() -> None:
    """Import what the runtime client imports, but not itself.

    It reads the Runtime API's address when its C part is loaded: that must happen in the sandbox.
    A process that ends at once finds out what else it imports.
    """
    import importlib  # noqa: PLC0415 (needed here only)

    reader, writer = os.pipe()
    if os.fork() == 0:
        importlib.import_module("awslambdaric.bootstrap")
        with os.fdopen(writer, "w") as out:
            out.write("\n".join(sys.modules))
            out.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as names:
        for name in names.read().split():
            if not name.startswith(("awslambdaric", "runtime_client", "__")):
                importlib.import_module(name)
    os.wait()


def _import_sdk() -> None:
    """Import boto3 and what its clients import when they are made."""
    import boto3  # noqa: PLC0415 (only now on the path)

    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    boto3.session.Session(region_name="us-east-1", **keys).client("s3")


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _libc() -> Any:
    import ctypes  # noqa: PLC0415 (not needed elsewhere than on Linux)

    return ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        import ctypes  # noqa: PLC0415 (as above)

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _watch_lifeline() -> None:
    """End this process with the zygote: standard input is a pipe whose other end it holds."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
