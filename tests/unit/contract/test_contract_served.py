"""The contract served by the gateway: every call, every way it ends, with fakes behind it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS30Validator

from emulator.core.errors import AwsError
from system import problems
from tests.unit.apigateway.gateway_fakes import Gateway, lambda_reply
from tests.unit.contract.contract_document import PLACEHOLDERS, contract

RUN = "0123456789abcdef" * 2
ADMIT = {"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]}
START = {"run_id": RUN, "styles": [{"weight": 0.5}, {}], "params": {"size": 64}}
BODIES = {
    "/api/runs": ADMIT,
    "/api/run-nst": START,
    "/api/upload-urls": {"slot": "content", "content_type": "image/png"},
}


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(contract())


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == problems.CONTENT_TYPE
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-correlation-id"] == answer.headers["x-amzn-requestid"]
    body: dict[str, Any] = answer.json()
    assert_fits("Problem", body)
    assert body["status"] == status
    assert body["type"] == "urn:nst:problem:" + body["code"]
    if code is not None:
        assert body["code"] == code
    return body


def assert_fits(schema: str, body: Any) -> None:
    components = contract()["components"]
    resolved = {**components["schemas"][schema], "components": components}
    assert [e.message for e in OAS30Validator(resolved).iter_errors(body)] == []


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("GET", "/api/budget", "read_budget_arn"),
        ("POST", "/api/upload-urls", "get_upload_url_arn"),
        ("POST", f"/api/runs/{RUN}/links", "get_upload_url_arn"),
        ("POST", f"/api/runs/{RUN}/stop", "stop_nst_arn"),
    ],
)
def test_functions_are_reached(gateway: Gateway, method: str, path: str, function: str) -> None:
    gateway.functions.reply = lambda_reply({"statusCode": 202, "body": "{}"})
    assert gateway.send(method, path, json=BODIES.get(path, {})).status_code == 202
    assert gateway.functions.calls[0][1]["FunctionName"] == PLACEHOLDERS[function]


@pytest.mark.parametrize(
    ("path", "machine", "status"),
    [("/api/runs", "admit_run_arn", 201), ("/api/run-nst", "start_run_arn", 202)],
)
def test_a_workflow_gets_the_body_and_its_output_is_the_answer(
    gateway: Gateway, path: str, machine: str, status: int
) -> None:
    output = '{"run_id": "x",  "text": "it\'s \\"ä\\" $1 #if"}'
    gateway.states.reply = {"status": "SUCCEEDED", "output": output, "input": "secret"}
    answer = gateway.send("POST", path, json=BODIES[path])
    assert answer.status_code == status, answer.text
    assert answer.text.strip() == output
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    operation, params, _ = gateway.states.calls[0]
    assert operation == "StartSyncExecution"
    assert params["stateMachineArn"] == PLACEHOLDERS[machine]
    assert json.loads(params["input"]) == {
        "body": BODIES[path],
        "correlation_id": answer.headers["x-correlation-id"],
    }


@pytest.mark.parametrize("path", ["/api/runs", "/api/run-nst"])
def test_a_workflow_that_fails_sends_its_problem(gateway: Gateway, path: str) -> None:
    for name, kind in problems.KINDS.items():
        document = problems.document(name, 'Löwe\'s "reason".', correlation_id="c")
        gateway.clock.advance(1)
        gateway.states.reply = {
            "status": "FAILED",
            "error": name,
            "cause": json.dumps(document, separators=(",", ":"), ensure_ascii=False),
        }
        answer = gateway.send("POST", path, json=BODIES[path])
        assert assert_problem(answer, kind.status, kind.code) == document


@pytest.mark.parametrize(
    "reply",
    [
        {"status": "FAILED", "error": "States.Runtime", "cause": "An error at 'Read Budget' (x)"},
        {"status": "FAILED", "error": "States.Runtime"},
        {"status": "FAILED", "error": "States.Runtime", "cause": None},
        {"status": "FAILED", "error": "X", "cause": '{"errorMessage": "secret", "stackTrace": []}'},
        {"status": "ABORTED"},
    ],
)
def test_a_workflow_that_crashes_is_a_problem_that_tells_nothing(
    gateway: Gateway, reply: dict[str, Any]
) -> None:
    gateway.states.reply = reply
    answer = gateway.send("POST", "/api/runs", json=ADMIT)
    problem = assert_problem(answer, 500, "internal-error")
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]
    assert "secret" not in answer.text
    assert "Read Budget" not in answer.text


def test_a_workflow_that_takes_too_long_is_504(gateway: Gateway) -> None:
    gateway.states.reply = {"status": "TIMED_OUT"}
    assert_problem(gateway.send("POST", "/api/run-nst", json=START), 504, "timed-out")


@pytest.mark.parametrize(
    ("error", "answered"),
    [
        (AwsError("ThrottlingException", "slow", 400), (429, "too-many-requests")),
        (AwsError("ExecutionLimitExceeded", "many", 400), (429, "too-many-requests")),
        (AwsError("StateMachineDoesNotExist", "secret", 400), (500, "internal-error")),
        (AwsError("AccessDeniedException", "secret", 403), (500, "internal-error")),
        (AwsError("InternalFailure", "secret", 500), (502, "upstream-failed")),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/runs"), ("POST", "/api/run-nst"), ("GET", f"/api/runs/{RUN}")],
)
def test_errors_of_step_functions(
    gateway: Gateway, method: str, path: str, error: AwsError, answered: tuple[int, str]
) -> None:
    gateway.states.reply = error
    answer = gateway.send(method, path, json=BODIES.get(path) if method == "POST" else None)
    assert_problem(answer, *answered)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("execution", "expected"),
    [
        ({"status": "RUNNING"}, {"state": "running", "stopped_at": None, "cause": None}),
        ({"status": "RUNNING", "stopDate": None}, {"state": "running", "stopped_at": None}),
        (
            {"status": "SUCCEEDED", "stopDate": 1795435260, "output": "secret"},
            {"state": "succeeded", "stopped_at": 1795435260, "cause": None},
        ),
        (
            {"status": "FAILED", "stopDate": 1795435260.5, "error": "RunCancelled", "cause": "x"},
            {"state": "cancelled", "stopped_at": 1795435260.5},
        ),
        ({"status": "TIMED_OUT", "stopDate": 2.0}, {"state": "failed", "stopped_at": 2.0}),
        ({"status": "ABORTED", "stopDate": 2.0}, {"state": "failed", "stopped_at": 2.0}),
    ],
)
def test_the_state_of_a_run(
    gateway: Gateway, execution: dict[str, Any], expected: dict[str, Any]
) -> None:
    gateway.states.reply = {"name": RUN, "startDate": 1795435200.123, "input": "secret"} | execution
    answer = gateway.send("GET", f"/api/runs/{RUN}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert_fits("Run", body)
    assert set(body) == {"run_id", "state", "started_at", "stopped_at", "cause"}
    assert body | expected == body
    assert (body["run_id"], body["started_at"]) == (RUN, 1795435200.123)
    if body["state"] == "failed":
        assert body["cause"]["code"] == "internal-error"
    if body["state"] == "cancelled":
        assert body["cause"]["code"] == "run-cancelled"
    assert "secret" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    prefix = PLACEHOLDERS["run_nst_execution_arn_prefix"]
    assert gateway.states.calls[0][1] == {"executionArn": f"{prefix}:{RUN}"}


def test_the_cause_of_a_failed_run_is_its_problem(gateway: Gateway) -> None:
    problem = problems.document("PictureRefused", 'The "content" is no picture.', run_id=RUN)
    gateway.states.reply = {
        "name": RUN,
        "status": "FAILED",
        "startDate": 1.5,
        "stopDate": 2.5,
        "error": "PictureRefused",
        "cause": json.dumps(problem),
    }
    body = gateway.send("GET", f"/api/runs/{RUN}").json()
    assert (body["state"], body["cause"]) == ("failed", problem)


@pytest.mark.parametrize(
    "run_id",
    ["x%22%2C%22name%22%3A%22y", "..%2F..%2Fbudget", "%27%3B%20drop", "A" * 32, "a" * 31, "a" * 33],
)
def test_a_bad_run_id_never_reaches_the_request(gateway: Gateway, run_id: str) -> None:
    gateway.states.reply = AwsError("ExecutionDoesNotExist", "no", 400)
    assert_problem(gateway.send("GET", f"/api/runs/{run_id}"), 404, "run-not-found")
    prefix = PLACEHOLDERS["run_nst_execution_arn_prefix"]
    assert gateway.states.calls[0][1] == {"executionArn": f"{prefix}:not-a-run-id"}


def test_a_run_that_is_not_there_may_still_be_starting(gateway: Gateway) -> None:
    gateway.states.reply = AwsError("ExecutionDoesNotExist", "no", 400)
    problem = assert_problem(gateway.send("GET", f"/api/runs/{RUN}"), 404, "run-not-found")
    assert "starting" in problem["detail"]


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/api/runs", {"content": {"content_type": "text/html"}}),
        ("/api/runs", {"content": {}}),
        ("/api/runs", {"styles": [{}]}),
        ("/api/runs", {"styles": [{"gallery": "a", "content_type": "image/png"}]}),
        ("/api/runs", {"styles": [{"gallery": "../x"}]}),
        ("/api/runs", {"styles": "all"}),
        ("/api/runs", {"url": "http://169.254.169.254/"}),
        ("/api/run-nst", {"run_id": "x"}),
        ("/api/run-nst", {"run_id": RUN + "\n"}),
        ("/api/run-nst", {"styles": [{"weight": 0}]}),
        ("/api/run-nst", {"styles": [{"weight": 1.1}]}),
        ("/api/run-nst", {"styles": [{"url": "x"}]}),
        ("/api/run-nst", {"params": {"size": 63}}),
        ("/api/run-nst", {"params": {"size": 1025}}),
        ("/api/run-nst", {"params": {"size": "512"}}),
        ("/api/run-nst", {"params": {"quality": "heroic"}}),
        ("/api/run-nst", {"params": {"strength": 2.1}}),
        ("/api/run-nst", {"params": {"keep_colours": "no"}}),
        ("/api/run-nst", {"params": {"colours": "mine"}}),
        ("/api/run-nst", {"params": {"style_scale": 2.1}}),
        ("/api/run-nst", {"params": {"seed": 2**31}}),
        ("/api/run-nst", {"params": {"seed": 1.5}}),
        ("/api/run-nst", {"params": {"algorithm": "magic"}}),
        ("/api/run-nst", {"params": {"url": "x"}}),
        ("/api/run-nst", {"params": {"masks": [1]}}),
        ("/api/upload-urls", {"slot": "style-4"}),
        ("/api/upload-urls", {"slot": "mask-4"}),
        ("/api/upload-urls", {"content_type": "image/svg+xml"}),
        ("/api/upload-urls", {"run_id": 'a"b' + "0" * 29}),
        ("/api/upload-urls", {"key": "ledger.json"}),
    ],
)
def test_a_bad_body_goes_nowhere(gateway: Gateway, path: str, change: dict[str, Any]) -> None:
    answer = gateway.send("POST", path, json={**BODIES[path], **change})
    assert_problem(answer, 400, "invalid-request")
    assert gateway.states.calls == []
    assert gateway.functions.calls == []


@pytest.mark.parametrize("path", BODIES)
def test_a_text_body_does_not_skip_the_validation(gateway: Gateway, path: str) -> None:
    text = {"Content-Type": "text/plain"}
    answer = gateway.send("POST", path, content=b'{"surprise": 1}', headers=text)
    assert_problem(answer, 400, "invalid-request")
    good = gateway.send("POST", path, content=json.dumps(BODIES[path]), headers=text)
    if path == "/api/upload-urls":
        assert good.status_code == 200
    else:
        assert_problem(good, 415, "unsupported-media-type")
    assert gateway.states.calls == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/nope"), ("GET", "/api/"), ("PUT", "/api/budget"), ("GET", f"/api/runs/{RUN}/x")],
)
def test_an_unknown_call_is_a_404_problem(gateway: Gateway, method: str, path: str) -> None:
    assert_problem(gateway.send(method, path), 404, "not-found")


def test_what_the_gateway_itself_refuses_are_problems(gateway: Gateway) -> None:
    big = gateway.send("POST", "/api/upload-urls", content=b" " * (10 * 2**20 + 1))
    assert_problem(big, 413, "request-too-large")
    gateway.functions.reply = lambda_reply("nonsense")
    assert_problem(gateway.send("GET", "/api/budget"), 502, "internal-error")
    gateway.functions.reply = AwsError("ResourceNotFoundException", "no", 404)
    assert_problem(gateway.send("GET", "/api/budget"), 500, "internal-error")
    gateway.functions.reply = RuntimeError("bug")
    assert_problem(gateway.send("GET", "/api/budget"), 502, "upstream-failed")
    gateway.service.set_throttles("api1", "prod", {"GET /api/budget": {"burst": 0}})
    for state in ("open", "closed"):
        gateway.service.set_stage_variables("api1", "prod", {"state": state})
        refused = gateway.send("GET", "/api/budget")
        assert_problem(refused, 429, "too-many-requests")
        assert refused.json()["state"] == state
