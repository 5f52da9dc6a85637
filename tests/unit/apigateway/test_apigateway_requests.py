"""Routing, validation, throttling and limits: what never reaches an integration."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from emulator.apigateway.schema import ModelCompiler
from emulator.core.errors import AwsError, NotSupported
from tests.unit.apigateway.gateway_fakes import Gateway, document, proxy

BODY: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "size": {"type": "integer", "minimum": 64}},
}


def with_body(*kinds: str) -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": BODY} for kind in kinds}}}


def routes(*paths: str) -> Gateway:
    return Gateway(document({path: {"get": proxy()} for path in paths}))


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/a", "/a", None),
        ("/a/", "/a", None),
        ("/a/b", "/a/{x}", {"x": "b"}),
        ("/a/fixed", "/a/fixed", None),
        ("/a/b/c", "/a/{x}/c", {"x": "b"}),
        ("/a/x%2Fy%22", "/a/{x}", {"x": 'x/y"'}),
        ("/p/1/2%20/3", "/p/{rest+}", {"rest": "1/2 /3"}),
        ("/", "/", None),
    ],
)
def test_routes(path: str, resource: str, parameters: Any) -> None:
    gateway = routes("/", "/a", "/a/{x}", "/a/fixed", "/a/{x}/c", "/p/{rest+}")
    assert gateway.send("GET", path).status_code == 200
    assert gateway.event()["resource"] == resource
    assert gateway.event()["pathParameters"] == parameters


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/b"), ("POST", "/a"), ("GET", "/a/b/d"), ("GET", "/a//c")]
)
def test_an_unknown_route_is_a_missing_token(method: str, path: str) -> None:
    gateway = routes("/a", "/a/{x}/c")
    answer = gateway.send(method, path)
    assert answer.status_code == 403
    assert answer.json() == {"message": "Missing Authentication Token"}
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert gateway.functions.calls == []


def test_any_method_and_its_exceptions() -> None:
    gateway = Gateway(document({"/a": {"x-amazon-apigateway-any-method": proxy()}}))
    assert gateway.send("DELETE", "/a").status_code == 200
    assert gateway.event()["httpMethod"] == "DELETE"


def test_an_unknown_stage_is_forbidden() -> None:
    gateway = routes("/a")
    gateway.stage = "beta"
    assert gateway.send("GET", "/a").status_code == 403
    gateway.stage = "prod"
    gateway.service.remove_api("api1")
    assert gateway.send("GET", "/a").json() == {"message": "Forbidden"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "missing required properties"),
        (b"{", "Invalid JSON"),
        (b"[]", "does not match any allowed primitive type"),
        (b'{"name": 1}', 'allowed: [\\"string\\"]'),
        (b'{"name": "x", "size": 63}', "lower than the required minimum"),
        (b'{"name": "x", "size": 64.5}', "instance type (number)"),
        (b'{"name": "x", "size": true}', "instance type (boolean)"),
        (b'{"name": "x", "url": "y"}', "not allowed by the schema"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(body: bytes, says: str) -> None:
    responses = {
        "BAD_REQUEST_BODY": {
            "responseTemplates": {
                "application/json": '{"why": "$context.error.validationErrorString",'
                ' "message": $context.error.messageString}'
            }
        }
    }
    gateway = Gateway(
        document(
            {"/a": {"post": proxy(**with_body("application/json"))}},
            **{"x-amazon-apigateway-gateway-responses": responses},
        )
    )
    answer = gateway.send("POST", "/a", content=body)
    assert answer.status_code == 400
    assert says in answer.text
    assert answer.json()["message"] == "Invalid request body"
    assert gateway.functions.calls == []
    assert gateway.send("POST", "/a", content=b'{"name": "x", "size": 64}').status_code == 200


def test_another_content_type_skips_validation_unless_there_is_a_default_model() -> None:
    text = {"content": b'{"surprise": 1}', "headers": {"Content-Type": "text/plain"}}
    gap = Gateway(document({"/a": {"post": proxy(**with_body("application/json"))}}))
    assert gap.send("POST", "/a", **text).status_code == 200
    closed = Gateway(document({"/a": {"post": proxy(**with_body("application/json", "$default"))}}))
    assert closed.send("POST", "/a", **text).status_code == 400
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert gap.send("POST", "/a", content=b"{}", headers=charset).status_code == 400


def test_without_a_validator_nothing_is_validated() -> None:
    body = document({"/a": {"post": proxy(**with_body("application/json"))}})
    del body["x-amazon-apigateway-request-validator"]
    assert Gateway(body).send("POST", "/a", content=b"nonsense").status_code == 200


def test_required_parameters() -> None:
    parameters = [
        {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "X-Must", "in": "header", "required": True, "schema": {"type": "string"}},
    ]
    gateway = Gateway(document({"/a": {"get": proxy(parameters=parameters)}}))
    answer = gateway.send("GET", "/a")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Missing required request parameters: [q, X-Must]"
    assert gateway.send("GET", "/a?q=1", headers={"x-must": "1"}).status_code == 200


def test_schema_keywords() -> None:
    compiler = ModelCompiler({"Tree": {"properties": {"kids": {"type": "array"}}}})
    cases: list[tuple[dict[str, Any], Any, Any]] = [
        ({"enum": [1, "a"]}, 1, True),
        ({"pattern": "^[0-9a-f]{3}$"}, "abc", "abc\n"),
        ({"minLength": 2, "maxLength": 3}, "ab", "abcd"),
        ({"maximum": 1}, 1, 1.01),
        ({"minimum": 0, "exclusiveMinimum": True}, 0.1, 0),
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"minProperties": 1, "maxProperties": 1}, {"a": 1}, {}),
        ({"items": {"type": "string"}}, ["a"], ["a", 1]),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"oneOf": [{"type": "string"}, {"maxLength": 1}]}, "ab", "a"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 2, 3),
        ({"not": {"type": "null"}}, 1, None),
        ({"additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": "b"}),
        ({"$ref": "#/components/schemas/Tree"}, {"kids": []}, {"kids": 1}),
    ]
    for schema, good, bad in cases:
        check = compiler.compile(schema)
        assert check(good) is None, schema
        assert check(bad) is not None, schema


def test_the_length_of_lists_is_not_checked_as_on_aws() -> None:
    check = ModelCompiler({}).compile({"type": "array", "minItems": 1, "maxItems": 2})
    assert check([]) is None
    assert check([1, 2, 3]) is None


def test_a_schema_may_refer_to_itself() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/Node"}, "v": {"type": "integer"}},
    }
    check = ModelCompiler({"Node": node}).compile({"$ref": "#/components/schemas/Node"})
    assert check({"next": {"next": {"v": 1}}}) is None
    assert check({"next": {"next": {"v": "x"}}}) is not None


@pytest.mark.parametrize(
    "schema",
    [{"if": {}}, {"type": "date"}, {"$ref": "other.yaml#/X"}, {"items": [{}]}, {"const": 1}],
)
def test_unknown_schema_keywords_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        ModelCompiler({}).compile(schema)


def test_throttling_per_method_on_the_clock() -> None:
    gateway = Gateway(document({"/a": {"get": proxy(), "post": proxy()}}))
    gateway.service.set_throttles(
        "api1", "prod", {"default": {"rate_per_s": 100, "burst": 100}, "POST /a": _slow()}
    )

    def statuses(method: str, count: int) -> list[int]:
        return [gateway.send(method, "/a").status_code for _ in range(count)]

    assert statuses("POST", 3) == [200, 200, 429]
    assert statuses("GET", 3) == [200, 200, 200]
    gateway.clock.advance(0.5)
    assert statuses("POST", 2) == [200, 429]
    gateway.clock.advance(60)
    assert statuses("POST", 3) == [200, 200, 429]
    answer = gateway.send("POST", "/a")
    assert answer.json() == {"message": "Too Many Requests"}


def _slow() -> dict[str, Any]:
    return {"rate_per_s": 2, "burst": 2}


def test_throttles_in_api_gateways_own_form() -> None:
    gateway = Gateway(document({"/a/{b}": {"get": proxy()}}))
    setting = {"throttlingRateLimit": 1.0, "throttlingBurstLimit": 1}
    gateway.service.set_throttles("api1", "prod", {"~1a~1{b}/GET": setting})
    assert [gateway.send("GET", "/a/1").status_code for _ in range(2)] == [200, 429]
    with pytest.raises(NotSupported):
        gateway.service.set_throttles("api1", "prod", {"what": {}})


def test_payload_and_header_limits() -> None:
    gateway = Gateway(document({"/a": {"post": proxy()}}))
    assert gateway.send("POST", "/a", content=b"x" * (10 * 2**20 + 1)).status_code == 413
    assert gateway.send("POST", "/a", headers={"x-long": "x" * 10_240}).status_code == 431
    assert gateway.functions.calls == []


@pytest.mark.parametrize(
    ("change", "error", "what"),
    [
        ({"openapi": "2.0"}, NotSupported, "OpenAPI 3.0"),
        ({"x-amazon-apigateway-policy": {}}, NotSupported, "policy"),
        ({"x-amazon-apigateway-request-validator": "none"}, AwsError, "validator"),
        ({"paths": {"/a": {"get": {"responses": {}}}}}, AwsError, "No integration"),
        ({"paths": {"/a": {"trace": proxy()}}}, NotSupported, "trace"),
        ({"paths": {"/a b": {"get": proxy()}}}, AwsError, "characters"),
        ({"paths": {"/{a+}/b": {"get": proxy()}}}, AwsError, "proxy parameter"),
        ({"paths": {"/a": {"get": proxy(security=[{"k": []}])}}}, NotSupported, "authorization"),
        ({"x-amazon-apigateway-gateway-responses": {"NOPE": {}}}, AwsError, "NOPE"),
    ],
)
def test_documents_that_are_refused(change: dict[str, Any], error: Any, what: str) -> None:
    with pytest.raises(error, match=what):
        Gateway({**document({"/a": {"get": proxy()}}), **change})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"type": "http"}, "http"),
        ({"uri": "arn:aws:apigateway:us-east-1:lambda:path/other"}, "integration URI"),
        ({"requestParameters": {"a": "b"}}, "requestParameters"),
        ({"connectionType": "VPC_LINK"}, "connectionType"),
        ({"httpMethod": "GET"}, "POST"),
        ({"timeoutInMillis": 29_001}, "Timeout"),
        ({"passthroughBehavior": "always"}, "passthroughBehavior"),
        ({"requestTemplates": {"application/json": "#if("}}, "line 1"),
        (
            {"requestTemplates": {"application/json": "#set($context.requestOverride.path.a = 1)"}},
            "requestOverride",
        ),
        (
            {"type": "aws", "uri": "arn:aws:apigateway:us-east-1:states:action/CreateStateMachine"},
            "states:CreateStateMachine",
        ),
        (
            {"type": "aws", "uri": "arn:aws:apigateway:us-east-1:dynamodb:action/PutItem"},
            "dynamodb:PutItem",
        ),
        ({"responses": {"default": {"statusCode": "200", "contentHandling": "X"}}}, "content"),
    ],
)
def test_integrations_that_are_refused(change: dict[str, Any], what: str) -> None:
    operation = proxy()
    operation["x-amazon-apigateway-integration"].update(change)
    with pytest.raises(AwsError, match=what):
        Gateway(document({"/a": {"get": operation}}))


def test_a_document_that_is_refused_leaves_the_stage_as_it_was() -> None:
    gateway = routes("/a")
    with pytest.raises(AwsError):
        gateway.service.load_api("api1", "prod", {"openapi": "3.0.1"})
    assert gateway.send("GET", "/a").status_code == 200


def test_loading_again_keeps_the_throttles() -> None:
    gateway = routes("/a")
    gateway.service.set_throttles("api1", "prod", {"*/*": {"throttlingBurstLimit": 1}})
    gateway.service.load_api("api1", "prod", document({"/b": {"get": proxy()}}))
    assert gateway.send("GET", "/a").status_code == 403
    answers: list[httpx.Response] = [gateway.send("GET", "/b") for _ in range(2)]
    assert answers[0].status_code == 200
    gateway.service.set_throttles("api1", "prod", {"*/*": {"throttlingBurstLimit": 0}})
    assert gateway.send("GET", "/b").status_code == 429
