"""Run checkov on the Terraform files, and find exceptions that nothing needs any more.

``python scripts/checkov.py`` where checkov is installed (``tox -e checkov``). Exit status 1 when
there is a finding that ``terraform/checkov.yaml`` does not list, or an exception without a finding
or without a reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

TERRAFORM = Path(__file__).resolve().parent.parent / "terraform"
EXCEPTION = re.compile(r"^  - (CKV2?_AWS_\d+)(  # \S.+)?$", re.MULTILINE)
RUN_S_MAX = 300


def findings() -> dict[str, set[str]]:
    """The checks that fail, by id, with the resources that they fail for."""
    done = subprocess.run(
        [
            *("checkov", "--directory", str(TERRAFORM), "--framework", "terraform"),
            *("--skip-download", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"checkov did not run:\n{done.stdout}{done.stderr}")
    if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        sys.exit(f"checkov could not read the files: {report['summary']}")
    found: dict[str, set[str]] = {}
    for check in report["results"]["failed_checks"]:
        found.setdefault(check["check_id"], set()).add(check["resource"])
    return found


def main() -> int:
    """Compare findings and exceptions."""
    reasons = dict(EXCEPTION.findall((TERRAFORM / "checkov.yaml").read_text()))
    excepted = reasons.keys()
    found = findings()
    new = {check: resources for check, resources in found.items() if check not in excepted}
    for check, resources in sorted(new.items()):
        print(f"{check}: {', '.join(sorted(resources))}")
    stale = sorted(excepted - found.keys())
    if stale:
        print(f"No finding needs these exceptions any more: {', '.join(stale)}")
    unexplained = [check for check, reason in reasons.items() if not reason]
    if unexplained:
        print(f"These exceptions have no reason: {', '.join(unexplained)}")
    return 1 if new or stale or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
