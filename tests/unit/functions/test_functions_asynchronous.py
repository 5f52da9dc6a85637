"""Asynchronous invocations: retries, age, destinations and dead letters."""

import asyncio
import json
import re

import pytest

from emulator.core.errors import AwsError

ASYNC = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"
RECORDS = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:fn"
SQS = "arn:aws:sqs:us-east-1:000000000000:q"
SNS = "arn:aws:sns:us-east-1:000000000000:t"

CODE = """
    def handler(event, context):
        if event.get("fail"):
            raise ValueError(event["fail"])
        return {"saw": event}
"""


class Recorder:
    """A service that notes its calls."""

    def __init__(self):
        self.calls = []
        self.refuses = False

    async def call(self, operation, params, caller):
        self.calls.append((operation, params))
        if self.refuses:
            raise AwsError("AccessDenied", "No.", 403)
        return {"QueueUrl": "http://queue/q"}


def policy(**ends):
    return {"DestinationConfig": {k: {"Destination": v} for k, v in ends.items()}}


async def ended(it, until):
    await until(lambda: not it.functions._queue.under_way)


async def deliver(it, until, event, name="fn", **more):
    await it.invoke(name, event, InvocationType="Event", **more)
    await ended(it, until)


@pytest.fixture
def services(lab):
    """``async with services(...) as (lab, recorders)``: sqs, sns, events and s3 take notes."""

    class Services:
        def __init__(self, **settings):
            self._lab = lab(**settings)

        async def __aenter__(self):
            it = await self._lab.__aenter__()
            recorders = {name: Recorder() for name in ("sqs", "sns", "events", "s3")}
            for name, recorder in recorders.items():
                it.bus.register(name, recorder)
            return it, recorders

        async def __aexit__(self, *error):
            await self._lab.__aexit__(*error)

    return Services


@pytest.mark.fidelity(
    area="Lambda",
    feature="record of an asynchronous success in an SQS destination",
    source=RECORDS,
)
def test_a_queue_gets_the_record_of_a_success(services, until):
    async def run():
        async with services() as (it, to):
            it.deploy("fn", CODE)
            it.backend.put_function_event_invoke_config("fn", policy(OnSuccess=SQS))
            await deliver(it, until, {"n": 1})
            (_, asked), (operation, sent) = to["sqs"].calls
            assert asked == {"QueueName": "q", "QueueOwnerAWSAccountId": "000000000000"}
            assert operation == "SendMessage"
            assert sent["QueueUrl"] == "http://queue/q"
            told = json.loads(sent["MessageBody"])
            context = told["requestContext"]
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["timestamp"])
            assert re.fullmatch(r"[0-9a-f-]{36}", context.pop("requestId"))
            del told["timestamp"]
            assert told == {
                "version": "1.0",
                "requestContext": {
                    "functionArn": f"{ARN}:$LATEST",
                    "condition": "Success",
                    "approximateInvokeCount": 1,
                },
                "requestPayload": {"n": 1},
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
                "responsePayload": {"saw": {"n": 1}},
            }

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="record of an asynchronous failure: condition, count, error",
    source=RECORDS,
)
def test_a_topic_gets_the_record_of_a_failure(services, until):
    async def run():
        async with services(async_retry_delays_s=(0.0, 0.0)) as (it, to):
            it.deploy("fn", CODE)
            it.backend.put_function_event_invoke_config("fn", policy(OnFailure=SNS, OnSuccess=SQS))
            await deliver(it, until, {"fail": "broken"})
            ((operation, sent),) = to["sns"].calls
            assert (operation, sent["TopicArn"]) == ("Publish", SNS)
            told = json.loads(sent["Message"])
            assert told["requestContext"]["condition"] == "RetriesExhausted"
            assert told["requestContext"]["approximateInvokeCount"] == 3
            assert told["responseContext"] == {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            }
            assert told["responsePayload"]["errorMessage"] == "broken"
            assert told["responsePayload"]["errorType"] == "ValueError"
            assert not to["sqs"].calls

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="EventBridge destination: source, detail-type, resources",
    source=RECORDS,
)
def test_an_event_bus_gets_the_record_as_the_detail_of_an_event(services, until):
    async def run():
        async with services() as (it, to):
            it.deploy("fn", CODE)
            bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
            it.backend.put_function_event_invoke_config("fn", policy(OnSuccess=bus))
            await deliver(it, until, {})
            ((operation, sent),) = to["events"].calls
            (entry,) = sent["Entries"]
            assert operation == "PutEvents"
            assert entry["Source"] == "lambda"
            assert entry["DetailType"] == "Lambda Function Invocation Result - Success"
            assert set(entry["Resources"]) == {bus, f"{ARN}:$LATEST"}
            assert json.loads(entry["Detail"])["responsePayload"] == {"saw": {}}

    asyncio.run(run())


@pytest.mark.fidelity(area="Lambda", feature="S3 destination of failures", source=RECORDS)
def test_a_bucket_gets_the_record_of_a_failure_as_an_object(services, until):
    async def run():
        async with services() as (it, to):
            it.deploy("fn", CODE)
            config = {**policy(OnFailure="arn:aws:s3:::b"), "MaximumRetryAttempts": 0}
            it.backend.put_function_event_invoke_config("fn", config)
            await deliver(it, until, {"fail": "x"})
            ((operation, sent),) = to["s3"].calls
            assert (operation, sent["Bucket"]) == ("PutObject", "b")
            assert re.fullmatch(
                r"aws/lambda/async/fn/\d{4}/\d\d/\d\d/"
                r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f-]{36}",
                sent["Key"],
            )
            assert json.loads(sent["Body"])["requestContext"]["approximateInvokeCount"] == 1

    asyncio.run(run())


@pytest.mark.parametrize("target", [SQS, SNS])
@pytest.mark.fidelity(
    area="Lambda",
    feature="dead-letter queue: the event, with RequestID, ErrorCode and ErrorMessage",
    source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq",
)
def test_a_dead_letter_is_the_event_with_the_reason_in_its_attributes(services, until, target):
    async def run():
        async with services(async_retries_max=0) as (it, to):
            it.deploy("fn", CODE, DeadLetterConfig={"TargetArn": target})
            known = it.backend.get_function("fn").get_configuration()
            assert known["DeadLetterConfig"] == {"TargetArn": target}
            await deliver(it, until, {})  # a success leaves no letter
            assert not to["sqs"].calls
            assert not to["sns"].calls
            await deliver(it, until, {"fail": "é" * 900})
            _, sent = to[target.split(":")[2]].calls[-1]
            body = sent.get("MessageBody") or sent.get("Message")
            assert json.loads(body) == {"fail": "é" * 900}
            found = sent["MessageAttributes"]
            assert re.fullmatch(r"[0-9a-f-]{36}", found["RequestID"]["StringValue"])
            assert found["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}
            # "Error message (truncated to 1 KB)"
            assert found["ErrorMessage"]["StringValue"] == "é" * 512

    asyncio.run(run())


def test_a_dead_letter_queue_is_changed_and_taken_away_with_the_configuration(services, until):
    async def run():
        async with services(async_retries_max=0) as (it, to):
            it.deploy("fn", CODE, DeadLetterConfig={"TargetArn": SQS})
            change = it.backend.update_function_configuration
            change("fn", None, {"DeadLetterConfig": {"TargetArn": SNS}})
            await deliver(it, until, {"fail": "x"})
            assert (len(to["sqs"].calls), len(to["sns"].calls)) == (0, 1)
            it.backend.update_function_configuration(
                "fn", None, {"DeadLetterConfig": {"TargetArn": ""}}
            )
            await deliver(it, until, {"fail": "x"})
            assert len(to["sns"].calls) == 1
            assert "DeadLetterConfig" not in it.backend.get_function("fn").get_configuration()

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="MaximumEventAgeInSeconds gives up an event before its next retry",
    source=ASYNC,
)
def test_an_event_that_is_too_old_is_given_up(services, gate, until):
    async def run():
        clock = gate(from_s=10)
        async with services(clock=clock) as (it, to):
            it.deploy("fn", CODE)
            config = {**policy(OnFailure=SQS), "MaximumEventAgeInSeconds": 60}
            it.backend.put_function_event_invoke_config("fn", config)
            await it.invoke("fn", {"fail": "x"}, InvocationType="Event")
            await clock.arrived.wait()
            # One minute until the first retry, which is when the event is 60 s old.
            assert 50 < clock.slept[0] <= 60
            clock.ahead_s = 61
            await clock.step()
            await ended(it, until)
            told = json.loads(to["sqs"].calls[-1][1]["MessageBody"])
            assert told["requestContext"]["condition"] == "EventAgeExceeded"
            assert told["requestContext"]["approximateInvokeCount"] == 1

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="reserved concurrency of zero sends events to the failure destination at once",
    source=ASYNC,
)
def test_with_zero_reserved_concurrency_an_event_goes_to_its_failure_destination(services, until):
    async def run():
        async with services() as (it, to):
            it.deploy("fn", CODE, DeadLetterConfig={"TargetArn": SNS})
            it.backend.put_function_event_invoke_config("fn", policy(OnFailure=SQS))
            it.backend.put_function_concurrency("fn", 0)
            await deliver(it, until, {"n": 1})
            told = json.loads(to["sqs"].calls[-1][1]["MessageBody"])
            assert told["requestContext"]["condition"] == "ZeroReservedConcurrency"
            assert told["requestContext"]["approximateInvokeCount"] == 0
            assert "responsePayload" not in told
            ((_, letter),) = to["sns"].calls
            assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="PutFunctionEventInvokeConfig replaces, UpdateFunctionEventInvokeConfig merges",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html",
)
def test_an_event_invoke_configuration_is_replaced_by_put_and_merged_by_update(services, until):
    async def run():
        async with services(async_retry_delays_s=(0.0, 0.0)) as (it, to):
            it.deploy("fn", CODE)
            put = it.backend.put_function_event_invoke_config
            put("fn", {**policy(OnFailure=SNS), "MaximumRetryAttempts": 2})
            put("fn", {**policy(OnFailure=SQS), "MaximumRetryAttempts": 1})
            update = it.backend.update_function_event_invoke_config
            answer = update("fn", {"MaximumRetryAttempts": 0})
            assert answer["DestinationConfig"] == {"OnFailure": {"Destination": SQS}}
            await deliver(it, until, {"fail": "x"})
            assert not to["sns"].calls
            told = json.loads(to["sqs"].calls[-1][1]["MessageBody"])
            assert told["requestContext"]["approximateInvokeCount"] == 1

    asyncio.run(run())


def test_a_record_names_the_version_that_was_called(services, until):
    async def run():
        async with services(async_retries_max=0) as (it, to):
            it.deploy("fn", CODE, DeadLetterConfig={"TargetArn": SQS})
            it.backend.publish_version("fn")
            # It belongs to $LATEST: a version has its own.
            it.backend.put_function_event_invoke_config("fn", policy(OnFailure=SNS))
            await deliver(it, until, {"fail": "x"}, Qualifier="1")
            assert not to["sns"].calls
            assert to["sqs"].calls[-1][0] == "SendMessage"
            await deliver(it, until, {"fail": "x"}, name=f"{ARN}:$LATEST")
            told = json.loads(to["sns"].calls[-1][1]["Message"])
            assert told["requestContext"]["functionArn"] == f"{ARN}:$LATEST"

    asyncio.run(run())


def test_a_destination_that_refuses_is_named_and_the_dead_letter_still_goes_out(
    services, until, caplog
):
    async def run():
        async with services(async_retries_max=0) as (it, to):
            it.deploy("fn", CODE, DeadLetterConfig={"TargetArn": SNS})
            it.backend.put_function_event_invoke_config("fn", policy(OnFailure=SQS))
            to["sqs"].refuses = True
            await deliver(it, until, {"fail": "x"})
            assert len(to["sns"].calls) == 1
            assert f"{SQS} did not take a record of {ARN}" in caplog.text

    asyncio.run(run())


def test_an_event_that_another_of_motos_services_sends_runs_here(lab, until, tmp_path):
    async def run():
        async with lab() as it:
            it.deploy(
                "fn",
                "def handler(event, context):\n"
                "  open(event['Records'][0]['Sns']['Message'], 'w').write('x')",
            )
            mark = tmp_path / "mark"
            await asyncio.to_thread(it.backend.send_sns_message, "fn", str(mark))
            await until(mark.exists)

    asyncio.run(run())
