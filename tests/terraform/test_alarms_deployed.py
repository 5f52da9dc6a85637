"""What Terraform says of an API that the gate has closed, and what it does about it.

Before ``test_apply.py`` in the order of names: that one ends with what it all stands on.
"""

from __future__ import annotations

import httpx

from tests.system.watching import gate, is_closed
from tests.terraform.conftest import Deployed


def test_a_closed_api_is_drift_that_an_apply_sets_back(deployed: Deployed) -> None:
    stack = deployed.stack
    states = stack.client("stepfunctions")
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:nst-gate"
    assert gate(states, arn, "close")["status"] == "SUCCEEDED"
    with httpx.Client(base_url=stack.web_url) as http:
        assert is_closed(http.get("/api/budget"))
        planned = deployed.terraform.plan()
        assert '# module.api.aws_api_gateway_method_settings.this["default"] will be' in planned
        assert "# module.api.aws_api_gateway_stage.this will be updated" in planned
        assert "# module.observability" not in planned
        deployed.terraform.apply()
        assert http.get("/api/budget").status_code == 200
    assert deployed.terraform.plan() == ""
