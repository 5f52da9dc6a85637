"""What each permission is there for: a flow that needs it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from system import runs
from tests.system.permissions import REGISTRY, House, RefusedError, mark
from tests.system.running import wait_until
from tests.system.watching import gate, is_closed, threshold, wait_for_state

Flow = Callable[[House], None]
LEDGER = "ledger.json"


def budget_is_read(house: House) -> None:
    house.invoke("read-budget", {"action": "check"})


def ledger_is_initialised(house: House) -> None:
    bucket = house.values["budget_bucket"]
    policy = house.s3.get_bucket_policy(Bucket=bucket)["Policy"]
    ledger = house.s3.get_object(Bucket=bucket, Key=LEDGER)["Body"].read()
    house.s3.delete_bucket_policy(Bucket=bucket)
    try:
        house.s3.delete_object(Bucket=bucket, Key=LEDGER)
        made = {"limit_microusd": 1, "runs_in_flight_max": 1, "spend_per_day_max_microusd": 1}
        house.invoke("update-budget", {"action": "initialise", **made})
    finally:
        house.s3.put_object(Bucket=bucket, Key=LEDGER, Body=ledger)
        house.s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def budget_is_changed(house: House) -> None:
    house.invoke("update-budget", {"action": "top_up", "amount_microusd": 1, "id": mark()})


def content_is_uploaded(house: House) -> None:
    house.upload(house.admit()["uploads"]["content"])


def style_is_uploaded(house: House) -> None:
    house.upload(house.admit()["uploads"]["styles"][0])


def mask_is_uploaded(house: House) -> None:
    asked = {"slot": "mask-0", "content_type": runs.MASK_TYPE}
    house.upload(house.api("POST", "/upload-urls", 200, asked))


def uploads_are_checked(house: House) -> None:
    run_id = runs.make_run_id()
    for key in (runs.content_key(run_id), runs.style_key(run_id, 0), runs.mask_key(run_id, 0)):
        house.put(key)
    payload = {"run_id": run_id, "styles": [{}], "params": {"masks": True}}
    house.invoke("get-upload-url", {"action": "check", **payload})


def a_missing_upload_is_told(house: House) -> None:
    payload = {"action": "check", "run_id": runs.make_run_id(), "styles": [{}]}
    if house.error("get-upload-url", payload) != "UploadMissing":
        raise RefusedError("the function cannot tell")


def link(name: str, key: Callable[[str], str]) -> Flow:
    def a_link_is_followed(house: House) -> None:
        admission = house.admit()
        house.put(key(admission["run_id"]))
        answer = httpx.get(admission["links"][name])
        if answer.status_code != 200:
            raise RefusedError(answer.text)

    return a_link_is_followed


def a_task_is_started(house: House) -> None:
    given = house.run_input()
    try:
        house.invoke("start-nst", {"action": "start", "task_token": "t", "run": given})
    finally:
        house.stop_tasks(given["run_id"])


def a_run_is_stopped(house: House) -> None:
    run_id, _ = house.waiting_run()
    try:
        house.api("POST", f"/runs/{run_id}/stop", 202)
    finally:
        house.end_run(run_id)


def a_task_is_stopped(house: House) -> None:
    given = house.run_input()
    run_id = given["run_id"]
    house.invoke("start-nst", {"action": "start", "task_token": "t", "run": given})

    def over() -> Any:
        try:
            return house.invoke("stop-nst", {"action": "ensure_stopped", "run_id": run_id})["task"]
        except RefusedError as error:
            if error.args[0] == "TaskStillStopping":
                return None
            raise

    try:
        assert wait_until("the task to stop", over)["state"] == "stopped"
    finally:
        house.stop_tasks(run_id)


def a_run_without_an_order_is_over(house: House) -> None:
    payload = {"action": "ensure_stopped", "run_id": runs.make_run_id()}
    assert house.invoke("stop-nst", payload)["task"]["state"] == "never_started"


def an_unseen_task_is_looked_for(house: House) -> None:
    run_id = runs.make_run_id()
    attempts = [{"id": "a", "at": 1, "outcome": "asked"}]
    order = {"run_id": run_id, "task_token": "t", "run": {}, "attempts": attempts}
    house.put(runs.start_order_key(run_id), json.dumps(order).encode())
    payload = {"action": "ensure_stopped", "run_id": run_id}
    assert house.invoke("stop-nst", payload)["task"]["state"] == "unknown"


def logged(function: str, payload: Mapping[str, Any]) -> Flow:
    def a_function_logs(house: House) -> None:
        since, correlation = len(house.records), mark()
        with contextlib.suppress(RefusedError):  # bad input is logged as well
            house.invoke(function, {**payload, "correlation_id": correlation})
        house.heard(function, correlation, f"the log of nst-{function} is lost", since)

    return a_function_logs


def a_painted_image_runs(house: House) -> None:
    """A task whose image lies in a registry of the account, as on AWS."""
    known = house.ecs.describe_task_definition(taskDefinition=house.values["task_family"])
    shape = known["taskDefinition"]
    kept = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory", "taskRoleArn")
    container = {**shape["containerDefinitions"][0], "image": f"{REGISTRY}/nst-worker:1"}
    if not shape["containerDefinitions"][0]["image"].startswith(REGISTRY):
        shape = house.ecs.register_task_definition(
            **{name: shape[name] for name in (*kept, "executionRoleArn")},
            containerDefinitions=[container],
        )["taskDefinition"]
    arn = house.run_task(shape["taskDefinitionArn"])

    def settled() -> Any:
        task = house.described(arn)
        return task if task["lastStatus"] in {"RUNNING", "STOPPED"} else None

    task = wait_until("the task to run, or not", settled)
    house.ecs.stop_task(cluster=house.values["cluster"], task=arn)
    if task["lastStatus"] == "STOPPED":
        raise RefusedError(task["stoppedReason"])


def a_stopped_task_starts_reconcile(house: House) -> None:
    since, run_id = len(house.records), runs.make_run_id()
    arn = house.run_task(house.values["task_family"], startedBy=run_id)
    house.ecs.stop_task(cluster=house.values["cluster"], task=arn)
    house.heard("read-budget", run_id, "could not reach its target", since)


def the_gate_closes_and_opens_the_api(house: House) -> None:
    for action, open_ in (("close", False), ("open", True)):
        answer = gate(house.states, house.values["gate_arn"], action)
        if answer["status"] != "SUCCEEDED":
            raise RefusedError(answer["cause"])
        if is_closed(house.web.get("/api/budget")) is open_:
            raise RefusedError(f"the stage does not {action}")


def the_alarm_closes_the_api(house: House) -> None:
    since, cloudwatch = len(house.records), house.client("cloudwatch")

    def seen() -> str:
        if house.said("could not reach its target", since):
            return "refused"
        return "closed" if is_closed(house.web.get("/api/budget")) else ""

    with threshold(cloudwatch, "nst-daily-requests", 1):
        found = wait_until("the API to close, or not", seen)
    wait_for_state(cloudwatch, "nst-daily-requests", "OK")
    if found == "refused":
        raise RefusedError(found)
    wait_until("the API to open", lambda: not is_closed(house.web.get("/api/budget")))


def a_schedule_starts_reconcile(house: House) -> None:
    since, run_id = len(house.records), runs.make_run_id()
    schedules, name = house.client("scheduler"), f"once-{run_id}"
    schedules.create_schedule(
        Name=name,
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": house.values["reconcile_arn"],
            "RoleArn": house.values["events_role_arn"],
            "Input": json.dumps({"run_id": run_id}),
        },
    )
    try:
        house.heard("read-budget", run_id, f"schedule/default/{name} could not reach", since)
    finally:
        schedules.delete_schedule(Name=name)


def a_new_sandbox_starts(house: House) -> None:
    """A function whose configuration changed gets a new process, and that one its role."""
    functions, name = house.client("lambda"), "nst-read-budget"
    timeout = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=21 - timeout)
    house.invoke("read-budget", {"action": "check"})


def a_run_starts_by_the_api(house: House) -> None:
    body = {"run_id": runs.make_run_id(), "styles": [{}], "params": {}}
    house.api("POST", "/run-nst", 422, body)  # nothing was uploaded


def a_run_is_admitted_by_the_api(house: House) -> None:
    body = {"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]}
    house.api("POST", "/runs", 201, body)


def an_upload_is_asked_for_by_the_api(house: House) -> None:
    house.api("POST", "/upload-urls", 200, {"slot": "content", "content_type": "image/png"})


def a_run_is_seen_by_the_api(house: House) -> None:
    run_id, _ = house.waiting_run()
    try:
        house.api("GET", f"/runs/{run_id}", 200)
    finally:
        house.end_run(run_id)


def the_budget_is_seen_by_the_api(house: House) -> None:
    house.api("GET", "/budget", 200)


def a_stop_is_asked_for_by_the_api(house: House) -> None:
    house.api("POST", f"/runs/{runs.make_run_id()}/stop", 404)


def fetched(key: Callable[[str], str]) -> Flow:
    def the_worker_fetches(house: House) -> None:
        at = key(runs.make_run_id())
        house.put(at)
        assert house.worker()[0].fetch(at, 100, lambda: None) == b"x"

    return the_worker_fetches


def the_worker_reads_its_log(house: House) -> None:
    run_id = runs.make_run_id()
    house.put(runs.events_key(run_id), b"{}")
    assert house.worker()[0].log(run_id) is not None


def the_worker_reads_its_order(house: House) -> None:
    run_id = runs.make_run_id()
    house.put(runs.start_order_key(run_id), b"{}")
    assert house.worker()[0].order(run_id) == {}


def the_worker_gets_its_second_token(house: House) -> None:
    run_id = runs.make_run_id()
    house.put(runs.watch_key(run_id), b'{"task_token": "t"}')
    assert house.worker()[0].watch_token(run_id) == "t"


def the_worker_sees_the_cancel_mark(house: House) -> None:
    run_id = runs.make_run_id()
    house.put(runs.cancel_key(run_id))
    assert house.worker()[0].cancelled(run_id)


def the_worker_waits_for_its_second_token(house: House) -> None:
    assert house.worker()[0].watch_token(runs.make_run_id()) is None


def the_worker_writes_its_log(house: House) -> None:
    house.worker()[0].put_log(runs.make_run_id(), "{}")


def the_worker_writes_a_preview(house: House) -> None:
    house.worker()[0].put_preview(runs.make_run_id(), b"jpeg")


def the_worker_writes_the_painting(house: House) -> None:
    house.worker()[0].put_result(runs.make_run_id(), b"png")


def told(how: Callable[[Any, str], None]) -> Flow:
    def the_worker_tells_the_workflow(house: House) -> None:
        run_id, token = house.waiting_run()
        try:
            how(house.worker()[1], token)
        finally:
            house.end_run(run_id)

    return the_worker_tells_the_workflow


TRUSTS: Mapping[tuple[str, str, str], Flow] = {
    ("read-budget", "lambda", "lambda.amazonaws.com"): a_new_sandbox_starts,
    ("admit-run", "states", "states.amazonaws.com"): a_run_is_admitted_by_the_api,
    ("run-nst", "states", "states.amazonaws.com"): a_run_is_seen_by_the_api,
    ("task", "ecs-tasks", "ecs-tasks.amazonaws.com"): a_task_is_started,
    ("task-execution", "ecs-tasks", "ecs-tasks.amazonaws.com"): a_task_is_started,
    ("gateway", "apigateway", "apigateway.amazonaws.com"): the_budget_is_seen_by_the_api,
    ("events", "events", "events.amazonaws.com"): a_stopped_task_starts_reconcile,
    ("events", "events", "scheduler.amazonaws.com"): a_schedule_starts_reconcile,
}
"""Who may assume which role, by the name of the trust policy, and what fails when it may not."""
LINKS = {
    "events.jsonl": link("events", runs.events_key),
    "preview.jpg": link("preview", runs.preview_key),
    "result.png": link("result", runs.result_key),
}
CHEAP = {
    "read-budget": {"action": "check"},
    "update-budget": {"action": "roll_over"},
    "get-upload-url": {"action": "none"},
    "start-nst": {"action": "none"},
    "stop-nst": {"action": "none"},
}
FLOWS: Mapping[tuple[str, str, str], Flow] = {
    ("read-budget", "s3:GetObject", LEDGER): budget_is_read,
    ("update-budget", "s3:GetObject", LEDGER): budget_is_changed,
    ("update-budget", "s3:PutObject", LEDGER): budget_is_changed,
    ("update-budget", "s3:ListBucket", "${budget_bucket_arn}"): ledger_is_initialised,
    ("get-upload-url", "s3:PutObject", "content"): content_is_uploaded,
    ("get-upload-url", "s3:PutObject", "style-*"): style_is_uploaded,
    ("get-upload-url", "s3:PutObject", "mask-*"): mask_is_uploaded,
    ("get-upload-url", "s3:GetObject", "content"): uploads_are_checked,
    ("get-upload-url", "s3:GetObject", "style-*"): uploads_are_checked,
    ("get-upload-url", "s3:GetObject", "mask-*"): uploads_are_checked,
    **{("get-upload-url", "s3:GetObject", name): flow for name, flow in LINKS.items()},
    ("get-upload-url", "s3:ListBucket", "${storage_bucket_arn}"): a_missing_upload_is_told,
    ("start-nst", "s3:GetObject", "start.json"): a_task_is_started,
    ("start-nst", "s3:PutObject", "start.json"): a_task_is_started,
    ("start-nst", "s3:GetObject", "cancel"): a_task_is_started,
    ("start-nst", "s3:GetObject", "over"): a_task_is_started,
    ("start-nst", "s3:ListBucket", "${storage_bucket_arn}"): a_task_is_started,
    ("start-nst", "ecs:RunTask", "${task_definition_arn_prefix}"): a_task_is_started,
    ("start-nst", "iam:PassRole", "${task_role_arn}"): a_task_is_started,
    ("start-nst", "iam:PassRole", "${task_execution_role_arn}"): a_task_is_started,
    ("stop-nst", "s3:GetObject", "start.json"): a_run_is_stopped,
    ("stop-nst", "s3:GetObject", "watch.json"): a_run_is_stopped,
    ("stop-nst", "s3:PutObject", "cancel"): a_run_is_stopped,
    ("stop-nst", "s3:PutObject", "over"): a_run_without_an_order_is_over,
    ("stop-nst", "s3:ListBucket", "${storage_bucket_arn}"): a_run_without_an_order_is_over,
    ("stop-nst", "ecs:DescribeTasks", "*"): a_task_is_stopped,
    ("stop-nst", "ecs:StopTask", "*"): a_task_is_stopped,
    ("stop-nst", "ecs:ListTasks", "*"): an_unseen_task_is_looked_for,
    ("stop-nst", "states:DescribeExecution", "*"): a_run_is_stopped,
    ("stop-nst", "states:SendTaskFailure", "${run_nst_arn}"): a_run_is_stopped,
    **{
        (name, action, f"${{{name.replace('-', '_')}_name}}:*"): logged(name, payload)
        for name, payload in CHEAP.items()
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    },
    ("task-execution", "ecr:GetAuthorizationToken", "*"): a_painted_image_runs,
    ("task-execution", "ecr:BatchCheckLayerAvailability", "${name}-worker"): a_painted_image_runs,
    ("task-execution", "ecr:BatchGetImage", "${name}-worker"): a_painted_image_runs,
    ("task-execution", "ecr:GetDownloadUrlForLayer", "${name}-worker"): a_painted_image_runs,
    ("task-execution", "logs:CreateLogStream", "${log_group}:*"): a_painted_image_runs,
    ("task-execution", "logs:PutLogEvents", "${log_group}:*"): a_painted_image_runs,
    ("task", "s3:GetObject", "content"): fetched(runs.content_key),
    ("task", "s3:GetObject", "style-*"): fetched(lambda run_id: runs.style_key(run_id, 3)),
    ("task", "s3:GetObject", "mask-*"): fetched(lambda run_id: runs.mask_key(run_id, 3)),
    ("task", "s3:GetObject", "events.jsonl"): the_worker_reads_its_log,
    ("task", "s3:GetObject", "gallery/*"): fetched(lambda _: "gallery/ink-wash.jpg.copy"),
    ("task", "s3:GetObject", "start.json"): the_worker_reads_its_order,
    ("task", "s3:GetObject", "watch.json"): the_worker_gets_its_second_token,
    ("task", "s3:GetObject", "cancel"): the_worker_sees_the_cancel_mark,
    ("task", "s3:PutObject", "events.jsonl"): the_worker_writes_its_log,
    ("task", "s3:PutObject", "preview.jpg"): the_worker_writes_a_preview,
    ("task", "s3:PutObject", "result.png"): the_worker_writes_the_painting,
    ("task", "s3:ListBucket", "${storage_bucket_arn}"): the_worker_waits_for_its_second_token,
    ("task", "states:SendTaskSuccess", "${run_nst_arn}"): told(lambda c, t: c.succeed(t, {})),
    ("task", "states:SendTaskFailure", "${run_nst_arn}"): told(lambda c, t: c.fail(t, "E", "e")),
    ("task", "states:SendTaskHeartbeat", "${run_nst_arn}"): told(lambda c, t: c.heartbeat(t)),
    ("gateway", "lambda:InvokeFunction", "${read_budget_arn}"): the_budget_is_seen_by_the_api,
    (
        "gateway",
        "lambda:InvokeFunction",
        "${get_upload_url_arn}",
    ): an_upload_is_asked_for_by_the_api,
    ("gateway", "lambda:InvokeFunction", "${stop_nst_arn}"): a_stop_is_asked_for_by_the_api,
    ("gateway", "states:StartSyncExecution", "${admit_run_arn}"): a_run_is_admitted_by_the_api,
    ("gateway", "states:StartSyncExecution", "${start_run_arn}"): a_run_starts_by_the_api,
    ("gateway", "states:DescribeExecution", "*"): a_run_is_seen_by_the_api,
    ("events", "states:StartExecution", "${reconcile_arn}"): a_stopped_task_starts_reconcile,
    ("events", "states:StartExecution", "${gate_arn}"): the_alarm_closes_the_api,
    ("gate", "apigateway:PATCH", "${api_stage_arn}"): the_gate_closes_and_opens_the_api,
}
