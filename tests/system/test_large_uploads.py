"""A body of any size passes through: it does not sit in the emulator's memory."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.system.running import Running

MIB = 1024 * 1024
SIZE = 1024 * MIB
GROWTH_MAX = 128 * MIB


@pytest.mark.fidelity(
    area="S3",
    feature="Objects up to 5 GB in one PUT, streamed",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html",
)
@pytest.mark.needs("own emulator")
def test_a_gibibyte_in_and_out_does_not_sit_in_memory(stack: Running) -> None:
    s3, emulator = stack.client("s3", signature_version="s3v4"), psutil.Process(stack.pid)
    s3.create_bucket(Bucket="large")
    named = {"Bucket": "large", "Key": "k"}
    before, most = emulator.memory_info().rss, 0
    block = bytes(range(256)) * (MIB // 256)

    def pieces() -> Iterator[bytes]:
        nonlocal most
        for number in range(SIZE // MIB):
            yield block
            if number % 32 == 0:
                most = max(most, emulator.memory_info().rss)

    put = s3.generate_presigned_url("put_object", Params=named)
    answer = httpx.put(put, content=pieces(), headers={"Content-Length": str(SIZE)}, timeout=240)
    assert answer.status_code == 200, answer.text
    assert s3.head_object(**named)["ContentLength"] == SIZE
    got = 0
    get = s3.generate_presigned_url("get_object", Params=named)
    with httpx.stream("GET", get, timeout=240) as stream:
        for number, piece in enumerate(stream.iter_bytes(MIB)):
            got += len(piece)
            if number % 32 == 0:
                most = max(most, emulator.memory_info().rss)
    s3.delete_object(**named)
    s3.delete_bucket(Bucket="large")
    assert got == SIZE
    assert most - before < GROWTH_MAX, f"{(most - before) / MIB:.0f} MiB more"
