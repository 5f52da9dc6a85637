"""From an event to the target's call."""

import json

import pytest

from emulator.core.errors import AwsError, NoReply, NotSupported
from emulator.events import EventsService

STOPPED = {"source": ["aws.ecs"], "detail": {"lastStatus": ["STOPPED"]}}


def test_a_rule_starts_its_workflow_with_the_transformed_input(lab):
    async def body(it):
        it.put_rule(
            pattern=STOPPED,
            RoleArn=it.role,
            InputTransformer={
                "InputPathsMap": {"run_id": "$.detail.startedBy"},
                "InputTemplate": '{"run_id": <run_id>}',
            },
        )
        it.publish(detail={"lastStatus": "RUNNING", "startedBy": "r0"})
        it.publish(detail={"lastStatus": "STOPPED", "startedBy": "r1"})
        await it.clock.move(0)
        [(operation, params, caller)] = it.states.calls
        assert operation == "StartExecution"
        assert params == {"stateMachineArn": it.machine, "input": '{"run_id": "r1"}'}
        assert caller.principal.startswith("arn:aws:sts::000000000000:assumed-role/nst-events/")

    lab(body)


def test_a_function_is_invoked_asynchronously_with_the_event(lab):
    async def body(it):
        it.put_rule(pattern=STOPPED, Arn=it.function)
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)
        [(operation, params, caller)] = it.functions.calls
        assert operation == "Invoke"
        assert params["InvocationType"] == "Event"
        assert params["FunctionName"] == it.function
        assert json.loads(params["Payload"])["detail"] == {"lastStatus": "STOPPED"}
        assert caller.principal == "events.amazonaws.com"

    lab(body)


def test_a_disabled_rule_gets_nothing(lab):
    async def body(it):
        it.put_rule(pattern=STOPPED)
        it.rules.disable_rule("rule", None)
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)
        assert it.states.calls == []
        it.rules.enable_rule("rule", None)
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)
        assert len(it.states.calls) == 1

    lab(body)


def test_a_throttled_delivery_is_made_again_on_the_clock(lab):
    async def body(it):
        throttled = AwsError("ThrottlingException", "Rate exceeded")
        it.states.fail_with = [throttled, throttled]
        it.put_rule(pattern=STOPPED)
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)
        assert len(it.states.calls) == 1
        await it.clock.move(1)
        assert len(it.states.calls) == 2
        await it.clock.move(2)
        assert len(it.states.calls) == 3
        await it.clock.move(1000)
        assert len(it.states.calls) == 3

    lab(body)


def test_retries_end_with_the_policy_of_the_target(lab, caplog):
    async def body(it):
        it.states.fail_with = [AwsError("ThrottlingException", "Rate exceeded")] * 10
        it.put_rule(pattern=STOPPED, RetryPolicy={"MaximumRetryAttempts": 2})
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(3600)
        assert len(it.states.calls) == 3

    lab(body)
    assert "could not reach its target by states:StartExecution" in caplog.text


def test_another_error_is_logged_and_not_retried(lab, caplog):
    async def body(it):
        it.states.fail_with = [AwsError("StateMachineDoesNotExist", "There is none.")]
        it.put_rule(pattern=STOPPED)
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(3600)
        assert len(it.states.calls) == 1

    lab(body)
    assert "StateMachineDoesNotExist: There is none." in caplog.text


def test_a_target_that_nothing_delivers_to_is_named_in_the_log(lab, caplog):
    async def body(it):
        it.put_rule(pattern=STOPPED, Arn="arn:aws:kinesis:us-east-1:000000000000:stream/s")
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)

    lab(body)
    assert "the event target arn:aws:kinesis:us-east-1:000000000000:stream/s" in caplog.text


def entry(**more):
    return {"Source": "app", "DetailType": "Done", "Detail": '{"n": 1}', **more}


def test_put_events_reaches_rules_of_the_default_and_of_named_buses(lab):
    async def body(it):
        it.rules.create_event_bus("mine")
        it.put_rule("default-rule", {"source": ["app"]}, InputPath="$.detail")
        it.put_rule("named-rule", {"source": ["app"]}, bus="mine", InputPath="$.detail.n")
        answer = await it.events.call("PutEvents", {"Entries": [entry()]}, it.caller)
        assert answer["FailedEntryCount"] == 0
        await it.clock.move(0)
        assert it.inputs() == [{"n": 1}]
        for bus in ("mine", "arn:aws:events:us-east-1:000000000000:event-bus/mine"):
            entries = [entry(EventBusName=bus)]
            await it.events.call("PutEvents", {"Entries": entries}, it.caller)
        await it.clock.move(0)
        assert it.inputs() == [{"n": 1}, 1, 1]

    lab(body)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (entry(Detail="no json"), "MalformedDetail"),
        (entry(Detail="[1]"), "MalformedDetail"),
        (entry(Source="aws.ecs"), "NotAuthorizedForSourceException"),
        (entry(Source=""), "InvalidArgument"),
        (entry(DetailType="x" * 200), "InvalidArgument"),
        (entry(EventBusName="nobody"), "ResourceNotFoundException"),
        (entry(TraceHeader="x"), "NotSupportedByEmulator"),
    ],
)
def test_an_entry_that_is_wrong_fails_alone(lab, given, code):
    async def body(it):
        answer = await it.events.call("PutEvents", {"Entries": [entry(), given]}, it.caller)
        assert answer["FailedEntryCount"] == 1
        assert "EventId" in answer["Entries"][0]
        assert answer["Entries"][1]["ErrorCode"] == code

    lab(body)


@pytest.mark.parametrize(
    "entries", [[], [entry()] * 11, [entry(Detail=f'{{"x": "{"y" * 2**20}"}}')]]
)
def test_a_request_out_of_its_limits_is_refused(lab, entries):
    async def body(it):
        with pytest.raises(AwsError) as refused:
            await it.events.call("PutEvents", {"Entries": entries}, it.caller)
        assert refused.value.code == "ValidationException"

    lab(body)


def test_a_pattern_can_be_tried_out(lab):
    async def body(it):
        event = {
            "id": "1",
            "account": "0",
            "source": "aws.ecs",
            "time": "t",
            "region": "r",
            "resources": [],
            "detail-type": "T",
            "detail": {"lastStatus": "STOPPED"},
        }
        for status, expected in (("STOPPED", True), ("RUNNING", False)):
            event["detail"]["lastStatus"] = status
            params = {"EventPattern": json.dumps(STOPPED), "Event": json.dumps(event)}
            assert await it.events.call("TestEventPattern", params, it.caller) == {
                "Result": expected
            }
        with pytest.raises(NotSupported):
            await it.events.call("StartReplay", {}, it.caller)

    lab(body)


def test_the_control_plane_can_be_kept_from_what_cannot_work():
    good = {"Id": "t", "Arn": "arn:aws:states:us-east-1:000000000000:stateMachine:m"}
    EventsService.check("PutRule", {"EventPattern": json.dumps(STOPPED)})
    EventsService.check("PutRule", {"ScheduleExpression": "rate(5 minutes)"})
    EventsService.check("PutTargets", {"Targets": [good]})
    EventsService.check("CreateSchedule", {"ScheduleExpression": "rate(1 hour)", "Target": good})
    for operation, params, code in (
        ("PutRule", {"EventPattern": "{}"}, "InvalidEventPatternException"),
        ("PutRule", {"ScheduleExpression": "cron(* *)"}, "ValidationException"),
        ("PutTargets", {"Targets": [{**good, "Arn": "arn:aws:sqs:us-east-1:0:q"}]},
         "NotSupportedByEmulator"),
        ("PutTargets", {"Targets": [{**good, "DeadLetterConfig": {"Arn": "x"}}]},
         "NotSupportedByEmulator"),
        ("PutTargets", {"Targets": [{**good, "InputPath": "x"}]}, "ValidationException"),
        ("CreateSchedule", {"ScheduleExpression": "rate(1 hour)",
                            "Target": {"Arn": "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance"}},
         "NotSupportedByEmulator"),
    ):  # fmt: skip
        with pytest.raises(AwsError) as refused:
            EventsService.check(operation, params)
        assert refused.value.code == code


def test_a_delivery_that_got_no_answer_is_made_again_on_the_clock(lab):
    """At least once: whether the target heard it is not known.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
    """

    async def body(it):
        it.states.fail_with = [NoReply("no reply"), NoReply("no reply")]
        it.put_rule(pattern=STOPPED, InputPath="$.detail")
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(0)
        assert len(it.states.calls) == 1
        await it.clock.move(1)
        assert len(it.states.calls) == 2
        await it.clock.move(2)
        assert it.inputs() == [{"lastStatus": "STOPPED"}] * 3
        await it.clock.move(3600)
        assert len(it.states.calls) == 3

    lab(body)


def test_deliveries_without_an_answer_end_with_the_events_age(lab, caplog):
    async def body(it):
        it.states.fail_with = [NoReply("no reply")] * 100
        it.put_rule(pattern=STOPPED, RetryPolicy={"MaximumEventAgeInSeconds": 60})
        it.publish(detail={"lastStatus": "STOPPED"})
        await it.clock.move(600)
        assert 2 < len(it.states.calls) < 20

    lab(body)
    assert "could not reach its target by states:StartExecution: no reply" in caplog.text


def test_a_schedules_delivery_that_got_no_answer_is_made_again(lab):
    async def body(it):
        it.states.fail_with = [NoReply("no reply")]
        it.put_schedule("rate(1 hour)")
        await it.clock.move(600)
        assert len(it.states.calls) == 2

    lab(body)
