"""The API through the edge, and distributions that are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from emulator.core.errors import AwsError, NotSupported
from tests.unit.edge.edge_fakes import CODE, HEADERS, Edge, stream, system_config


@pytest.fixture
def edge() -> Edge:
    return Edge()


def test_the_request_reaches_the_stage_with_its_headers_and_without_the_host(edge: Edge) -> None:
    answer = edge.send(
        "/api/a%2Fb?q=%201&r",
        "POST",
        content=b"body",
        headers={"X-Own": "1", "X-Forwarded-For": "198.51.100.1", "User-Agent": "ua"},
    )
    assert answer.json() == {"ok": True}
    api_id, stage, method, path, headers, body = edge.api.calls[0]
    assert (api_id, stage, method) == ("api1", "prod", "POST")
    assert path == "/api/a%2Fb?q=%201&r"
    assert body == b"body"
    assert headers["host"] == "api1.execute-api.us-east-1.amazonaws.com"
    assert headers["x-forwarded-for"] == "198.51.100.1, 203.0.113.9"
    assert headers["x-own"] == "1"
    assert headers["user-agent"] == "ua"
    assert headers["via"].endswith("(CloudFront)")


def test_nothing_of_the_api_is_cached_not_even_errors(edge: Edge) -> None:
    for status, outcome in ((200, "Miss"), (404, "Error"), (503, "Error")):
        edge.api.response = lambda code=status: JSONResponse({"n": len(edge.api.calls)}, code)
        for _ in range(2):
            answer = edge.send("/api/runs/1")
            assert answer.status_code == status
            assert answer.json() == {"n": len(edge.api.calls)}
            assert answer.headers["x-cache"] == f"{outcome} from cloudfront"
    assert len(edge.api.calls) == 6


def test_errors_are_kept_where_the_distribution_does_not_forbid_it(edge: Edge) -> None:
    config = system_config()
    del config["CustomErrorResponses"]
    config["DefaultCacheBehavior"].pop("FunctionAssociations")
    config["DefaultCacheBehavior"].pop("ResponseHeadersPolicyId")
    config["CacheBehaviors"]["Items"][0].pop("ResponseHeadersPolicyId")
    edge.service.load_distribution("E1", config)
    edge.api.response = lambda: JSONResponse({}, 404)
    assert [edge.send("/api/runs/1").status_code for _ in range(2)] == [404, 404]
    assert len(edge.api.calls) == 1
    edge.send("/api/runs/1?other")
    edge.clock.advance(10.1)
    edge.send("/api/runs/1")
    assert len(edge.api.calls) == 3


def test_api_answers_have_headers_of_their_own(edge: Edge) -> None:
    headers = edge.send("/api/budget").headers
    policy = headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_api(edge: Edge, method: str) -> None:
    assert edge.send("/api/x", method).status_code == 200
    assert edge.api.calls[0][2] == method


@pytest.mark.parametrize(("path", "to_api"), [("/api/", True), ("/api", False), ("/apiary", False)])
def test_what_belongs_to_the_api(edge: Edge, path: str, to_api: bool) -> None:
    edge.send(path)
    assert bool(edge.api.calls) is to_api


def test_streams_pass_piece_by_piece(edge: Edge) -> None:
    edge.api.response = lambda: stream(b"id: 1\n\n", b"id: 2\n\n")
    sent: list[dict[str, Any]] = []

    async def scenario() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": "GET",
            "path": "/api/events",
            "raw_path": b"/api/events",
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        await edge.service(scope, receive, send)

    asyncio.run(scenario())
    assert sent[0]["status"] == 200
    assert (b"content-type", b"text/event-stream; charset=utf-8") in sent[0]["headers"]
    bodies = [m["body"] for m in sent if m["type"] == "http.response.body"]
    assert bodies == [b"id: 1\n\n", b"id: 2\n\n", b""]


def test_without_a_request_policy_neither_headers_nor_query_are_forwarded(edge: Edge) -> None:
    config = system_config()
    config["CacheBehaviors"]["Items"][0].pop("OriginRequestPolicyId")
    load(edge, config)
    edge.send("/api/x?q=1", headers={"X-Own": "1", "Content-Type": "text/x"})
    _, _, _, path, headers, _ = edge.api.calls[0]
    assert path == "/api/x"
    assert "x-own" not in headers
    assert headers["content-type"] == "text/x"


def test_an_origin_path_has_the_stage_and_then_a_prefix(edge: Edge) -> None:
    config = system_config()
    config["Origins"]["Items"][0]["OriginPath"] = "/site"
    config["Origins"]["Items"][1]["OriginPath"] = "/beta/v1"
    load(edge, config)
    edge.send("/api/x")
    assert edge.api.calls[0][1:4] == ("beta", "GET", "/v1/api/x")
    edge.send("/x.css")
    assert edge.bucket.reads == [("nst-website", "site/x.css")]


def load(edge: Edge, config: dict[str, Any]) -> None:
    policies = {"own-cache": {"Name": "own", "MinTTL": 5, "DefaultTTL": 5, "MaxTTL": 5}}
    edge.service.load_distribution(
        "E1", config, functions=CODE, header_policies=HEADERS, cache_policies=policies
    )


def test_a_cache_policy_of_ones_own(edge: Edge) -> None:
    config = system_config()
    config["DefaultCacheBehavior"]["CachePolicyId"] = "own-cache"
    load(edge, config)
    edge.send("/small.txt")
    edge.clock.advance(4)
    assert edge.outcome("/small.txt").startswith("Hit")
    edge.clock.advance(2)
    assert not edge.outcome("/small.txt").startswith("Hit")
    assert "content-encoding" not in edge.send("/app.js").headers


def test_loading_again_forgets_the_cache(edge: Edge) -> None:
    edge.send("/small.txt")
    load(edge, system_config())
    assert edge.outcome("/small.txt").startswith("Miss")


def behaviour(**change: Any) -> dict[str, Any]:
    config = system_config()
    config["CacheBehaviors"]["Items"][0].update(change)
    return config


def origin(**change: Any) -> dict[str, Any]:
    config = system_config()
    config["Origins"]["Items"][1].update(change)
    return config


def bucket(**change: Any) -> dict[str, Any]:
    config = system_config()
    config["Origins"]["Items"][0].update(change)
    return config


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (behaviour(OriginRequestPolicyId="other"), "origin request policy"),
        (behaviour(CachePolicyId="other"), "cache policy"),
        (behaviour(CachePolicyId="own-cache"), "caching of API Gateway"),
        (behaviour(TargetOriginId="other"), "origin"),
        (behaviour(LambdaFunctionAssociations={"Items": [{}]}), "Lambda@Edge"),
        (
            behaviour(FunctionAssociations={"Items": [{"EventType": "viewer-response"}]}),
            "viewer-response",
        ),
        (
            behaviour(
                FunctionAssociations={
                    "Items": [{"EventType": "viewer-request", "FunctionARN": "arn:js"}]
                }
            ),
            "arn:js",
        ),
        (origin(DomainName="example.org"), "example.org"),
        ({**system_config(), "WebACLId": "arn:aws:wafv2:x"}, "web ACL"),
        ({**system_config(), "Aliases": {"Quantity": 1, "Items": ["nst.example.org"]}}, "CNAME"),
        (
            {
                **system_config(),
                "Restrictions": {"GeoRestriction": {"RestrictionType": "blacklist"}},
            },
            "geographic",
        ),
        ({**system_config(), "Logging": {"Enabled": True}}, "logs"),
        (origin(OriginPath=""), "stage"),
        (bucket(OriginAccessControlId=""), "origin access control"),
        (
            {
                **system_config(("a", "s")),
                "CustomErrorResponses": {
                    "Items": [{"ErrorCode": 404, "ResponsePagePath": "/index.html"}]
                },
            },
            "custom error pages",
        ),
    ],
)
def test_distributions_that_are_refused(edge: Edge, config: dict[str, Any], what: str) -> None:
    with pytest.raises(AwsError, match=what):
        load(edge, config)
    assert edge.send("/").status_code == 200


def test_a_policy_that_is_not_there_is_refused(edge: Edge) -> None:
    with pytest.raises((AwsError, NotSupported)):
        edge.service.load_distribution("E1", system_config())


def test_an_empty_answer_passes(edge: Edge) -> None:
    edge.api.response = lambda: Response(status_code=204)
    assert edge.send("/api/x", "DELETE").status_code == 204
