"""Lambda proxy, Step Functions and mock integrations, and how their answers come back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.core.errors import AwsError
from tests.unit.apigateway.gateway_fakes import (
    FUNCTION,
    Gateway,
    document,
    lambda_reply,
    proxy,
    service,
)


def proxied(reply: Any = None, **more: Any) -> Gateway:
    gateway = Gateway(document({"/a/{id}": {"post": proxy(), "get": proxy()}}, **more))
    if reply is not None:
        gateway.functions.reply = reply
    return gateway


def test_the_event_has_the_form_of_payload_format_1() -> None:
    gateway = proxied()
    gateway.service.set_stage_variables("api1", "prod", {"v": "1"})
    answer = gateway.send(
        "POST",
        "/a/x%20y?q=1&q=2&e=",
        content='{"ä": 1}'.encode(),
        headers=[("X-Twice", "1"), ("X-Twice", "2"), ("User-Agent", "ua")],
    )
    operation, params, caller = gateway.functions.calls[0]
    assert operation == "Invoke"
    assert params["FunctionName"] == FUNCTION
    assert params["InvocationType"] == "RequestResponse"
    assert caller.principal == "apigateway.amazonaws.com"
    event = gateway.event()
    assert event["resource"] == "/a/{id}"
    assert event["path"] == "/a/x y"
    assert event["httpMethod"] == "POST"
    assert event["pathParameters"] == {"id": "x y"}
    assert event["queryStringParameters"] == {"q": "2", "e": ""}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"], "e": [""]}
    assert event["multiValueHeaders"]["x-twice"] == ["1", "2"]
    assert event["headers"]["x-twice"] == "2"
    assert event["stageVariables"] == {"v": "1"}
    assert event["body"] == '{"ä": 1}'
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["requestId"] == answer.headers["x-amzn-requestid"] == caller.request_id
    assert context["stage"] == "prod"
    assert context["path"] == "/prod/a/x%20y"
    assert context["resourcePath"] == "/a/{id}"
    assert context["requestTimeEpoch"] == 1_795_435_200_000
    assert context["requestTime"] == "23/Nov/2026:12:00:00 +0000"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "ua"
    assert context["identity"]["cognitoIdentityId"] is None


def test_what_is_not_there_is_null() -> None:
    gateway = proxied()
    gateway.send("GET", "/a/1")
    event = gateway.event()
    for member in ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables"):
        assert event[member] is None
    assert event["body"] is None


def test_binary_media_types_are_base64() -> None:
    gateway = proxied(**{"x-amazon-apigateway-binary-media-types": ["image/png"]})
    gateway.send("POST", "/a/1", content=b"\xff\x00", headers={"Content-Type": "image/png"})
    assert gateway.event()["body"] == "/wA="
    assert gateway.event()["isBase64Encoded"] is True


def test_the_functions_answer_is_sent_as_it_is() -> None:
    gateway = proxied(
        lambda_reply(
            {
                "statusCode": "201",
                "headers": {"Content-Type": "text/x", "X-N": 7, "Content-Length": "999"},
                "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
                "body": "aGk=",
                "isBase64Encoded": True,
            }
        )
    )
    answer = gateway.send("GET", "/a/1")
    assert answer.status_code == 201
    assert answer.content == b"hi"
    assert answer.headers["content-type"] == "text/x"
    assert answer.headers["x-n"] == "7"
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    "reply",
    [
        lambda_reply("text"),
        lambda_reply({}),
        lambda_reply({"statusCode": "x"}),
        lambda_reply({"statusCode": 99}),
        lambda_reply({"statusCode": 200, "body": {"not": "text"}}),
        lambda_reply({"statusCode": 200, "body": "%%", "isBase64Encoded": True}),
        lambda_reply({"statusCode": 200, "extra": 1}),
        lambda_reply({"statusCode": 200, "headers": {"a": {"b": 1}}}),
        lambda_reply({"statusCode": 200, "headers": {"a": "x\r\nSet-Cookie: y"}}),
        {"StatusCode": 200, "Payload": b"not json"},
        {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": b'{"statusCode": 200}'},
    ],
)
def test_a_malformed_answer_is_502(reply: dict[str, Any]) -> None:
    answer = proxied(reply).send("GET", "/a/1")
    assert answer.status_code == 502
    assert answer.json() == {"message": "Internal server error"}


def test_a_function_that_cannot_be_invoked_is_500() -> None:
    gateway = proxied(AwsError("ResourceNotFoundException", "no such function", 404))
    assert gateway.send("GET", "/a/1").status_code == 500
    assert "no such function" not in gateway.send("GET", "/a/1").text


def test_an_integration_that_takes_too_long_is_504_and_is_let_go() -> None:
    gateway = proxied()
    gone: list[bool] = []
    asked = asyncio.Event()

    async def hang(*_: Any) -> dict[str, Any]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.append(True)
        raise AssertionError

    gateway.functions.reply = hang

    async def scenario() -> Any:
        task = asyncio.create_task(gateway.asend("GET", "/a/1"))
        await asked.wait()
        gateway.clock.advance(28.9)
        await asyncio.sleep(0)
        assert not task.done()
        gateway.clock.advance(0.2)
        return await task

    answer = asyncio.run(scenario())
    assert answer.status_code == 504
    assert answer.json() == {"message": "Endpoint request timed out"}
    assert gone == [True]


def test_a_bug_behind_the_gateway_is_an_integration_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = proxied(RuntimeError("bug"))
    assert gateway.send("GET", "/a/1").status_code == 504
    assert "bug" in caplog.text


def mapped(**integration: Any) -> Gateway:
    return Gateway(document({"/a/{id}": {"post": service("DescribeExecution", **integration)}}))


def test_a_service_is_called_with_the_templates_json_and_the_gateways_role() -> None:
    template = """{"executionArn": "arn:$input.params('id')", "n": $input.json('$.n')}"""
    gateway = mapped(requestTemplates={"application/json": template})
    gateway.states.reply = {"status": "RUNNING", "startDate": 1.5}
    answer = gateway.send("POST", "/a/7", json={"n": [1, 2]})
    assert answer.json() == {"status": "RUNNING", "startDate": 1.5}
    operation, params, caller = gateway.states.calls[0]
    assert (operation, params) == ("DescribeExecution", {"executionArn": "arn:7", "n": [1, 2]})
    role = "arn:aws:sts::000000000000:assumed-role/nst-gateway/BackplaneAssumeRoleSession"
    assert caller.principal == role


def test_errors_of_a_service_are_selected_by_status_and_mapped() -> None:
    template = '#set($context.responseOverride.status = 404){"type": "$input.path(\'$.__type\')"}'
    gateway = mapped(
        responses={
            "default": {"statusCode": "200"},
            "4\\d{2}": {"statusCode": "500", "responseTemplates": {"application/json": template}},
            "5\\d{2}": {"statusCode": "502"},
        }
    )
    gateway.states.reply = AwsError("ExecutionDoesNotExist", "no", 400)
    answer = gateway.send("POST", "/a/7", json={})
    assert (answer.status_code, answer.json()) == (404, {"type": "ExecutionDoesNotExist"})
    gateway.states.reply = AwsError("InternalFailure", "no", 500)
    answer = gateway.send("POST", "/a/7", json={})
    assert (answer.status_code, answer.json()["message"]) == (502, "no")


def test_no_response_that_fits_is_a_configuration_error() -> None:
    gateway = mapped(responses={"2\\d{2}": {"statusCode": "200"}})
    gateway.states.reply = AwsError("X", "no", 400)
    assert gateway.send("POST", "/a/7", json={}).status_code == 500


def test_a_template_that_fails_is_a_configuration_error() -> None:
    gateway = mapped(requestTemplates={"application/json": "$util.parseJson('{')"})
    assert gateway.send("POST", "/a/7", json={}).status_code == 500
    assert gateway.states.calls == []


def test_a_request_that_is_not_json_is_the_services_400() -> None:
    gateway = mapped(requestTemplates={"application/json": "not json"})
    assert gateway.send("POST", "/a/7", json={}).json()["__type"] == "SerializationException"


def test_header_mappings_and_overrides() -> None:
    response = {
        "statusCode": "200",
        "responseParameters": {
            "method.response.header.X-Static": "'text'",
            "method.response.header.X-Id": "context.requestId",
            "method.response.header.X-Body": "integration.response.body.a.b",
            "method.response.header.X-Kind": "integration.response.header.content-type",
            "method.response.header.X-Var": "stageVariables.v",
            "method.response.header.X-None": "integration.response.body.none",
        },
        "responseTemplates": {
            "application/json": "#set($context.responseOverride.header.X-Over = 'o')"
            "#set($context.responseOverride.header.content-type = 'text/x')ok"
        },
    }
    gateway = mapped(responses={"default": response})
    gateway.service.set_stage_variables("api1", "prod", {"v": "var"})
    gateway.states.reply = {"a": {"b": ["c"]}}
    headers = gateway.send("POST", "/a/7", json={}).headers
    assert headers["x-static"] == "text"
    assert headers["x-id"] == headers["x-amzn-requestid"]
    assert headers["x-body"] == '["c"]'
    assert headers["x-kind"] == "application/x-amz-json-1.0"
    assert headers["x-var"] == "var"
    assert headers["x-over"] == "o"
    assert headers.get_list("content-type") == ["text/x"]
    assert "x-none" not in headers


@pytest.mark.parametrize(("wanted", "status"), [("404", 404), ("99", 200), ("'x'", 200)])
def test_a_status_override_must_be_a_status(wanted: str, status: int) -> None:
    template = f"#set($context.responseOverride.status = {wanted})ok"
    responses = {
        "default": {"statusCode": "200", "responseTemplates": {"application/json": template}}
    }
    assert mapped(responses=responses).send("POST", "/a/7", json={}).status_code == status


def test_response_templates_follow_the_accept_header() -> None:
    templates = {"application/xml": "<x/>", "application/json": "{}"}
    responses = {"default": {"statusCode": "200", "responseTemplates": templates}}
    gateway = mapped(responses=responses)
    answer = gateway.send("POST", "/a/7", json={}, headers={"Accept": "application/xml"})
    assert (answer.text, answer.headers["content-type"]) == ("<x/>", "application/xml")
    assert gateway.send("POST", "/a/7", json={}).text == "{}"


@pytest.mark.parametrize(
    ("behaviour", "templates", "status"),
    [
        ("never", {"application/json": "{}"}, 415),
        ("never", {}, 415),
        ("when_no_templates", {"application/json": "{}"}, 415),
        ("when_no_templates", {}, 200),
        ("when_no_match", {"application/json": "{}"}, 200),
    ],
)
def test_passthrough_behaviour(behaviour: str, templates: dict[str, str], status: int) -> None:
    gateway = mapped(passthroughBehavior=behaviour, requestTemplates=templates)
    answer = gateway.send(
        "POST", "/a/7", content=b'{"raw": 1}', headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == status
    if status == 200:
        assert gateway.states.calls[0][1] == {"raw": 1}
    else:
        assert answer.json() == {"message": "Unsupported Media Type"}
        assert gateway.states.calls == []


def test_mock_integrations() -> None:
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 204}'},
        "responses": {
            "default": {"statusCode": "200"},
            "204": {
                "statusCode": "204",
                "responseParameters": {"method.response.header.X-Mock": "'yes'"},
                "responseTemplates": {"application/json": ""},
            },
        },
    }
    operation = {"responses": {}, "x-amazon-apigateway-integration": integration}
    answer = Gateway(document({"/a": {"options": operation}})).send("OPTIONS", "/a")
    assert (answer.status_code, answer.headers["x-mock"]) == (204, "yes")


def test_gateway_responses_are_customised_by_type_then_by_class() -> None:
    template = (
        '{"t": "$context.error.responseType", "id": "$context.requestId", "x": "$context.no"}'
    )
    custom = {
        "THROTTLED": {
            "statusCode": "420",
            "responseParameters": {
                "gatewayresponse.header.Content-Type": "'application/problem+json'",
                "gatewayresponse.header.X-Was": "method.request.header.x-was",
            },
            "responseTemplates": {"application/json": template},
        },
        "DEFAULT_4XX": {"responseTemplates": {"application/json": '{"class": 4}'}},
        "DEFAULT_5XX": {"responseTemplates": {"application/json": '{"class": 5}'}},
    }
    gateway = Gateway(
        document({"/a": {"get": proxy()}}, **{"x-amazon-apigateway-gateway-responses": custom})
    )
    unknown = gateway.send("GET", "/b")
    assert (unknown.status_code, unknown.json()) == (403, {"class": 4})
    gateway.functions.reply = lambda_reply({})
    broken = gateway.send("GET", "/a")
    assert (broken.status_code, broken.json()) == (502, {"class": 5})
    gateway.service.set_throttles("api1", "prod", {"default": {"burst": 0}})
    busy = gateway.send("GET", "/a", headers={"x-was": "here"})
    assert busy.status_code == 420
    assert busy.headers["content-type"] == "application/problem+json"
    assert busy.headers["x-was"] == "here"
    assert busy.json() == {"t": "THROTTLED", "id": busy.headers["x-amzn-requestid"], "x": ""}


def test_answers_are_json_bytes_in_utf_8() -> None:
    gateway = mapped()
    gateway.states.reply = {"text": "Löwe 🎨"}
    assert json.loads(gateway.send("POST", "/a/7", json={}).content) == {"text": "Löwe 🎨"}
