"""terraform-local: a configuration that knows nothing of emulators is applied to one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from system.deployment.terraform import configuration
from tests.system.running import Running, started

TFLOCAL = Path(sys.executable).with_name("tflocal")
STEP_S_MAX = 300
CONFIGURATION = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

resource "aws_sqs_queue" "work" {
  name                       = "made-by-tflocal"
  visibility_timeout_seconds = 45
}

resource "aws_iam_role" "worker" {
  name               = "made-by-tflocal"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_sfn_state_machine" "steps" {
  name       = "made-by-tflocal"
  role_arn   = aws_iam_role.worker.arn
  definition = jsonencode({ StartAt = "Do", States = { Do = { Type = "Succeed" } } })
}
"""


def tflocal(stack: Running, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    with configuration() as config:
        done = subprocess.run(
            [TFLOCAL, words[0], "-no-color", *words[1:]],
            cwd=folder,
            env={
                **kept,
                **config,
                "AWS_ENDPOINT_URL": stack.aws_url,
                "CHECKPOINT_DISABLE": "1",
                "TF_INPUT": "0",
            },
            capture_output=True,
            text=True,
            timeout=STEP_S_MAX,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.fidelity(
    area="Ecosystem",
    feature="tflocal",
    source="https://docs.localstack.cloud/aws/integrations/infrastructure-as-code/terraform/",
)
def test_tflocal_applies_finds_no_changes_and_destroys(
    terraform_program: None, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(CONFIGURATION)
    with started(tmp_path, "--bare") as stack:
        tflocal(stack, root, "init")
        tflocal(stack, root, "apply", "-auto-approve")
        states = stack.client("stepfunctions")
        [machine] = states.list_state_machines()["stateMachines"]
        assert machine["name"] == "made-by-tflocal"
        assert "No changes" in tflocal(stack, root, "plan", "-detailed-exitcode").stdout
        tflocal(stack, root, "destroy", "-auto-approve")
        assert states.list_state_machines()["stateMachines"] == []
        assert "QueueUrls" not in stack.client("sqs").list_queues()
