"""The emulator's core: bus, clock, credentials, journal."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock, iso
from emulator.core.credentials import Credential, CredentialStore
from emulator.core.errors import NotSupported
from emulator.core.journal import Journal

CALLER = Caller(ids.ACCOUNT, ids.REGION, "arn:aws:iam::000000000000:root")


class Echo:
    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"operation": operation, **params}


def test_the_bus_finds_a_service_then_the_fallback_then_refuses_by_name() -> None:
    bus = Bus()
    bus.register("s3", Echo())
    bus.set_fallback(lambda name: Echo() if name == "sqs" else None)
    answer = asyncio.run(bus.call("s3", "GetObject", {"Key": "a"}, CALLER))
    assert answer == {"operation": "GetObject", "Key": "a"}
    assert asyncio.run(bus.call("sqs", "SendMessage", {}, CALLER))["operation"] == "SendMessage"
    with pytest.raises(NotSupported, match="neptune"):
        asyncio.run(bus.call("neptune", "X", {}, CALLER))


def test_a_failing_subscriber_does_not_disturb_the_others(caplog: Any) -> None:
    heard: list[str] = []

    async def deaf(event: dict[str, Any]) -> None:
        raise RuntimeError("deaf")

    async def keen(event: dict[str, Any]) -> None:
        heard.append(event["source"])

    async def scene() -> None:
        bus = Bus()
        bus.subscribe(deaf)
        bus.subscribe(keen)
        bus.publish({"source": "aws.ecs", "detail-type": "x", "detail": {}})
        while not heard:  # noqa: ASYNC110 - turns of the loop are what is tested
            await asyncio.sleep(0)

    asyncio.run(scene())
    assert heard == ["aws.ecs"]
    assert "aws.ecs" in caplog.text


def test_a_scaled_clock_runs_ahead_and_wakes_early() -> None:
    async def scene() -> float:
        clock = RealClock(scale=10_000)
        begin = clock.now()
        await clock.sleep(100)
        return clock.now() - begin

    assert asyncio.run(scene()) >= 100


@pytest.mark.parametrize("scale", [0, -1, 1e9])
def test_a_scale_that_cannot_be_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        RealClock(scale)


def test_a_timer_can_be_called_off() -> None:
    async def scene() -> list[str]:
        fired: list[str] = []
        clock = RealClock(scale=1000)
        clock.call_later(1, lambda: fired.append("kept"))
        clock.call_later(1, lambda: fired.append("cancelled")).cancel()
        await clock.sleep(20)
        return fired

    assert asyncio.run(scene()) == ["kept"]


def test_times_are_written_as_aws_writes_them() -> None:
    assert iso(1_767_323_045.678) == "2026-01-02T03:04:05.678Z"


def test_the_ecosystems_access_keys() -> None:
    store = CredentialStore(RealClock())
    test = store.find("test")
    assert test is not None
    assert test.account == "000000000000"
    numbered = store.find("123456789012")
    assert numbered is not None
    assert numbered.account == "123456789012"
    assert store.find("AKIAUNKNOWN") is None


def test_session_credentials_stand_for_their_role_and_end() -> None:
    clock = RealClock()
    store = CredentialStore(clock)
    issued = store.issue_session("arn:aws:iam::000000000000:role/nst-task", "t1", 900)
    assert store.find(issued.access_key) == issued
    assert issued.principal == "arn:aws:sts::000000000000:assumed-role/nst-task/t1"
    assert issued.token
    assert issued.expires_at is not None
    assert 890 < issued.expires_at - clock.now() <= 900


def test_sessions_under_way_outlive_a_restart_and_ended_ones_do_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    role = "arn:aws:iam::000000000000:role/nst-task"
    with closing(Journal(path)) as journal:
        store = CredentialStore(RealClock(), journal)
        lasting, over = store.issue_session(role, "t1", 900), store.issue_session(role, "t2", -1)
    with closing(Journal(path)) as journal:
        again = CredentialStore(RealClock(), journal)
        assert again.find(lasting.access_key) == lasting
        assert again.find(over.access_key) is None


def test_an_added_key_is_found() -> None:
    store = CredentialStore(RealClock())
    key = Credential("AKIA1", "s", "arn:aws:iam::000000000000:user/u", "000000000000")
    store.add(key)
    assert store.find("AKIA1") == key


def test_the_journal_keeps_the_newest_value_and_forgets_the_deleted(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    first = Journal(path)
    first.put("task", "a", {"n": 1})
    first.put("task", "a", {"n": 2})
    first.put("task", "b", {"n": 3})
    first.put("task", "b", None)
    second = Journal(path)  # the first is still open: a kill leaves the file as it is
    assert second.load("task") == {"a": {"n": 2}}
    assert len(path.read_text().splitlines()) == 1, "the start compacts"
    first.close()
    second.close()


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.put("task", "a", 1)
    journal.close()
    with path.open("a") as out:
        out.write('{"kind": "task", "key": "b", "val')
    again = Journal(path)
    assert again.load("task") == {"a": 1}
    again.close()


def test_without_a_path_nothing_is_kept() -> None:
    journal = Journal(None)
    journal.put("task", "a", 1)
    assert journal.load("task") == {}
    journal.close()
