"""``python -m benchmarks.deploy [--print]``: deploy on this machine, and write the table.

``--print`` (``make deploy-local``) writes no file.
"""

from __future__ import annotations

import sys

from benchmarks.deploy.local import NotSoError, deploy_locally, table
from benchmarks.machine import machine, write_section
from system.deployment.terraform import DeploymentError


def main() -> None:
    """Deploy and destroy; the table goes to docs/performance.md, or to the screen."""
    try:
        done = deploy_locally(lambda line: print(line, flush=True))
    except (NotSoError, DeploymentError) as error:
        raise SystemExit(f"deploy-local failed: {error}") from error
    if "--print" in sys.argv[1:]:
        print(f"\n{table(done)}")
    else:
        write_section("deploy", f"{machine()}\n\n{table(done)}")


if __name__ == "__main__":
    main()
