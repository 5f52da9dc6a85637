"""Schedules that fire."""

import json
from datetime import UTC, datetime

from emulator.core.clock import iso


def local(seconds):
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_a_rate_fires_at_once_and_then_every_period(lab):
    async def body(it):
        it.put_schedule("rate(5 minutes)", target={"Input": '{"run_id": null}'})
        await it.clock.move(1)
        assert it.inputs() == [{"run_id": None}]
        _, params, caller = it.states.calls[0]
        assert params["stateMachineArn"] == it.machine
        assert "assumed-role/nst-events/" in caller.principal
        await it.clock.move(298)
        assert len(it.states.calls) == 1
        await it.clock.move(2)
        assert len(it.states.calls) == 2
        await it.clock.move(3600)
        assert len(it.states.calls) == 14

    lab(body)


def test_a_start_and_an_end_bound_a_rate(lab):
    async def body(it):
        begin = it.clock.now()
        it.put_schedule("rate(1 minute)", start_date=begin + 100, end_date=begin + 200)
        await it.clock.move(99)
        assert it.states.calls == []
        await it.clock.move(2)
        assert len(it.states.calls) == 1
        await it.clock.move(1000)
        assert len(it.states.calls) == 2

    lab(body)


def test_a_cron_fires_at_its_time(lab):
    async def body(it):
        midnight = it.clock.now() // 86400 * 86400 + 86400
        it.put_schedule("cron(30 6 * * ? *)")
        await it.clock.move(midnight + 6.5 * 3600 - it.clock.now() - 1)
        assert it.states.calls == []
        await it.clock.move(2)
        assert len(it.states.calls) == 1

    lab(body, poll_s=600.0)


def test_a_one_time_schedule_fires_once_and_goes_when_it_says_so(lab):
    async def body(it):
        moment = it.clock.now() // 1 + 100
        it.put_schedule(f"at({local(moment)})", "goes", action_after_completion="DELETE")
        it.put_schedule(f"at({local(moment)})", "stays")
        await it.clock.move(99)
        assert it.states.calls == []
        await it.clock.move(1000)
        assert len(it.states.calls) == 2
        assert list(it.schedules.schedule_groups["default"].schedules) == ["stays"]

    lab(body)


def test_a_one_time_schedule_of_the_past_does_not_fire(lab):
    async def body(it):
        it.put_schedule(f"at({local(it.clock.now() - 3600)})")
        await it.clock.move(1000)
        assert it.states.calls == []

    lab(body)


def test_disabling_and_changing_a_schedule_counts_at_once(lab):
    async def body(it):
        it.put_schedule("rate(1 minute)", state="DISABLED")
        await it.clock.move(120)
        assert it.states.calls == []
        same = {
            "name": "schedule", "group_name": "default", "description": "", "kms_key_arn": "",
            "schedule_expression_timezone": "UTC", "flexible_time_window": {"Mode": "OFF"},
            "start_date": None, "end_date": None, "target": {"Arn": it.machine},
        }  # fmt: skip
        it.schedules.update_schedule(**same, schedule_expression="rate(1 minute)", state="ENABLED")
        await it.clock.move(61)
        assert len(it.states.calls) == 2
        it.schedules.update_schedule(**same, schedule_expression="rate(1 hour)", state="DISABLED")
        await it.clock.move(3600)
        assert len(it.states.calls) == 2

    lab(body)


def test_a_universal_target_is_called_by_its_name_with_the_services_own_parameters(lab):
    async def body(it):
        begin = it.clock.now()
        given = {"StateMachineArn": it.machine, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'}
        it.put_schedule(
            "rate(1 hour)",
            target={
                "Arn": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
                "Input": json.dumps(given),
            },
        )
        await it.clock.move(1)
        [(operation, params, _)] = it.states.calls
        assert operation == "StartExecution"
        assert set(params) == {"stateMachineArn", "input"}
        assert json.loads(params["input"]) == {"at": iso(begin)[:19] + "Z"}

    lab(body)


def test_a_function_without_input_gets_the_scheduled_event(lab):
    async def body(it):
        it.put_schedule("rate(1 hour)", target={"Arn": it.function})
        await it.clock.move(1)
        [(_, params, _)] = it.functions.calls
        event = json.loads(params["Payload"])
        assert event["source"] == "aws.scheduler"
        assert event["resources"] == [
            "arn:aws:scheduler:us-east-1:000000000000:schedule/default/schedule"
        ]

    lab(body)


def test_a_rule_with_a_rate_fires_after_its_first_period(lab):
    async def body(it):
        it.put_rule(expression="rate(1 minute)")
        await it.clock.move(59)
        assert it.states.calls == []
        await it.clock.move(2)
        [event] = it.inputs()
        assert event["detail-type"] == "Scheduled Event"
        assert event["source"] == "aws.events"
        assert event["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/rule"]
        it.rules.disable_rule("rule", None)
        await it.clock.move(600)
        assert len(it.states.calls) == 1

    lab(body)


def test_a_schedule_that_cannot_fire_is_named_and_does_not_stop_the_others(lab, caplog):
    async def body(it):
        it.put_schedule("rate(1 minute)", "bad", target={"Arn": "arn:aws:sqs:us-east-1:0:q"})
        it.put_schedule("whenever", "worse")
        it.put_schedule("rate(1 minute)", "good")
        await it.clock.move(61)
        assert len(it.states.calls) == 2

    lab(body)
    assert "the event target arn:aws:sqs:us-east-1:0:q" in caplog.text
    assert "default/worse never fires" in caplog.text
