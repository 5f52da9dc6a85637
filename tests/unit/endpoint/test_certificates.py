"""Certificates of ACM: issued when DNS proves them, and not before."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.endpoint.moto_lane import MotoLane

CALLER = Caller(ids.ACCOUNT, "us-east-1", f"arn:aws:iam::{ids.ACCOUNT}:root")


@pytest.mark.fidelity(
    area="ACM",
    feature="a certificate is PENDING_VALIDATION until its CNAME stands in Route53",
    source="https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html",
    verdict="works",
)
def test_a_certificate_waits_for_the_proof_of_each_of_its_names() -> None:
    async def run() -> list[str]:
        lane = MotoLane()

        async def call(service: str, operation: str, **params: Any) -> dict[str, Any]:
            return await lane.call(service, operation, params, CALLER)

        async def state() -> dict[str, Any]:
            found = await call("acm", "DescribeCertificate", CertificateArn=arn)
            certificate: dict[str, Any] = found["Certificate"]
            return certificate

        try:
            made = await call(
                "acm",
                "RequestCertificate",
                DomainName="a.example.org",
                SubjectAlternativeNames=["b.example.org"],
                ValidationMethod="DNS",
            )
            arn = made["CertificateArn"]
            zone = await call(
                "route53", "CreateHostedZone", Name="example.org", CallerReference="t"
            )
            before = await state()
            states = [before["Status"]]
            for option in before["DomainValidationOptions"]:
                record = option["ResourceRecord"]
                change = {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": record["Name"],
                        "Type": record["Type"],
                        "TTL": 60,
                        "ResourceRecords": [{"Value": record["Value"]}],
                    },
                }
                await call(
                    "route53",
                    "ChangeResourceRecordSets",
                    HostedZoneId=zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
                    ChangeBatch={"Changes": [change]},
                )
                states.append((await state())["Status"])
            return states
        finally:
            lane.close()

    assert asyncio.run(run()) == ["PENDING_VALIDATION", "PENDING_VALIDATION", "ISSUED"]
