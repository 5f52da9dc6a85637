"""What strangers try on the API, at the gateway: URLs, line breaks, odd ids, floods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from handlers.get_upload_url import function as get_upload_url
from handlers.stop_nst import function as stop_nst
from system import stack
from tests.unit.apigateway.gateway_fakes import Gateway, lambda_reply
from tests.unit.contract.contract_document import contract
from tests.unit.contract.test_contract_served import ADMIT, BODIES, RUN
from tests.unit.handlers.fakes import Context, World

URLS = (
    "http://169.254.169.254/latest/meta-data/",
    "https://evil.example/a.png",
    "//evil.example",
    "file:///etc/passwd",
    "s3://nst-budget/ledger.json",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "evil.example",
    "../../ledger.json",
)


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway(contract())
    made.service.set_throttles("api1", "prod", stack.declaration()["api"]["throttle"])
    return made


def inputs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of something that a caller sends, with the place where it stands."""
    document = contract()

    def walk(at: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        while "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        yield at, schema
        for name, member in schema.get("properties", {}).items():
            yield from walk(f"{at}.{name}", member)
        if isinstance(schema.get("items"), dict):
            yield from walk(f"{at}[]", schema["items"])
        for kind in ("oneOf", "anyOf", "allOf"):
            for number, one in enumerate(schema.get(kind, [])):
                yield from walk(f"{at}<{kind} {number}>", one)

    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or not isinstance(operation, dict):
                continue
            at = f"{method.upper()} {path}"
            for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
                name = parameter.get("$ref", "").rpartition("/")[2]
                whole = document["components"]["parameters"][name] if name else parameter
                yield from walk(f"{at} {whole['name']}", whole["schema"])
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield from walk(at, media["schema"])


def test_no_input_can_be_a_url() -> None:
    """Every text that a caller may send is one of a list, or of a pattern that no URL fits."""
    texts = [(at, schema) for at, schema in inputs() if schema.get("type") == "string"]
    assert len(texts) > 8
    for at, schema in texts:
        assert "enum" in schema or "pattern" in schema, f"{at} takes any text"
        assert schema.get("format") not in {"uri", "url", "uri-reference"}, at
        for url in URLS:
            allowed = url in schema.get("enum", [url])
            fits = re.search(schema.get("pattern", ""), url) is not None
            assert not (allowed and fits), f"{at} takes {url}"


def test_no_object_takes_members_that_are_not_named() -> None:
    for at, schema in inputs():
        if schema.get("type") == "object":
            assert schema.get("additionalProperties") is False, at


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("path", BODIES)
def test_a_url_in_any_text_of_a_body_goes_nowhere(gateway: Gateway, path: str, url: str) -> None:
    tried = 0
    for body in replaced(BODIES[path], url):
        answer = gateway.send("POST", path, json=body)
        assert answer.status_code in {400, 429}, body
        tried += 1
    assert tried > 1
    assert gateway.functions.calls == []
    assert gateway.states.calls == []


def replaced(body: Any, text: str) -> Iterator[Any]:
    """The body with each of its texts replaced in turn, and with one more member."""
    if isinstance(body, dict):
        yield {**body, "url": text}
        for name, member in body.items():
            for other in replaced(member, text):
                yield {**body, name: other}
    elif isinstance(body, list):
        for number, member in enumerate(body):
            for other in replaced(member, text):
                yield [*body[:number], other, *body[number + 1 :]]
    elif isinstance(body, str):
        yield text


BREAKS = ("%0d%0aSet-Cookie:%20a=b", "%0aX-Evil:%201", "%0d%0a%0d%0a<script>", "%E5%98%8A")


@pytest.mark.parametrize("evil", BREAKS)
@pytest.mark.parametrize("path", ["/api/runs/{}", "/api/runs/{}/stop", "/api/runs/{}/links", "/{}"])
def test_a_line_break_in_a_path_becomes_no_header(path: str, evil: str) -> None:
    """API Gateway hands a path's parameter to a function as it is; the function refuses it."""
    gateway, world = Gateway(contract()), World()
    functions = {"stop": stop_nst, "links": get_upload_url}

    async def reply(_: str, params: dict[str, Any]) -> dict[str, Any]:
        function = functions[path.rpartition("/")[2]]
        return lambda_reply(function(json.loads(params["Payload"]), Context(), world.parts))

    gateway.functions.reply = reply
    method = "GET" if path.endswith("runs/{}") else "POST"
    answer = gateway.send(method, path.format(RUN + evil))
    # The mapping template asks Step Functions for a run that cannot be, never for this text.
    asked = [params for _, params, _ in gateway.states.calls]
    assert all(RUN not in json.dumps(params) for params in asked)
    assert answer.status_code in {400, 403, 404} or asked
    assert not {"set-cookie", "x-evil"} & set(answer.headers)
    assert "<script>" not in answer.text
    assert world.s3.puts == []


def test_what_a_caller_says_in_headers_does_not_come_back(gateway: Gateway) -> None:
    """Not its correlation id, not its forwarded host: answers are made of ours alone."""
    gateway.functions.reply = lambda_reply({"statusCode": 200, "body": "{}"})
    mark = "evil-3b1f"
    names = ("X-Correlation-Id", "X-Amzn-RequestId", "X-Forwarded-Host", "Origin", "Referer")
    answer = gateway.send("GET", f"/api/budget?x={mark}", headers=dict.fromkeys(names, mark))
    assert mark not in json.dumps(dict(answer.headers))
    assert mark not in answer.text


@pytest.mark.parametrize("path", ["/api/runs", "/api/run-nst", "/api/upload-urls"])
def test_a_flood_is_throttled_before_anything_runs(gateway: Gateway, path: str) -> None:
    """On the stage itself, so the way around the CDN is as narrow: it leads to the same stage."""
    limit = stack.declaration()["api"]["throttle"][f"POST {path}"]
    seconds = 20
    for _ in range(seconds):
        for _ in range(30):
            gateway.send("POST", path, json=BODIES[path])
        gateway.clock.advance(1)
    calls = len(gateway.functions.calls) + len(gateway.states.calls)
    assert limit["burst"] <= calls <= limit["burst"] + limit["rate_per_s"] * seconds
    assert gateway.send("GET", "/api/budget").status_code == 200, "others still get through"


def test_bodies_that_are_refused_count_in_a_flood_too(gateway: Gateway) -> None:
    statuses = [
        gateway.send("POST", "/api/runs", json={**ADMIT, "x": n}).status_code for n in range(40)
    ]
    assert statuses.count(429) >= 25
