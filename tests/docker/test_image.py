"""The worker's image by itself."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.system.running import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SECOND_NS = 1_000_000_000
SIZE_BYTES_MAX = 700_000_000
STOP_S_MAX = 5.0
SERVE_LOGS = {
    "AWS_REGION": "us-east-1",
    "STORAGE_BUCKET": "none",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
CONFINED: dict[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


def said(client: Any, image: str, code: str, **options: Any) -> Any:
    """What Python code prints inside the image, as JSON."""
    output = client.containers.run(
        image, ["-c", code], entrypoint=["python3"], remove=True, **CONFINED, **options
    )
    return json.loads(output)


@pytest.fixture
def serving(client: Any, image: str) -> Any:
    """A container that serves event logs: the worker without a run."""
    container = client.containers.run(
        image,
        environment=SERVE_LOGS,
        detach=True,
        healthcheck={"interval": SECOND_NS, "timeout": 3 * SECOND_NS},
        **CONFINED,
    )
    yield container
    container.remove(force=True)


def test_it_runs_as_nobody_writes_nothing_and_has_compiled_what_it_imports(
    client: Any, image: str
) -> None:
    facts = said(
        client,
        image,
        "import importlib.util as i, json, os, sys, torch, worker.__main__\n"
        "from worker.engine import network\n"
        "from worker.service import api\n"
        "network.network(torch.float32); network.network(torch.bfloat16)\n"
        "files = [getattr(m, '__file__', None) for m in list(sys.modules.values())]\n"
        "files = [f for f in files if isinstance(f, str) and f.endswith('.py') and f[0] == '/']\n"
        "raw = [f for f in files if not os.path.exists(i.cache_from_source(f))]\n"
        "print(json.dumps([os.getuid(), os.getgid(), os.access('/nst', os.W_OK), raw]))",
    )
    assert facts == [10001, 10001, False, []]


def test_it_paints_without_any_folder_to_write_to(client: Any, image: str) -> None:
    painting = (ROOT / "scripts/worker_image/painting.py").read_text(encoding="utf-8")
    imported = said(
        client,
        image,
        "import io, json, sys\n"
        "shown, sys.stdout = sys.stdout, io.StringIO()\n"
        f"exec({painting!r})\n"
        "files = json.loads(sys.stdout.getvalue())\n"
        "found = [f for f in files if f.endswith('/lib/torch/__init__.py')]\n"
        "print(json.dumps(found), file=shown)\n",
    )
    assert imported == ["/nst/lib/torch/__init__.py"]


def test_there_is_nothing_to_build_or_install_with(client: Any, image: str) -> None:
    found = said(
        client,
        image,
        "import importlib.util as i, json, os, shutil, stat\n"
        "tools = 'sh bash pip pip3 apt dpkg gcc cc c++ ld as make perl curl wget strip'.split()\n"
        "modules = 'pip ensurepip setuptools distutils venv tkinter'.split()\n"
        "programs = [e.name for d in os.get_exec_path() if os.path.isdir(d)\n"
        "            for e in os.scandir(d)]\n"
        "print(json.dumps([[t for t in tools if shutil.which(t)],\n"
        "    [m for m in modules if i.find_spec(m)], sorted(programs)]))",
    )
    tools, modules, programs = found
    assert tools == []
    assert modules == []
    assert all(name.startswith("python3") for name in programs), programs


def test_no_file_has_more_rights_than_its_user_needs(client: Any, image: str) -> None:
    odd = said(
        client,
        image,
        "import json, os, stat\n"
        "odd = []\n"
        "for folder, _, names in os.walk('/'):\n"
        "    if folder.startswith(('/proc', '/sys', '/dev')): continue\n"
        "    for name in names:\n"
        "        mode = os.lstat(os.path.join(folder, name))\n"
        "        if stat.S_ISREG(mode.st_mode) and (mode.st_mode & 0o6022 or mode.st_uid):\n"
        "            odd.append(os.path.join(folder, name))\n"
        "print(json.dumps(odd))",
    )
    assert odd == []


def test_it_brings_the_weights_and_where_they_are_from(client: Any, image: str) -> None:
    inside = said(
        client,
        image,
        "import hashlib, json, pathlib\n"
        "files = pathlib.Path('/nst/worker/weights').iterdir()\n"
        "print(json.dumps({f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}))",
    )
    ours = sorted((ROOT / "worker/weights").iterdir())
    assert inside == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in ours}
    assert {file.suffix for file in ours} == {"", ".onnx", ".safetensors"}


def test_it_stays_small(client: Any, image: str) -> None:
    assert client.images.get(image).attrs["Size"] < SIZE_BYTES_MAX


def test_scanners_find_the_packages_that_files_came_from(client: Any, image: str) -> None:
    records = said(
        client,
        image,
        "import json, pathlib\n"
        "folder = pathlib.Path('/var/lib/dpkg/status.d')\n"
        "print(json.dumps({p.name: p.read_text() for p in folder.iterdir()}))",
    )
    assert {"libc6", "libstdc++6"} <= records.keys()
    for name, record in records.items():
        assert f"Package: {name}\n" in record
        assert "\nVersion: " in record


def test_the_health_check_turns_healthy(serving: Any) -> None:
    def healthy() -> bool:
        serving.reload()
        assert serving.status == "running", serving.logs().decode()
        return bool(serving.attrs["State"]["Health"]["Status"] == "healthy")

    wait_until("the container to be healthy", healthy, 60)


def test_the_health_check_fails_where_nothing_answers(client: Any, image: str) -> None:
    code = said(
        client,
        image,
        "import json, subprocess, sys\n"
        "check = [sys.executable, '-I', '-S', '/nst/worker/health.py']\n"
        "print(json.dumps(subprocess.run(check).returncode))",
    )
    assert code == 1


def test_sigterm_ends_it_cleanly_and_at_once(serving: Any) -> None:
    wait_until("the Web API to listen", lambda: b"listens" in serving.logs(), 60)
    begun = time.monotonic()
    serving.kill(signal="SIGTERM")
    assert serving.wait(timeout=60)["StatusCode"] == 0
    assert time.monotonic() - begun < STOP_S_MAX


def test_a_task_that_is_set_up_wrongly_says_so_and_exits_with_2(client: Any, image: str) -> None:
    container = client.containers.run(image, detach=True, **CONFINED)
    try:
        assert container.wait(timeout=60)["StatusCode"] == 2
        assert b"must be set" in container.logs()
    finally:
        container.remove(force=True)
