"""Alarms that go off, the API that closes and opens by itself, and the operator's hand on it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from system import runs
from tests.system.permissions import House, start
from tests.system.running import nst, wait_until
from tests.system.watching import described, gate, is_closed, threshold, wait_for_state

DAILY = "nst-daily-requests"
NAMES = (
    *("nst-budget-100", "nst-budget-80", DAILY, "nst-overrun", "nst-reconcile-findings"),
    *("nst-runs-failed", "nst-runs-timed-out"),
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A stack of our own: these tests close its API and spend its budget."""
    stack, made = start([])
    logging.getLogger("emulator").info("alarms are tested on %s", stack.aws_url)
    try:
        yield made
    finally:
        made.close()
        stack.__exit__(None, None, None)


@pytest.fixture(scope="module")
def cloudwatch(house: House) -> Any:
    return house.client("cloudwatch")


@pytest.fixture(scope="module")
def told(house: House) -> Any:
    """What the topic tells: alarm and new state, as an SQS queue that subscribes hears it."""
    sqs, sns = house.client("sqs"), house.client("sns")
    url = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    [topic] = [t["TopicArn"] for t in sns.list_topics()["Topics"]]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    heard: list[tuple[str, str]] = []

    def listen() -> list[tuple[str, str]]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            told = json.loads(json.loads(message["Body"])["Message"])
            heard.append((told["AlarmName"], told["NewStateValue"]))
        return heard

    return listen


def budget(house: House) -> httpx.Response:
    return house.web.get("/api/budget")


def test_everything_declared_is_watched(cloudwatch: Any) -> None:
    found = cloudwatch.describe_alarms()["MetricAlarms"]
    assert tuple(a["AlarmName"] for a in found) == NAMES
    assert all(a["AlarmActions"] == a["OKActions"] != [] for a in found)


def test_too_many_requests_close_the_api_and_when_they_are_fewer_it_opens(
    house: House, cloudwatch: Any, told: Any
) -> None:
    assert budget(house).status_code == 200
    with threshold(cloudwatch, DAILY, 3):
        closed = wait_until(
            "the API to close", lambda: [a for a in [budget(house)] if is_closed(a)]
        )
        assert "x-amzn-errortype" in closed[0].headers
        # every method is, and what strangers ask for costs nothing any more
        assert is_closed(house.web.post("/api/runs", json={}))
        assert is_closed(house.web.get(f"/api/runs/{runs.make_run_id()}"))
        direct = f"{house.stack.aws_url}/_aws/execute-api/{house.values['api_id']}/prod/api/budget"
        assert is_closed(httpx.get(direct))
        # the page itself goes on to be served
        assert house.web.get("/").status_code == 200
        assert described(cloudwatch, DAILY)["StateValue"] == "ALARM"
        wait_until("the topic to tell", lambda: (DAILY, "ALARM") in told())
    # as when the flood has left the window: below the threshold again
    wait_until("the API to open", lambda: budget(house).status_code == 200)
    wait_until("the topic to tell", lambda: (DAILY, "OK") in told())
    stage = house.client("apigateway").get_stage(restApiId=house.values["api_id"], stageName="prod")
    limits = {
        method: (s["throttlingRateLimit"], s["throttlingBurstLimit"])
        for method, s in stage["methodSettings"].items()
    }
    assert limits["*/*"] == (50, 100)
    assert limits["api/runs/POST"] == (2, 10)
    assert limits["api/runs/{run_id}/links/POST"] == (4, 16)
    assert stage["variables"] == {"state": "open"}


def test_an_operator_closes_and_reopens(house: House) -> None:
    where = ("--endpoint-url", house.stack.aws_url)
    done = nst("close", *where)
    assert done.returncode == 0, done.stderr
    assert is_closed(budget(house))
    done = nst("reopen", *where)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The API is open.\n"
    assert budget(house).status_code == 200


def test_reopening_during_a_flood_says_what_protects_and_what_does_not(
    house: House, cloudwatch: Any
) -> None:
    with threshold(cloudwatch, DAILY, 1):
        wait_until("the API to close", lambda: is_closed(budget(house)))
        done = nst("reopen", "--endpoint-url", house.stack.aws_url)
        assert done.returncode == 0, done.stderr
        assert "still in ALARM (Threshold Crossed" in done.stdout
        assert "requests_per_day_max" in done.stdout
        assert budget(house).status_code == 200
    wait_for_state(cloudwatch, DAILY, "OK")


def test_reopening_where_there_is_no_gate_is_one_clear_sentence(house: House) -> None:
    done = nst("reopen", "--endpoint-url", house.stack.aws_url, "--name", "nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The gate nobody-gate could not be started")
    assert "Traceback" not in done.stderr


def test_the_gate_takes_no_other_word(house: House) -> None:
    answer = gate(house.states, house.values["gate_arn"], "demolish")
    assert (answer["status"], answer["error"]) == ("FAILED", "InvalidRequest")
    assert budget(house).status_code == 200


def test_a_finding_of_reconcile_raises_its_alarm(house: House, cloudwatch: Any, told: Any) -> None:
    run_id, _ = house.waiting_run()
    reserve = {"action": "reserve", "run_id": run_id, "digest": "0" * 64}
    house.invoke("update-budget", {**reserve, "ceiling_microusd": 20_000})
    # aborted from outside: no state of the workflow is left to settle, so reconcile does
    house.end_run(run_id)
    wait_for_state(cloudwatch, "nst-reconcile-findings", "ALARM")
    wait_until("the topic to tell", lambda: ("nst-reconcile-findings", "ALARM") in told())


def test_a_run_that_fails_is_counted(house: House, cloudwatch: Any) -> None:
    with threshold(cloudwatch, "nst-runs-failed", 1):
        run_id, token = house.waiting_run()
        house.states.send_task_failure(taskToken=token, error="WorkerFailed", cause="no paint")
        wait_for_state(cloudwatch, "nst-runs-failed", "ALARM")
        house.stop_tasks(run_id)


def test_overrun_and_budget_raise_their_alarms(house: House, cloudwatch: Any, told: Any) -> None:
    run_id = runs.make_run_id()
    reserve = {"action": "reserve", "run_id": run_id, "digest": "0" * 64}
    house.invoke("update-budget", {**reserve, "ceiling_microusd": 20_000})
    # an hour of a task that was paid for a minute
    task = {"state": "stopped", "pull_started_at": 1_000, "stopped_at": 1_000 + 4 * 3_600}
    settled = house.invoke("update-budget", {"action": "settle", "run_id": run_id, "task": task})
    assert settled["overrun_microusd"] > 0
    wait_for_state(cloudwatch, "nst-overrun", "ALARM")
    spent = settled["charged_microusd"]
    for limit, name, other in (
        (spent * 100 // 81, "nst-budget-80", "nst-budget-100"),
        (spent, "nst-budget-100", "nst-budget-80"),
    ):
        before = described(cloudwatch, other)["StateValue"]
        house.invoke("update-budget", {"action": "set_limit", "limit_microusd": limit})
        wait_for_state(cloudwatch, name, "ALARM")
        assert described(cloudwatch, other)["StateValue"] == before
    expected = {(name, "ALARM") for name in ("nst-overrun", "nst-budget-80", "nst-budget-100")}
    wait_until("the topic to tell", lambda: expected <= set(told()))


def named(parts: list[Any]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Namespace, name and dimensions of a metric as a dashboard writes it."""
    space, name, *pairs = [part for part in parts if isinstance(part, str)]
    return space, name, tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True)))


def test_what_the_dashboard_shows_is_measured(house: House, cloudwatch: Any) -> None:
    """Every metric of it is there, but those of what has not happened to this stack."""
    budget(house)
    board = json.loads(cloudwatch.get_dashboard(DashboardName="nst")["DashboardBody"])
    shown = {named(m) for w in board["widgets"] for m in w["properties"]["metrics"]}
    measured = {
        (m["Namespace"], m["MetricName"], tuple((d["Name"], d["Value"]) for d in m["Dimensions"]))
        for m in cloudwatch.list_metrics()["Metrics"]
    }
    run, reconcile = house.values["run_nst_arn"], house.values["reconcile_arn"]
    outcomes = ("ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut")
    happens_elsewhere = {
        *(("AWS/States", name, (("StateMachineArn", run),)) for name in outcomes),
        ("AWS/States", "ExecutionsAborted", (("StateMachineArn", run),)),
        ("AWS/States", "ExecutionsFailed", (("StateMachineArn", reconcile),)),
        *(
            ("AWS/Lambda", n, (("FunctionName", "nst-get-upload-url"),))
            for n in ("Errors", "Duration")
        ),
    }
    assert shown - measured <= happens_elsewhere
    assert ("NST", "ReconcileFindings", ()) in shown & measured


METRICS = {
    "API Gateway": (
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "api-gateway-metrics-and-dimensions.html"
    ),
    "Lambda": "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html",
    "Step Functions": "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html",
}


@pytest.mark.fidelity(
    area="CloudWatch",
    feature="API Gateway reports Count, 4XXError, 5XXError and Latency, by API and by stage",
    source=METRICS["API Gateway"],
    note="not IntegrationLatency, nor metrics by method",
)
@pytest.mark.fidelity(
    area="CloudWatch",
    feature="Lambda reports Invocations, Errors, Throttles and Duration of a function",
    source=METRICS["Lambda"],
)
@pytest.mark.fidelity(
    area="CloudWatch",
    feature="Step Functions reports executions that started and how they ended, and their time",
    source=METRICS["Step Functions"],
)
def test_services_report_what_they_do(house: House, cloudwatch: Any) -> None:
    def total(namespace: str, metric: str, dimensions: dict[str, str]) -> float:
        now = house.stack.emulator.clock.now()
        found = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=now - 86_400,
            EndTime=now + 60,
            Period=3_600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in found["Datapoints"]))

    api = {"ApiName": "nst", "Stage": "prod"}
    function = {"FunctionName": "nst-read-budget"}
    machine = {"StateMachineArn": house.values["gate_arn"]}
    counted = [
        ("AWS/ApiGateway", "Count", api, 3),
        ("AWS/ApiGateway", "4XXError", api, 1),
        ("AWS/ApiGateway", "5XXError", api, 0),
        ("AWS/Lambda", "Invocations", function, 2),
        ("AWS/Lambda", "Errors", function, 0),
        ("AWS/States", "ExecutionsStarted", machine, 2),
        ("AWS/States", "ExecutionsSucceeded", machine, 1),
        ("AWS/States", "ExecutionsFailed", machine, 1),
    ]
    before = [total(space, name, whose) for space, name, whose, _ in counted]
    assert [budget(house).status_code for _ in range(2)] == [200, 200]
    assert house.web.post("/api/runs", json={}).status_code == 400
    assert gate(house.states, house.values["gate_arn"], "open")["status"] == "SUCCEEDED"
    assert gate(house.states, house.values["gate_arn"], "x")["status"] == "FAILED"
    after = [total(space, name, whose) for space, name, whose, _ in counted]
    assert [b - a for a, b in zip(before, after, strict=True)] == [n for *_, n in counted]
    assert total("AWS/Lambda", "Duration", function) > 0
    functions, other = house.client("lambda"), {"FunctionName": "nst-get-upload-url"}
    throttled = total("AWS/Lambda", "Throttles", other)
    functions.put_function_concurrency(**other, ReservedConcurrentExecutions=0)
    try:
        with pytest.raises(functions.exceptions.TooManyRequestsException):
            functions.invoke(**other)
    finally:
        functions.delete_function_concurrency(**other)
    assert total("AWS/Lambda", "Throttles", other) - throttled == 1
