"""Last step of the image: compile the modules that a painting imports, and no others.

``python3 compiled.py IMAGE`` paints a tiny picture with the image's packages alone, which also
shows that nothing was left out that a painting needs, and compiles what it has imported. Otherwise
each task would compile two thousand modules again, on a file system that does not keep them.
"""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Paint, then compile."""
    image = Path(sys.argv[1])
    nst = image / "nst"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{nst}:{nst / 'lib'}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    painted = subprocess.run(
        # -S: without the packages of the base
        [sys.executable, "-S", "-P", str(Path(__file__).with_name("painting.py"))],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    count = 0
    for name in json.loads(painted.stdout):
        place = name.removeprefix(str(image))
        source = image / place.lstrip("/")
        if source.suffix == ".py" and source.is_file():
            py_compile.compile(
                str(source),
                dfile=place,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
            count += 1
    print(f"{count} modules compiled")


if __name__ == "__main__":
    main()
