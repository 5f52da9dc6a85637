"""CloudFront Functions at the edge: the distribution's own JavaScript runs."""

from __future__ import annotations

import json

import pytest

from emulator.core.errors import AwsError
from emulator.edge.errors import EdgeError
from emulator.edge.functions import Answered, Asked, ViewerRequest
from tests.unit.edge.edge_fakes import CODE, FUNCTION, HEADERS, Edge, system_config

EVENT = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "functions-event-structure.html"
)


def run(code: str, asked: Asked | None = None) -> str | Answered:
    return ViewerRequest(code)(asked or Asked("GET", "/a"))


@pytest.mark.fidelity(
    area="CloudFront", feature="viewer-request functions: the event's request", source=EVENT
)
def test_the_function_sees_the_request() -> None:
    code = """function handler(event) {
      var r = event.request;
      r.uri = '/' + [event.version, event.context.eventType, event.viewer.ip, r.method,
                     r.querystring.q.value, r.headers.accept.value].join('|');
      return r;
    }"""
    asked = Asked("GET", "/a", {"q": "1"}, {"accept": "*/*"}, "203.0.113.9")
    assert run(code, asked) == "/1.0|viewer-request|203.0.113.9|GET|1|*/*"


@pytest.mark.fidelity(
    area="CloudFront", feature="viewer-request functions: an answer of their own", source=EVENT
)
def test_the_function_may_answer_by_itself() -> None:
    code = """function handler(event) {
      return {statusCode: 302, statusDescription: 'Found',
              headers: {location: {value: 'https://example.org' + event.request.uri}}};
    }"""
    assert run(code) == Answered(302, {"location": "https://example.org/a"}, b"")


@pytest.mark.parametrize(
    "code", ["function handler(event) {", "var x = 1;", "throw new Error('at load')"]
)
def test_code_that_cannot_serve_is_refused_when_it_is_deployed(code: str) -> None:
    with pytest.raises(AwsError, match="InvalidArgument"):
        ViewerRequest(code)


@pytest.mark.parametrize(
    "body",
    [
        "while (true) {}",
        "var a = []; while (true) a.push(new Array(1000).fill(1));",
        "throw new Error('no')",
        "return 7",
        "return null",
        "return {uri: 7}",
        "return {uri: 'no-slash'}",
        "return {statusCode: 7}",
        "event.request.method = 'POST'; return event.request",
        "event.request.headers.x = {value: '1'}; return event.request",
    ],
)
def test_a_function_that_fails_is_a_503_and_not_the_page(body: str) -> None:
    with pytest.raises(EdgeError) as caught:
        run(f"function handler(event) {{ {body} }}")
    assert caught.value.status == 503


def test_another_function_changes_what_the_edge_serves() -> None:
    edge = Edge()
    edge.bucket.put("other.html", b"other", ContentType="text/html")
    code = "function handler(e) { e.request.uri = '/other.html'; return e.request; }"
    edge.service.load_distribution(
        "E1", system_config(), functions={FUNCTION: code}, header_policies=HEADERS
    )
    assert edge.send("/studio").content == b"other"


def test_a_redirect_of_a_function_reaches_the_viewer() -> None:
    edge = Edge()
    answer = {"statusCode": 301, "headers": {"location": {"value": "/x"}}, "body": "moved"}
    code = f"function handler(e) {{ return {json.dumps(answer)}; }}"
    edge.service.load_distribution(
        "E1", system_config(), functions={FUNCTION: code}, header_policies=HEADERS
    )
    found = edge.send("/studio")
    assert (found.status_code, found.headers["location"], found.text) == (301, "/x", "moved")
    assert found.headers["x-cache"] == "FunctionGeneratedResponse from cloudfront"


def test_the_systems_function_is_what_is_deployed() -> None:
    assert "function handler(event)" in CODE[FUNCTION]
