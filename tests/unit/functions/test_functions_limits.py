"""Concurrency, asynchronous events, and a caller that does not wait."""

import asyncio
import json

import pytest

from emulator.core.errors import AwsError

WAITER = """
    import pathlib, time
    def handler(event, context):
        while "file" in event and not pathlib.Path(event["file"]).exists():
            time.sleep(0.01)
        if "mark" in event:
            with open(event["mark"], "a") as marks:
                marks.write(context.aws_request_id + "\\n")
        if event.get("fail"):
            raise ValueError("no")
        return "done"
"""


@pytest.mark.fidelity(
    area="Lambda",
    feature="the account's concurrency: ConcurrentInvocationLimitExceeded",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html",
)
def test_the_accounts_limit_throttles_the_next_event(lab, tmp_path):
    async def run():
        async with lab(concurrency=2) as it:
            it.deploy("fn", WAITER, Timeout=60)
            go = tmp_path / "go"
            under_way = [asyncio.create_task(it.result("fn", {"file": str(go)})) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(AwsError) as refused:
                await it.invoke("fn")
            assert refused.value.code == "TooManyRequestsException"
            assert refused.value.status == 429
            assert refused.value.fields["Reason"] == "ConcurrentInvocationLimitExceeded"
            go.touch()
            assert await asyncio.gather(*under_way) == ["done", "done"]
            assert await it.result("fn") == "done"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="reserved concurrency limits its function and is taken from the others",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
)
def test_reserved_concurrency_is_a_limit_for_one_and_is_taken_from_the_others(lab, tmp_path):
    async def run():
        async with lab(concurrency=2) as it:
            it.deploy("reserved", WAITER, Timeout=60)
            it.deploy("other", WAITER, Timeout=60)
            it.backend.get_function("reserved").reserved_concurrency = 1
            go = tmp_path / "go"
            event = {"file": str(go)}
            under_way = [asyncio.create_task(it.result(n, event)) for n in ("reserved", "other")]
            await asyncio.sleep(0)
            for name, reason in (
                ("reserved", "ReservedFunctionConcurrentInvocationLimitExceeded"),
                ("other", "ConcurrentInvocationLimitExceeded"),
            ):
                with pytest.raises(AwsError) as refused:
                    await it.invoke(name)
                assert refused.value.fields["Reason"] == reason
            go.touch()
            await asyncio.gather(*under_way)
            it.backend.get_function("reserved").reserved_concurrency = 0
            with pytest.raises(AwsError):
                await it.invoke("reserved")

    asyncio.run(run())


def test_an_invocation_goes_on_without_its_caller_and_counts_until_it_ends(lab, tmp_path, until):
    async def run():
        async with lab(concurrency=1) as it:
            it.deploy("fn", WAITER, Timeout=60)
            go, mark = tmp_path / "go", tmp_path / "mark"
            caller = asyncio.create_task(it.result("fn", {"file": str(go), "mark": str(mark)}))
            await asyncio.sleep(0)
            caller.cancel()
            await asyncio.gather(caller, return_exceptions=True)
            with pytest.raises(AwsError, match="Rate Exceeded"):
                await it.invoke("fn")
            go.touch()
            await until(mark.exists)
            await until(lambda: not it.functions._running)
            assert await it.result("fn") == "done"

    asyncio.run(run())


def test_an_asynchronous_event_is_taken_at_once_and_runs_later(lab, tmp_path, until):
    async def run():
        async with lab() as it:
            it.deploy("fn", WAITER, Timeout=60)
            go, mark = tmp_path / "go", tmp_path / "mark"
            answer = await it.invoke(
                "fn", {"file": str(go), "mark": str(mark)}, InvocationType="Event"
            )
            assert answer == {"StatusCode": 202, "Payload": b""}
            go.touch()
            await until(mark.exists)

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="a failed event is retried after one and two minutes",
    source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
)
def test_a_failed_asynchronous_event_is_tried_twice_more_with_the_same_request_id(
    lab, gate, tmp_path, until
):
    async def run():
        clock = gate(from_s=10)
        async with lab(clock=clock) as it:
            it.deploy("fn", WAITER, Timeout=60)
            mark = tmp_path / "mark"
            await it.invoke("fn", {"mark": str(mark), "fail": True}, InvocationType="Event")
            await clock.step()
            await clock.step()
            await until(lambda: not it.functions._queue.under_way)
            assert clock.slept == [60.0, 120.0]
            marks = mark.read_text().split()
            assert len(marks) == 3
            assert len(set(marks)) == 1

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="MaximumRetryAttempts; a Lambda destination gets the record as its payload",
    source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
)
def test_the_functions_own_retry_setting_counts_and_its_destination_is_told(lab, tmp_path, until):
    async def run():
        async with lab() as it:
            it.deploy("fn", WAITER, Timeout=60)
            it.deploy("told", """
                import json
                def handler(event, context):
                    with open(event["requestPayload"]["mark"] + ".told", "w") as out:
                        out.write(json.dumps(event))
                """)  # fmt: skip
            mark = tmp_path / "mark"
            it.backend.put_function_event_invoke_config(
                "fn",
                {
                    "MaximumRetryAttempts": 0,
                    "MaximumEventAgeInSeconds": 60,
                    "DestinationConfig": {
                        "OnFailure": {
                            "Destination": "arn:aws:lambda:us-east-1:000000000000:function:told"
                        }
                    },
                },
            )
            await it.invoke("fn", {"mark": str(mark), "fail": True}, InvocationType="Event")
            record = tmp_path / "mark.told"
            await until(lambda: record.exists() and record.read_text())
            told = json.loads(record.read_text())
            assert told["requestContext"]["condition"] == "RetriesExhausted"
            assert told["requestContext"]["approximateInvokeCount"] == 1
            assert told["responsePayload"]["errorType"] == "ValueError"
            assert told["responseContext"]["functionError"] == "Unhandled"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="a throttled event waits, from one second up to five minutes",
    source="https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html",
)
def test_a_throttled_asynchronous_event_waits_for_its_turn(lab, gate, tmp_path, until):
    async def run():
        clock = gate(from_s=0.9)
        async with lab(clock=clock, concurrency=1) as it:
            it.deploy("fn", WAITER, Timeout=60)
            go, mark = tmp_path / "go", tmp_path / "mark"
            first = asyncio.create_task(it.result("fn", {"file": str(go)}))
            await asyncio.sleep(0)
            await it.invoke("fn", {"mark": str(mark)}, InvocationType="Event")
            await clock.arrived.wait()
            assert clock.slept == [1.0]
            go.touch()
            await first
            await clock.step()
            await until(mark.exists)

    asyncio.run(run())


def test_too_many_waiting_events_are_refused(lab, tmp_path):
    async def run():
        async with lab(async_events_max=1) as it:
            it.deploy("fn", WAITER, Timeout=60)
            event = {"file": str(tmp_path / "never")}
            await it.invoke("fn", event, InvocationType="Event")
            with pytest.raises(AwsError) as refused:
                await it.invoke("fn", event, InvocationType="Event")
            assert refused.value.code == "TooManyRequestsException"

    asyncio.run(run())


def test_nothing_starts_in_an_engine_that_stops(lab):
    async def run():
        async with lab() as it:
            it.deploy("fn", WAITER)
            assert await it.result("fn") == "done"
            await it.functions.stop()
            with pytest.raises(AwsError, match="is stopping"):
                await it.invoke("fn")

    asyncio.run(run())
