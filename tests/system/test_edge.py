"""The CDN: cache, page fallback, API errors that stay API errors, headers."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.system.running import Running, wait_until
from tests.system.visitor import Visitor

INVALIDATED_S_MAX = 600.0


def test_miss_then_hit_then_miss_after_an_invalidation(visitor: Visitor, stack: Running) -> None:
    cloudfront = stack.client("cloudfront")
    listed = cloudfront.list_distributions()["DistributionList"]["Items"]
    origin = stack.named("website") + "."
    [distribution] = [
        item["Id"]
        for item in listed
        if any(o["DomainName"].startswith(origin) for o in item["Origins"]["Items"])
    ]

    def invalidate(reference: str) -> None:
        made = cloudfront.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": 1, "Items": ["/*"]},
                "CallerReference": f"{reference}-{time.time_ns()}",
            },
        )["Invalidation"]["Id"]
        wait_until(
            "the invalidation to be completed",
            lambda: (
                cloudfront.get_invalidation(DistributionId=distribution, Id=made)["Invalidation"][
                    "Status"
                ]
                == "Completed"
            ),
            INVALIDATED_S_MAX,
        )

    invalidate("first")
    assert visitor.http.get("/").headers["x-cache"] == "Miss from cloudfront"
    assert visitor.http.get("/").headers["x-cache"] == "Hit from cloudfront"
    invalidate("second")
    assert visitor.http.get("/").headers["x-cache"] == "Miss from cloudfront"


def test_an_unknown_page_is_the_page_and_an_unknown_call_a_problem(visitor: Visitor) -> None:
    page = visitor.http.get("/nope")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.content == visitor.http.get("/").content
    for path in ("/api/nope", "/api/runs/" + "a" * 32 + "/nope", "/api/"):
        call = visitor.http.get(path)
        assert call.status_code == 404, path
        assert call.headers["content-type"].startswith("application/problem+json")
        assert call.json()["status"] == 404


def test_a_missing_file_is_not_the_page(visitor: Visitor) -> None:
    assert visitor.http.get("/nope.js").status_code in {403, 404}


def test_security_headers(visitor: Visitor) -> None:
    headers = visitor.http.get("/").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" in headers


@pytest.mark.needs("status")
def test_the_gateway_also_answers_on_its_own_addresses(visitor: Visitor, stack: Running) -> None:
    apis = stack.client("apigateway").get_rest_apis()["items"]
    [api] = [item["id"] for item in apis if item["name"] == stack.name]
    path = f"/restapis/{api}/prod/_user_request_/api/budget"
    assert httpx.get(stack.aws_url + path).status_code == 200
    host = f"{api}.execute-api.localhost.localstack.cloud"
    by_host = httpx.get(f"{stack.aws_url}/prod/api/budget", headers={"Host": host})
    assert by_host.json() == httpx.get(stack.aws_url + path).json()
