"""What is changed in Terraform alone changes what the emulator does: options, and files.

Runs after test_apply, on what it applied, and before test_destroy.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from system import prices
from system.deployment import terraform as deployment
from system.deployment.terraform import Terraform
from system.ledger import view
from tests.system.running import Running
from tests.system.test_stop_and_failures import last_task
from tests.system.visitor import Visitor
from tests.terraform.conftest import Deployed

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)

DOMAIN = "nst.example.org"
CPU_UNITS, MEMORY_MIB = 4096, 8192
SLOW = {"size": 512, "quality": "best"}


@contextlib.contextmanager
def fault(stack: Running, **rule: Any) -> Iterator[None]:
    """A fault by rule, taken back afterwards."""
    url = f"{stack.aws_url}/_nst/faults"
    httpx.post(url, json=rule).raise_for_status()
    try:
        yield
    finally:
        httpx.delete(url).raise_for_status()


@pytest.fixture(scope="module")
def options(deployed: Deployed) -> Terraform:
    """Options on, applied over what was there without."""
    zone = deployed.stack.client("route53").create_hosted_zone(
        Name="example.org", CallerReference="test"
    )["HostedZone"]["Id"]
    chosen = {
        "reserved_concurrency": {"read_budget": 7},
        "fargate_spot": True,
        "task_cpu_units": CPU_UNITS,
        "task_memory_mib": MEMORY_MIB,
        "task_architecture": "ARM64",
        "container_insights": True,
        "tracing": True,
        "domain": {"name": DOMAIN, "zone_id": zone.rpartition("/")[2]},
    }
    changed = replace(deployed.terraform, variables={**deployed.terraform.variables, **chosen})
    changed.apply()
    return changed


def test_options_show_no_drift(options: Terraform) -> None:
    assert options.plan() == ""


def test_reserved_concurrency_is_kept(options: Terraform, deployed: Deployed) -> None:
    functions = deployed.stack.client("lambda")
    kept = {
        name: functions.get_function_concurrency(FunctionName=f"nst-{name}").get(
            "ReservedConcurrentExecutions"
        )
        for name in ("read-budget", "start-nst")
    }
    assert kept == {"read-budget": 7, "start-nst": None}


def test_the_price_follows_the_size_of_the_task(options: Terraform, deployed: Deployed) -> None:
    rate = prices.rates(
        region="us-east-1", architecture="ARM64", cpu_units=CPU_UNITS, memory_mib=MEMORY_MIB
    )
    assert Visitor(deployed.stack).budget()["ceilings_microusd"] == view.ceilings(rate)


def test_an_interrupted_run_on_spot_ends_with_a_reason_and_is_paid(
    options: Terraform, deployed: Deployed
) -> None:
    visitor = Visitor(deployed.stack)
    spent = visitor.budget()["spent_microusd"]
    with fault(deployed.stack, effect="spot_interruption", seconds=15, times=1):
        run_id = visitor.begin(**SLOW)["run_id"]
        final = visitor.finish(run_id)
    assert final["state"] == "failed"
    assert "stopped before its painting was done" in final["cause"]["detail"]
    task = last_task(deployed.stack, run_id)
    assert (task["capacityProviderName"], task["stopCode"]) == ("FARGATE_SPOT", "SpotInterruption")
    assert (task["cpu"], task["memory"]) == (str(CPU_UNITS), str(MEMORY_MIB))
    assert visitor.settled(run_id)["spent_microusd"] > spent


def test_the_domain_has_a_certificate_and_leads_to_the_cdn(
    options: Terraform, deployed: Deployed
) -> None:
    assert options.outputs()["web_url"] == f"https://{DOMAIN}"
    client = deployed.stack.client
    config = client("cloudfront").get_distribution_config(Id=options.outputs()["distribution_id"])[
        "DistributionConfig"
    ]
    assert config["Aliases"]["Items"] == [DOMAIN]
    certificate = config["ViewerCertificate"]
    assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"
    issued = client("acm").describe_certificate(CertificateArn=certificate["ACMCertificateArn"])
    assert issued["Certificate"]["DomainName"] == DOMAIN
    assert issued["Certificate"]["Status"] == "ISSUED"
    cors = client("s3").get_bucket_cors(Bucket="nst-storage")["CORSRules"][0]
    assert f"https://{DOMAIN}" in cors["AllowedOrigins"]


@pytest.fixture(scope="module")
def files(
    options: Terraform, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Four files changed in a copy of the project, and the copy applied."""
    copy = tmp_path_factory.mktemp("changed")
    for name in ("terraform", "system", "build/zips"):
        ignore = shutil.ignore_patterns(".terraform*", "__pycache__")
        shutil.copytree(root / name, copy / name, ignore=ignore)
    _change(copy / "system")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "SOURCE", copy / "terraform")
        changed = replace(options, folder=copy / "data")
        changed.init()
        changed.apply()
        assert changed.plan() == ""
        yield


def _change(system: Path) -> None:
    stack = json.loads((system / "stack.json").read_text())
    stack["functions"]["read_budget"]["timeout_s"] = 1
    (system / "stack.json").write_text(json.dumps(stack))
    policy = json.loads((system / "policies" / "gateway.json").read_text())
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != "SeeRuns"]
    (system / "policies" / "gateway.json").write_text(json.dumps(policy))
    contract = yaml.safe_load((system / "contract" / "openapi.yaml").read_text())
    method = contract["paths"]["/api/budget"]["get"]
    contract["paths"]["/api/purse"] = {"get": {**method, "operationId": "getPurse"}}
    (system / "contract" / "openapi.yaml").write_text(json.dumps(contract))
    refusing = {
        "StartAt": "Refuse",
        "States": {
            "Refuse": {
                "Type": "Fail",
                "Error": "BudgetExhausted",
                "Cause": json.dumps({"code": "budget-exhausted", "status": 402}),
            }
        },
    }
    (system / "workflows" / "admit-run.asl.json").write_text(json.dumps(refusing))


def test_a_timeout_ends_a_function(files: None, deployed: Deployed) -> None:
    rule = {"effect": "delay", "service": "s3", "operation": "GetObject", "seconds": 3}
    with fault(deployed.stack, **rule):
        answer = deployed.stack.client("lambda").invoke(
            FunctionName="nst-read-budget", Payload=b'{"action": "check"}'
        )
        said = json.loads(answer["Payload"].read())
    assert "Task timed out after 1.00 seconds" in said["errorMessage"]


def test_a_permission_that_was_taken_is_missed(files: None, deployed: Deployed) -> None:
    assert _get(deployed.stack, f"/api/runs/{'d' * 32}").status_code >= 500  # was 404


def test_a_route_that_was_added_is_served(files: None, deployed: Deployed) -> None:
    assert _get(deployed.stack, "/api/purse").json() == _get(deployed.stack, "/api/budget").json()


def test_a_workflow_that_was_changed_is_the_one_that_runs(files: None, deployed: Deployed) -> None:
    body = {"content": {"content_type": "image/png"}, "styles": [{"content_type": "image/png"}]}
    answer = Visitor(deployed.stack).post("/api/runs", body)
    assert (answer.status_code, answer.json()["code"]) == (402, "budget-exhausted")


def _get(stack: Running, path: str) -> httpx.Response:
    return httpx.get(stack.web_url + path)
