"""Functions inside of the process: loaded by name, on the bus and the clock, with AWS's errors."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import types
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from emulator.core.bus import Bus, Caller
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError, NoReply, NotSupported, ProcessCrash
from emulator.core.virtual_clock import VirtualClock, run
from emulator.functions.in_process import InProcessFunction, InProcessFunctions
from system import surroundings

CALLER = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", request_id="r-1")
ROLE = "arn:aws:iam::000000000000:role/painter"
MODULE = "nst_test_function"


class Service:
    """Answers what it is told to, in turn; the last answer stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict[str, Any], Caller]] = []

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        self.calls.append((operation, params, caller))
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return dict(answer)


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType(MODULE)
    sys.modules[MODULE] = made
    yield made
    del sys.modules[MODULE]


Scene = Callable[[InProcessFunctions], Awaitable[Any]]


def play(scene: Scene, handler: str = f"{MODULE}.handler", **services: Service) -> Any:
    async def main() -> Any:
        bus, clock = Bus(), VirtualClock()
        for name, service in services.items():
            bus.register(name, service)
        function = InProcessFunction(
            "painter", handler, ROLE, 10.0, 256, {"AWS_REGION": "us-east-1", "COLOUR": "blue"}
        )
        functions = InProcessFunctions(
            bus, clock, CredentialStore(clock), [function], rng=random.Random(1)
        )
        answer = await scene(functions)
        await functions.stop()
        return answer

    return run(main)


async def invoke(functions: InProcessFunctions, event: Any = None) -> dict[str, Any]:
    params = {"FunctionName": "painter", "Payload": json.dumps(event).encode()}
    return await functions.call("Invoke", params, CALLER)


def given() -> surroundings.Surroundings:
    found = surroundings.CURRENT.get()
    assert found is not None
    return found


def test_a_function_answers_its_event_and_sees_its_environment(module: Any) -> None:
    module.handler = lambda event, context: {
        "event": event,
        "colour": given().variables["COLOUR"],
        "request": context.aws_request_id,
        "left_ms": context.get_remaining_time_in_millis(),
    }
    answer = play(lambda functions: invoke(functions, {"a": 1}))
    assert json.loads(answer["Payload"]) == {
        "event": {"a": 1},
        "colour": "blue",
        "request": "r-1",
        "left_ms": 10_000,
    }
    assert "FunctionError" not in answer


def test_what_is_not_there_is_told_as_lambda_tells_it() -> None:
    async def scene(functions: InProcessFunctions) -> None:
        with pytest.raises(AwsError, match="ResourceNotFoundException"):
            await functions.call("Invoke", {"FunctionName": "nobody"}, CALLER)
        with pytest.raises(AwsError, match="InvalidRequestContentException"):
            await functions.call("Invoke", {"FunctionName": "painter", "Payload": b"{"}, CALLER)
        event = {"FunctionName": "painter", "InvocationType": "Event"}
        with pytest.raises(NotSupported, match="Event"):
            await functions.call("Invoke", event, CALLER)

    play(scene)


def test_a_call_of_a_client_goes_over_the_bus_as_the_functions_role(module: Any) -> None:
    s3 = Service({"Body": b"picture", "ETag": '"e"', "LastModified": 1_767_225_600.0})

    def handler(event: Any, context: Any) -> Any:
        answer = given().client("s3").get_object(Bucket="b", Key="k")
        return [answer["Body"].read(4).decode(), answer["ETag"], answer["LastModified"].isoformat()]

    module.handler = handler
    answer = play(invoke, s3=s3)
    assert json.loads(answer["Payload"]) == ["pict", '"e"', "2026-01-01T00:00:00+00:00"]
    operation, params, caller = s3.calls[0]
    assert (operation, params) == ("GetObject", {"Bucket": "b", "Key": "k"})
    assert caller.principal == "arn:aws:sts::000000000000:assumed-role/painter/painter"


def test_an_error_of_a_service_is_the_sdks_error(module: Any) -> None:
    conflict = AwsError("ConflictException", "taken", 400, {"resourceIds": ["t-1"]})
    seen: list[ClientError] = []

    def handler(event: Any, context: Any) -> Any:
        try:
            given().client("ecs").run_task(taskDefinition="d")
        except ClientError as error:
            seen.append(error)

    module.handler = handler
    play(invoke, ecs=Service(conflict))
    response = seen[0].response
    assert response["Error"] == {"Code": "ConflictException", "Message": "taken"}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["resourceIds"] == ["t-1"]
    assert seen[0].operation_name == "RunTask"


@pytest.mark.fidelity(
    area="Lambda",
    feature="an SDK's error for a HEAD without a body",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html",
)
def test_a_head_of_nothing_has_the_status_for_a_code(module: Any) -> None:
    def handler(event: Any, context: Any) -> Any:
        try:
            given().client("s3").head_object(Bucket="b", Key="k")
        except ClientError as error:
            return error.response["Error"]

    module.handler = handler
    answer = play(invoke, s3=Service(AwsError("NoSuchKey", "no", 404)))
    assert json.loads(answer["Payload"]) == {"Code": "404", "Message": "Not Found"}


def test_parameters_are_checked_against_the_sdks_model(module: Any) -> None:
    s3 = Service({})
    module.handler = lambda event, context: given().client("s3").get_object(Bucket="b", Kee="k")
    answer = play(invoke, s3=s3)
    assert json.loads(answer["Payload"])["errorType"] == ParamValidationError.__name__
    assert not s3.calls


@pytest.mark.fidelity(
    area="Lambda",
    feature="standard retry mode of the SDK inside of functions",
    source="https://docs.aws.amazon.com/boto3/latest/guide/retries.html",
)
@pytest.mark.parametrize(
    "failure",
    [
        AwsError("ThrottlingException", "slow", 400),
        AwsError("SlowDown", "slow", 503),
        AwsError("InternalError", "oh", 500),
    ],
)
def test_throttles_and_server_errors_are_tried_three_times(module: Any, failure: AwsError) -> None:
    s3 = Service(failure, failure, {"ETag": '"e"'})
    module.handler = lambda event, context: (
        given().client("s3").put_object(Bucket="b", Key="k")["ResponseMetadata"]["RetryAttempts"]
    )
    assert json.loads(play(invoke, s3=s3)["Payload"]) == 2
    assert len(s3.calls) == 3


def test_a_refusal_is_not_tried_again(module: Any) -> None:
    s3 = Service(AwsError("PreconditionFailed", "no", 412))
    module.handler = lambda event, context: given().client("s3").put_object(Bucket="b", Key="k")
    assert json.loads(play(invoke, s3=s3)["Payload"])["errorType"] == "ClientError"
    assert len(s3.calls) == 1


def test_a_reply_that_never_comes_is_a_read_timeout_after_three_tries(module: Any) -> None:
    s3 = Service(NoReply("lost"))
    times: list[float] = []

    def handler(event: Any, context: Any) -> Any:
        times.append(given().now())
        try:
            given().client("s3").put_object(Bucket="b", Key="k")
        except ReadTimeoutError:
            times.append(given().now())
            raise

    module.handler = handler
    answer = play(invoke, s3=s3)
    # Three times four seconds are more than the function's ten.
    assert json.loads(answer["Payload"])["errorType"] == "Sandbox.Timedout"
    assert len(s3.calls) == 3


@pytest.mark.fidelity(
    area="Lambda",
    feature="an exception's payload: errorMessage, errorType, requestId, stackTrace",
    source="https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html",
)
def test_an_exception_is_reported_by_its_class(module: Any) -> None:
    class NoPaint(Exception):  # noqa: N818
        pass

    def handler(event: Any, context: Any) -> Any:
        raise NoPaint("all out")

    module.handler = handler
    answer = play(invoke)
    assert answer["FunctionError"] == "Unhandled"
    payload = json.loads(answer["Payload"])
    assert (payload["errorType"], payload["errorMessage"]) == ("NoPaint", "all out")
    assert payload["requestId"] == "r-1"
    assert "raise NoPaint" in payload["stackTrace"][-1]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("handler", "Runtime.MalformedHandlerName"),
        ("nst_no_such_module.handler", "Runtime.ImportModuleError"),
        (f"{MODULE}.nothing", "Runtime.HandlerNotFound"),
    ],
)
def test_an_entry_point_that_is_not_there(module: Any, entry: str, kind: str) -> None:
    assert json.loads(play(invoke, handler=entry)["Payload"])["errorType"] == kind


def test_an_answer_that_is_no_json(module: Any) -> None:
    module.handler = lambda event, context: {1, 2}
    assert json.loads(play(invoke)["Payload"])["errorType"] == "Runtime.MarshalError"


def test_a_function_is_ended_at_its_timeout_of_virtual_time(module: Any) -> None:
    module.handler = lambda event, context: given().sleep(11)
    payload = json.loads(play(invoke)["Payload"])
    assert payload["errorType"] == "Sandbox.Timedout"
    assert "timed out after 10.00 seconds" in payload["errorMessage"]


def test_a_crash_in_a_call_is_an_exit_of_the_runtime(module: Any) -> None:
    swallowed = []

    def handler(event: Any, context: Any) -> Any:
        try:
            given().client("s3").put_object(Bucket="b", Key="k")
        except Exception as error:  # noqa: BLE001 (what a careless function does)
            swallowed.append(error)

    module.handler = handler
    answer = play(invoke, s3=Service(ProcessCrash()))
    assert json.loads(answer["Payload"])["errorType"] == "Runtime.ExitError"
    assert not swallowed


def test_invocations_run_side_by_side_on_the_same_clock(module: Any) -> None:
    module.handler = lambda event, context: [given().sleep(event), given().now()][1]

    async def scene(functions: InProcessFunctions) -> list[Any]:
        answers = await asyncio.gather(*(invoke(functions, s) for s in (5, 1, 3)))
        return [json.loads(a["Payload"]) - 1_767_225_600 for a in answers]

    assert play(scene) == [5, 1, 3]


@pytest.mark.fidelity(
    area="Lambda",
    feature="presigned URLs and POSTs of a function's role",
    source="https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
)
def test_links_are_signed_by_the_sdk_at_the_clocks_time(module: Any) -> None:
    def handler(event: Any, context: Any) -> Any:
        s3 = given().client("s3")
        return [
            s3.generate_presigned_url(
                "get_object", Params={"Bucket": "pics", "Key": "k"}, ExpiresIn=60
            ),
            s3.generate_presigned_post(Bucket="pics", Key="k", ExpiresIn=60),
        ]

    module.handler = handler
    url, post = json.loads(play(invoke)["Payload"])
    assert url.startswith(
        "https://pics.s3.us-east-1.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    )
    assert "X-Amz-Date=20260101T000000Z" in url
    assert "X-Amz-Security-Token=" in url
    assert post["url"] == "https://pics.s3.us-east-1.amazonaws.com/"
    assert post["fields"]["x-amz-date"] == "20260101T000000Z"
    assert {"policy", "x-amz-signature", "x-amz-security-token", "key"} <= post["fields"].keys()


def test_a_client_refuses_by_name_what_it_does_not_have(module: Any) -> None:
    module.handler = lambda event, context: given().client("s3").get_paginator("list_objects_v2")
    payload = json.loads(play(invoke)["Payload"])
    assert payload["errorType"] == "NotSupported"
    assert "get_paginator" in payload["errorMessage"]
