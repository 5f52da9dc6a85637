"""Options, switched on over what test_apply applied; for changed files see test_truthful."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from system import prices
from system.deployment.terraform import Terraform
from system.ledger import view
from tests.system.running import Running
from tests.system.test_stop_and_failures import last_task
from tests.system.visitor import SLOW, Visitor
from tests.terraform.deployed import CPU_UNITS, DOMAIN, MEMORY_MIB, Deployed

# Terraform waits by itself, and each step has a limit of its own.
pytestmark = pytest.mark.timeout(900)


@contextlib.contextmanager
def fault(stack: Running, **rule: Any) -> Iterator[None]:
    """A fault by rule, taken back afterwards."""
    url = f"{stack.aws_url}/_nst/faults"
    httpx.post(url, json=rule).raise_for_status()
    try:
        yield
    finally:
        httpx.delete(url).raise_for_status()


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
    with fault(deployed.stack, effect="spot_interruption", seconds=10, times=1):
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
