"""The API contract as a deployment loads it, with every placeholder filled."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import yaml

from system import stack

REGION, ACCOUNT = "us-east-1", "000000000000"
PLACEHOLDERS = (
    {
        "region": REGION,
        "gateway_role_arn": f"arn:aws:iam::{ACCOUNT}:role/nst-gateway",
        "run_nst_execution_arn_prefix": f"arn:aws:states:{REGION}:{ACCOUNT}:execution:nst-run-nst",
    }
    | {
        f"{name}_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:nst-{name.replace('_', '-')}"
        for name in ("read_budget", "get_upload_url", "stop_nst")
    }
    | {
        f"{name}_run_arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:nst-{name}-run"
        for name in ("admit", "start")
    }
    | {
        "vpc_link_id": "link1",
        "load_balancer_arn": (
            f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/nst-live/0123456789"
        ),
        "load_balancer_host": "internal-nst-live-1.us-east-1.elb.amazonaws.com",
    }
)
FOLDER = Path(stack.__file__).parent / "contract"


def contract(*options: str) -> dict[str, Any]:
    """The API of a deployment with these options."""
    return stack.chosen(copy.deepcopy(_loaded()), options)


@functools.cache
def _loaded() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(stack.contract(PLACEHOLDERS))
    return loaded
