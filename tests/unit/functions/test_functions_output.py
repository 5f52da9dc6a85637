"""What a process prints, line by line."""

import asyncio
import os

from emulator.functions import output
from emulator.functions.output import Output


def test_draining_takes_what_was_printed_before_the_loop_has_turned(tmp_path):
    async def run():
        lines = []
        out = Output(tmp_path / "pipe", lines.append)
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)
        os.write(writer, b"one\ntwo\r\nthe first\rthe second\nunfinished")
        out.drain()
        assert lines == ["one", "two", "the first\nthe second", "unfinished"]
        os.close(writer)
        out.close()

    asyncio.run(run())


def test_output_that_is_held_stays_in_the_pipe_until_it_is_wanted(tmp_path):
    async def run():
        lines = []
        out = Output(tmp_path / "pipe", lines.append)
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)
        out.hold(held=True)
        os.write(writer, b"one\n")
        for _ in range(5):
            await asyncio.sleep(0)
        assert lines == []
        out.hold(held=False)
        while not lines:  # noqa: ASYNC110 - turns of the loop are what is tested
            await asyncio.sleep(0)
        assert lines == ["one"]
        os.close(writer)
        out.close()
        out.close()

    asyncio.run(run())


def test_a_line_without_end_is_cut_at_the_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(output, "LINE_BYTES_MAX", 10)

    async def run():
        lines = []
        out = Output(tmp_path / "pipe", lines.append)
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)
        os.write(writer, b"x" * 25)
        out.drain()
        os.write(writer, b"y\n")
        out.drain()
        assert lines == ["x" * 25, "y"]
        os.close(writer)
        out.close()

    asyncio.run(run())


def test_text_that_is_not_utf_8_is_shown_and_not_lost(tmp_path):
    async def run():
        lines = []
        out = Output(tmp_path / "pipe", lines.append)
        writer = os.open(tmp_path / "pipe", os.O_WRONLY)
        os.write(writer, b"\xff caf\xc3\xa9\n")
        out.drain()
        assert lines == ["\ufffd café"]
        os.close(writer)
        out.close()

    asyncio.run(run())
