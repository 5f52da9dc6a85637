"""A stack that Terraform deployed."""

from __future__ import annotations

from dataclasses import dataclass

from system.deployment.terraform import Terraform
from tests.system.running import Running, nst

DEPLOY_S_MAX = 600
DOMAIN = "nst.example.org"
CPU_UNITS, MEMORY_MIB = 4096, 8192


@dataclass
class Deployed:
    """A stack that Terraform deployed, and Terraform itself, prepared for it."""

    stack: Running
    terraform: Terraform

    def run(self, command: str, *options: str) -> str:
        """One of ``deploy``, ``smoke``, ``destroy`` on this stack; what it printed."""
        done = nst(command, "--endpoint-url", self.stack.aws_url, *options, timeout=DEPLOY_S_MAX)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)
