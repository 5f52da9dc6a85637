"""First step of the image: the worker's packages, of the versions that CI tests, and lean.

``python3 packages.py FOLDER``, in a folder with pyproject.toml and constraints.txt. With wheels
beside them no index is asked; else pip asks its own, and ``TORCH_INDEX`` for PyTorch.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from struct import unpack_from

PACKAGES_LESS = (
    # of PyTorch: C++ programs, headers and tests; compiling models; exporting them
    *("torch/bin/[!t]*", "torch/bin/test_*", "torch/include", "torch/test", "torch/share"),
    *("torch/testing/_internal/distributed", "torch/testing/_internal/opinfo"),
    *("torch/testing/_internal/common_[mnq]*", "torch/testing/_internal/generated"),
    *("torch/lib/*test.so", "torch/lib/libbackend_with_compiler.so", "torch/lib/libaoti_custom*"),
    *("torch/_inductor", "torch/onnx", "torch/utils/benchmark", "torch/utils/model_dump"),
    # what only compiling models would import
    *("networkx", "jinja2", "markupsafe", "setuptools", "pkg_resources", "_distutils_hack"),
    *("functorch", "distutils-precedence.pth", "bin", "share"),
    # of onnxruntime: the library for C programs, once more all of it; changing networks
    "onnxruntime/capi/libonnxruntime.so*",
    *("onnxruntime/backend", "onnxruntime/datasets", "onnxruntime/quantization"),
    *("onnxruntime/tools", "onnxruntime/transformers", "google", "flatbuffers"),
    # of numpy: building extensions
    *("numpy/f2py", "numpy/_core/include", "numpy/_core/lib"),
    *("sympy/benchmarks", "isympy.py"),
)
PACKAGES_LESS_EVERYWHERE = ("__pycache__", "tests", "*.pyi", "*.a", "*.lib", "*.h", "*.cpp")
SERVICES = ("s3", "sts", "stepfunctions")
"""The services of AWS whose descriptions stay; the SDK brings some four hundred."""

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir")


def requirements(project: Path) -> list[str]:
    """What the extra ``worker`` asks for."""
    with (project / "pyproject.toml").open("rb") as file:
        wanted: list[str] = tomllib.load(file)["project"]["optional-dependencies"]["worker"]
    return wanted


def main() -> int:
    """Install; exit status 1 when PyTorch would bring CUDA."""
    here, folder = Path.cwd(), sys.argv[1]
    if list(here.glob("*.whl")):
        source = ["--no-index", "--find-links", str(here)]
    else:
        index = os.environ.get("TORCH_INDEX")
        if index:
            os.environ["PIP_EXTRA_INDEX_URL"] = index
        if subprocess.run(
            [sys.executable, "scripts/check_torch.py", sys.executable], check=False
        ).returncode:
            return 1
        source = []
    command = [*PIP, "install", "--no-compile", "--only-binary=:all:", "--target", folder, *source]
    command += ["--constraint", "constraints.txt", *requirements(here)]
    subprocess.run(command, check=True)
    lean(Path(folder))
    return 0


def lean(packages: Path) -> None:
    """Remove what the worker never imports."""
    for pattern in PACKAGES_LESS:
        for path in packages.glob(pattern):
            remove(path)
    for pattern in PACKAGES_LESS_EVERYWHERE:
        for path in list(packages.rglob(pattern)):
            remove(path)
    for path in packages.rglob("*.so*"):
        if path.is_file() and is_elf(path):
            strip(path)
    for path in packages.glob("botocore/data/*"):
        if path.is_dir() and path.name not in SERVICES:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a shared library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def strip(path: Path) -> None:
    """Cut off what a library has behind its segments: symbols and sections, which only tools read.

    The builder's base has no binutils. https://man7.org/linux/man-pages/man5/elf.5.html
    """
    with path.open("r+b") as file:
        head = file.read(64)
        if head[4:6] != b"\x02\x01":  # 64 bits, little end first
            return
        first, size, count = unpack_from("<Q", head, 32)[0], *unpack_from("<HH", head, 54)
        file.seek(first)
        table = file.read(size * count)
        segments = [unpack_from("<QQQQ", table, size * n + 8) for n in range(count)]
        end = max(first + size * count, *(offset + filled for offset, _, _, filled in segments))
        file.seek(40)
        file.write(bytes(8))  # no table of sections,
        file.seek(60)
        file.write(bytes(4))  # no sections, and no names of them
        file.truncate(end)


if __name__ == "__main__":
    sys.exit(main())
