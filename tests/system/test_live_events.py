"""Both ways of following a run: its event log, and the stream of a deployment with live events."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from PIL import Image

from system.client.client import NstClient
from system.client.follow import Links
from system.client.transport import Transport
from system.events import Event
from tests.system.running import Running, nst, started, wait_until
from tests.system.visitor import SLOW, Visitor, picture

NOBODY = "f" * 32
OF_RUN_MAX = 16


def serves(stack: Running) -> bool:
    """Whether an instance of live events answers."""
    return stack.http().get(f"/api/runs/{NOBODY}/events").status_code == 404


@pytest.fixture(scope="session")
def live_stack(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Running]:
    """An emulator with live events; for the target ``docker``, its instances are containers too."""
    folder = tmp_path_factory.mktemp("live")
    tasks = "docker" if request.config.getoption("--target") == "docker" else "processes"
    with started(folder, "--budget", "100", "--live-events", "--tasks", tasks) as running:
        wait_until("the instance of live events", lambda: serves(running))
        yield running


@dataclass
class Followed:
    """A visitor of one mode, with the public API's client, which notes what it asked for."""

    stack: Running
    mode: str
    asked: list[httpx.URL] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.visitor = Visitor(self.stack)
        http = self.stack.http(event_hooks={"request": [lambda r: self.asked.append(r.url)]})
        self.client = NstClient(self.stack.web_url, transport=Transport(http))

    def events(self, admission: dict[str, Any]) -> Iterator[Event]:
        return self.client.events(admission["run_id"], Links.parse(admission["links"]))

    def documents(self, admission: dict[str, Any]) -> list[dict[str, Any]]:
        return [event.document() for event in self.events(admission)]

    def took_its_way(self) -> bool:
        """Whether the client went only where its mode has it go."""
        logs = [url for url in self.asked if url.path.endswith("/events.jsonl")]
        streams = [url for url in self.asked if url.path.endswith("/events")]
        wanted, other = (streams, logs) if self.mode == "live" else (logs, streams)
        return bool(wanted) and not other


@pytest.fixture(params=["log", "live"])
def followed(request: pytest.FixtureRequest) -> Followed:
    name = "live_stack" if request.param == "live" else "stack"
    return Followed(request.getfixturevalue(name), request.param)


def assert_whole(events: list[dict[str, Any]], log: list[dict[str, Any]], state: str) -> None:
    """Every event once, in order, to the last, and the same as in the log."""
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "state"
    assert events[-1]["state"] == state
    assert events == log


def test_a_run_is_followed_to_its_painting(followed: Followed, tmp_path: Path) -> None:
    admission = followed.visitor.begin()
    events = followed.documents(admission)
    assert_whole(events, followed.visitor.events(admission), "succeeded")
    assert followed.took_its_way()
    assert followed.client.download(admission["run_id"], tmp_path / "painting.png") > 1_000
    followed.visitor.settled(admission["run_id"])


def test_a_run_that_is_stopped_says_so_as_its_last_event(followed: Followed) -> None:
    admission = followed.visitor.begin(**SLOW)
    events = []
    for event in followed.events(admission):
        events.append(event.document())
        if event.type == "progress" and event.fields["step"] == 1:
            followed.client.stop(admission["run_id"])
    assert_whole(events, followed.visitor.events(admission), "cancelled")
    assert followed.took_its_way()
    followed.visitor.settled(admission["run_id"])


def test_a_run_that_fails_tells_its_follower_why(followed: Followed) -> None:
    admission = followed.visitor.begin(content=b"no picture at all")
    events = followed.documents(admission)
    assert_whole(events, followed.visitor.events(admission), "failed")
    assert events[-1]["problem"]["code"] == "picture-refused"
    followed.visitor.settled(admission["run_id"])


def test_nst_run_paints(followed: Followed, tmp_path: Path) -> None:
    content, style, out = (tmp_path / name for name in ("c.png", "s.png", "painting.png"))
    content.write_bytes(picture(seed=1))
    style.write_bytes(picture(64, 64, seed=2))
    done = nst(
        "run", str(content), str(style), "-o", str(out), "--size", "64", "--quality", "draft",
        "--endpoint", followed.stack.web_url,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(out) as painting:
        assert max(painting.size) == 64


def test_without_live_events_there_is_no_stream_and_no_link_to_one(visitor: Visitor) -> None:
    admission = visitor.admit()
    assert "events_live" not in admission["links"]
    answer = visitor.http.get(f"/api/runs/{admission['run_id']}/events")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


class Stream:
    """One event stream of the route itself."""

    def __init__(self, http: httpx.Client, run_id: str, after: int | None = None) -> None:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        self._open = contextlib.ExitStack()
        path = f"/api/runs/{run_id}/events"
        self.answer = self._open.enter_context(http.stream("GET", path, headers=headers))
        self._lines = self.answer.iter_lines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def events(self) -> Iterator[dict[str, Any]]:
        """The events; their frames are as they must be."""
        frame: list[str] = []
        for line in self._lines:
            if line:
                frame.append(line)
            elif frame and not frame[0].startswith(":"):
                event: dict[str, Any] = json.loads(frame[2].removeprefix("data: "))
                assert frame[:2] == [f"id: {event['id']}", f"event: {event['type']}"]
                yield event
            if not line:
                frame = []


@pytest.fixture(scope="module")
def painting(live_stack: Running) -> Iterator[tuple[Visitor, dict[str, Any]]]:
    """A run that paints for as long as these tests follow it."""
    visitor = Visitor(live_stack)
    admission = visitor.begin(**SLOW)
    visitor.running(admission)
    yield visitor, admission
    visitor.post(f"/api/runs/{admission['run_id']}/stop", {})
    visitor.finish(admission["run_id"])


Painting = tuple[Visitor, dict[str, Any]]


@pytest.mark.fidelity(
    area="API Gateway",
    feature="responseTransferMode STREAM of a private integration: pieces go on as they come",
    source="https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html",
    verdict="works",
    note="15 minutes at most, 5 minutes without a byte",
)
def test_events_come_through_cdn_and_gateway_while_the_run_goes_on(painting: Painting) -> None:
    visitor, admission = painting
    with Stream(visitor.http, admission["run_id"]) as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store"
        assert stream.answer.headers["x-cache"] == "Miss from cloudfront"
        assert "content-encoding" not in stream.answer.headers
        events = stream.events()
        seen = next(e for e in events if e["type"] == "progress")
        later = next(e for e in events if e["type"] == "progress")
        assert later["id"] > seen["id"]
    state = visitor.state(admission["run_id"])
    assert state is not None
    assert state["state"] == "running", "the events came while it was still painting"


def test_a_stream_is_resumed_after_the_last_event_without_a_gap(painting: Painting) -> None:
    visitor, admission = painting
    run_id = admission["run_id"]
    with Stream(visitor.http, run_id) as stream:
        events = stream.events()
        first = [next(events) for _ in range(4)]
    with Stream(visitor.http, run_id, after=first[-1]["id"]) as stream:
        events = stream.events()
        rest = [next(events) for _ in range(4)]
    whole = visitor.events(admission)
    assert first + rest == whole[:8]


def test_two_followers_hear_the_same(painting: Painting, live_stack: Running) -> None:
    visitor, admission = painting
    other = Visitor(live_stack)
    run_id = admission["run_id"]
    with Stream(visitor.http, run_id) as one, Stream(other.http, run_id) as two:
        pairs = zip(one.events(), two.events(), strict=True)
        for mine, theirs in (next(pairs) for _ in range(6)):
            assert mine == theirs


def test_clients_that_go_away_leave_their_places_to_others(
    painting: Painting, live_stack: Running
) -> None:
    _, admission = painting
    run_id = admission["run_id"]
    # a connection of its own for each, since they all stay open
    with contextlib.ExitStack() as crowd:
        for _ in range(OF_RUN_MAX):
            http = crowd.enter_context(httpx.Client(base_url=live_stack.web_url, timeout=60))
            stream = crowd.enter_context(Stream(http, run_id))
            assert stream.answer.status_code == 200
            assert next(stream.events())["id"] == 1
        answer = live_stack.http().get(f"/api/runs/{run_id}/events")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["content-type"] == "application/problem+json"

    def place() -> bool:
        with httpx.Client(base_url=live_stack.web_url) as http, Stream(http, run_id) as stream:
            return stream.answer.status_code == 200

    wait_until("a place to be free again", place)


@pytest.mark.parametrize("last", ["x", "-1", "1.5"])
def test_a_last_event_id_of_nobody_is_refused(painting: Painting, last: str) -> None:
    visitor, admission = painting
    path = f"/api/runs/{admission['run_id']}/events"
    answer = visitor.http.get(path, headers={"Last-Event-ID": last})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid-request"


@pytest.mark.fidelity(
    area="ECS",
    feature="a service replaces a task that ends, and registers the new one with its target group",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html",
    verdict="works",
    note="health checks of the load balancer replace no task here",
)
def test_an_instance_that_ends_is_replaced_and_its_followers_miss_nothing(
    painting: Painting, live_stack: Running
) -> None:
    """Any instance can serve any run from its log. (The last test of the painting: it stops it.)"""
    followed, (_, admission) = Followed(live_stack, "live"), painting
    heard: list[dict[str, Any]] = []
    some = threading.Event()

    def follow() -> None:
        for event in followed.events(admission):
            heard.append(event.document())
            if event.type == "progress":
                some.set()

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        assert some.wait(60), "no event came"
        ecs = live_stack.client("ecs")
        [instance] = ecs.list_tasks(cluster="nst", family="nst-live")["taskArns"]
        ecs.stop_task(cluster="nst", task=instance, reason="maintenance")

        def others() -> list[str]:
            # the one that ends is not listed any more, but may still serve for a moment
            listed = ecs.list_tasks(cluster="nst", family="nst-live")["taskArns"]
            return [arn for arn in listed if arn != instance]

        wait_until("another instance", lambda: others() and serves(live_stack))
        [service] = ecs.describe_services(cluster="nst", services=["nst-live"])["services"]
        assert service["runningCount"] == service["desiredCount"] == 1
        assert len(others()) == 1
    finally:
        followed.client.stop(admission["run_id"])
        follower.join(60)
    assert_whole(heard, followed.visitor.events(admission), "cancelled")


LOG = """{"id":1,"at":"2026-11-25T12:00:00.000Z","type":"state","state":"starting"}
{"id":2,"at":"2026-11-25T12:00:01.000Z","type":"state","state":"failed"}
"""


@pytest.mark.parametrize("taken", ["ReadEventLogs", "TellMissingObjects"])
def test_an_instance_needs_each_of_its_permissions(live_stack: Running, taken: str) -> None:
    iam, s3, http = live_stack.client("iam"), live_stack.client("s3"), live_stack.http()
    names = {"RoleName": "nst-live-events", "PolicyName": "nst-live-events"}
    document = iam.get_role_policy(**names)["PolicyDocument"]
    # logs of their own, since an instance asks no more for one that it has read to its end
    before, after = (f"{len(taken):02x}{number:02x}" + "c" * 28 for number in range(2))
    for run_id in (before, after):
        s3.put_object(Bucket="nst-storage", Key=f"runs/{run_id}/events.jsonl", Body=LOG.encode())
    there, missing = http.get(f"/api/runs/{before}/events"), http.get(f"/api/runs/{NOBODY}/events")
    assert (there.status_code, missing.status_code) == (200, 404)
    assert there.text.count("event: state") == 2
    less = [one for one in document["Statement"] if one["Sid"] != taken]
    assert len(less) == len(document["Statement"]) - 1
    iam.put_role_policy(**names, PolicyDocument=json.dumps({**document, "Statement": less}))
    try:
        asked = after if taken == "ReadEventLogs" else NOBODY
        answer = http.get(f"/api/runs/{asked}/events")
        assert answer.status_code == 500
        assert "denied" not in answer.text.lower(), "the visitor is told nothing of it"
    finally:
        iam.put_role_policy(**names, PolicyDocument=json.dumps(document))
    assert http.get(f"/api/runs/{after}/events").status_code == 200


def test_reconcile_leaves_the_instances_alone(live_stack: Running) -> None:
    """They are no run's tasks: the rule about tasks does not start it, the sweep passes over."""
    states = live_stack.client("stepfunctions")
    machines = {m["name"]: m for m in states.list_state_machines()["stateMachines"]}
    answer = states.start_sync_execution(
        stateMachineArn=machines["nst-reconcile"]["stateMachineArn"], input="{}"
    )
    assert answer["status"] == "SUCCEEDED", answer
    assert json.loads(answer["output"])["orphans"] == []
    assert serves(live_stack)
