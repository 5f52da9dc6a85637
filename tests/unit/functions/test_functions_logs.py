"""The log sink: lines on their way to CloudWatch Logs."""

import asyncio

import pytest
from moto.logs.models import logs_backends

from emulator.core import ids, logs
from emulator.core.clock import RealClock
from emulator.core.logs import LogSink


class Lane:
    """Counts its turns; ``broken`` makes the next one fail."""

    def __init__(self):
        self.turns = 0
        self.broken = False

    async def run(self, fn):
        self.turns += 1
        await asyncio.sleep(0)
        if self.broken:
            self.broken = False
            raise OSError("no room")
        return fn()


@pytest.fixture
def stored():
    logs_backends.reset()
    yield lambda group, stream: [
        (e.timestamp, e.message)
        for e in logs_backends[ids.ACCOUNT][ids.REGION].groups[group].streams[stream].events
    ]
    logs_backends.reset()


def test_lines_are_written_in_batches_and_all_of_them_before_the_end(stored):
    async def run():
        lane = Lane()
        sink = LogSink(lane, RealClock())
        await sink.start()
        for n in range(500):
            await sink.put("/g", "s", [(1000.0 + n, str(n))])
        await sink.stop()
        assert lane.turns <= 2
        assert stored("/g", "s") == [(1_000_000 + 1000 * n, str(n)) for n in range(500)]

    asyncio.run(run())


def test_lines_reach_the_stream_soon_without_a_stop(stored, until):
    async def run():
        sink = LogSink(Lane(), RealClock(scale=20))
        await sink.start()
        await sink.put("/g", "s", [(1.0, "here")])
        await until(lambda: not sink._waiting and not sink._writing.locked())
        assert stored("/g", "s") == [(1000, "here")]
        await sink.stop()

    asyncio.run(run())


def test_events_of_a_batch_are_in_the_order_of_their_times(stored):
    async def run():
        sink = LogSink(Lane(), RealClock())
        await sink.put("/g", "s", [(2.0, "b"), (1.0, "a"), (2.0, "c")])
        await sink.flush()
        assert [m for _, m in stored("/g", "s")] == ["a", "b", "c"]

    asyncio.run(run())


def test_a_full_queue_holds_up_who_logs_and_loses_nothing(stored, monkeypatch):
    monkeypatch.setattr(logs, "LINES_WAITING_MAX", 10)

    async def run():
        sink = LogSink(Lane(), RealClock())
        await sink.start()
        await sink.put("/g", "s", [(float(n), str(n)) for n in range(95)])
        assert len(sink._waiting) <= 10
        await sink.stop()
        assert len(stored("/g", "s")) == 95

    asyncio.run(run())


def test_a_line_that_is_too_long_is_split(stored, monkeypatch):
    monkeypatch.setattr(logs, "EVENT_CHARS_MAX", 4)

    async def run():
        sink = LogSink(Lane(), RealClock())
        await sink.put("/g", "s", [(1.0, "abcdefghij")])
        await sink.flush()
        assert [m for _, m in stored("/g", "s")] == ["abcd", "efgh", "ij"]

    asyncio.run(run())


def test_a_batch_that_cannot_be_written_is_named_and_the_next_one_is_written(stored, caplog):
    async def run():
        lane = Lane()
        sink = LogSink(lane, RealClock())
        lane.broken = True
        await sink.put("/g", "s", [(1.0, "lost")])
        await sink.flush()
        await sink.put("/g", "s", [(2.0, "kept")])
        await sink.flush()
        assert stored("/g", "s") == [(2000, "kept")]

    asyncio.run(run())
    assert "1 log lines could not be written" in caplog.text
