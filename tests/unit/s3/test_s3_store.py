"""What a data directory keeps: everything, whole, through restarts and kills."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from emulator.core.errors import EmulatorError
from emulator.s3.store import DiskStore

BUCKET = "pictures"


def test_everything_is_there_after_a_restart(serve, tmp_path):
    server = serve(data_dir=tmp_path / "s3")
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_cors(
        Bucket=BUCKET,
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    )
    big = b"0123456789" * 300_000
    s3.put_object(
        Bucket=BUCKET, Key="ü/k", Body=b"small\nbody", Metadata={"a": "b"}, ContentType="x/y"
    )
    s3.put_object(Bucket=BUCKET, Key="big", Body=big)
    s3.put_object(Bucket=BUCKET, Key="gone", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="gone")
    s3.put_object_tagging(
        Bucket=BUCKET, Key="big", Tagging={"TagSet": [{"Key": "t", "Value": "1"}]}
    )
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="m", ContentType="p/q")["UploadId"]
    named = {"Bucket": BUCKET, "Key": "m", "UploadId": upload}
    part = s3.upload_part(**named, PartNumber=1, Body=b"part")
    before = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    server.stop()

    s3 = serve(data_dir=tmp_path / "s3").client()
    assert s3.list_objects_v2(Bucket=BUCKET)["Contents"] == before
    got = s3.get_object(Bucket=BUCKET, Key="ü/k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (
        b"small\nbody",
        {"a": "b"},
        "x/y",
    )
    assert s3.get_object(Bucket=BUCKET, Key="big")["Body"].read() == big
    assert s3.get_object_tagging(Bucket=BUCKET, Key="big")["TagSet"][0]["Key"] == "t"
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    etag = s3.head_object(Bucket=BUCKET, Key="ü/k")["ETag"]
    s3.put_object(Bucket=BUCKET, Key="ü/k", Body=b"new", IfMatch=etag)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**named, MultipartUpload=parts)
    assert s3.get_object(Bucket=BUCKET, Key="m")["Body"].read() == b"part"
    # A replaced object does not inherit tags that lay beside the old one.
    s3.put_object(Bucket=BUCKET, Key="big", Body=b"1")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="big")["TagSet"] == []


def test_versions_after_a_restart(serve, tmp_path):
    server = serve(data_dir=tmp_path / "s3")
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=BUCKET, Key="k", Body=b"1")["VersionId"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"2")
    s3.put_object(Bucket=BUCKET, Key="hidden", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="hidden")
    before = s3.list_object_versions(Bucket=BUCKET)
    server.stop()
    s3 = serve(data_dir=tmp_path / "s3").client()
    after = s3.list_object_versions(Bucket=BUCKET)
    assert after["Versions"] == before["Versions"]
    assert after["DeleteMarkers"] == before["DeleteMarkers"]
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"2"
    assert s3.get_object(Bucket=BUCKET, Key="k", VersionId=first)["Body"].read() == b"1"
    assert [row["Key"] for row in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["k"]


def test_deleted_buckets_and_uploads_leave_nothing(serve, tmp_path):
    root = tmp_path / "s3"
    server = serve(data_dir=root)
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="m")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="m", UploadId=upload, PartNumber=1, Body=b"x" * 2_000_000)
    s3.abort_multipart_upload(Bucket=BUCKET, Key="m", UploadId=upload)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"")
    s3.delete_object(Bucket=BUCKET, Key="k")
    s3.delete_bucket(Bucket=BUCKET)
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_memory_leaves_no_files(serve):
    server = serve()
    s3 = server.client()
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="big", Body=b"x" * 2_000_000)
    folder = server.service._store.directory
    assert len(list(folder.iterdir())) == 1
    server.stop()
    assert not folder.exists()


def test_files_that_are_not_ours_are_named(tmp_path):
    store = DiskStore(tmp_path)
    folder = tmp_path / "buckets" / BUCKET / "objects"
    folder.mkdir(parents=True)
    with pytest.raises(EmulatorError, match=r"bucket\.json"):
        store.load()
    bucket = {"name": BUCKET, "owner": "0", "region": "us-east-1", "created": 0.0, "config": {}}
    (folder.parent / "bucket.json").write_text(json.dumps(bucket))
    (folder / "x.object").write_bytes(b'{"size": 5}\nabc')
    with pytest.raises(EmulatorError, match="another length"):
        store.load()
    (folder / "x.object").write_bytes(b"rubbish")
    with pytest.raises(EmulatorError, match="not an object"):
        store.load()


WRITER = """
import asyncio, sys
from pathlib import Path
from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.credentials import CredentialStore
from emulator.s3 import S3Service

async def main():
    clock = RealClock()
    service = S3Service(clock, CredentialStore(clock), Bus(), Path(sys.argv[1]))
    caller = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")
    await service.call("CreateBucket", {"Bucket": "pictures"}, caller)
    number = 0
    while True:
        number += 1
        for key, size in (("small", 100), ("large", 1_500_000)):
            body = (str(number) + ",").encode() * (size // len(str(number) + ","))
            await service.call("PutObject", {"Bucket": "pictures", "Key": key, "Body": body,
                               "Metadata": {"n": str(number)}}, caller)
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("rounds", [3, 11])
def test_a_kill_leaves_the_old_or_the_new_object(serve, tmp_path, rounds):
    root = tmp_path / "s3"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    for _ in range(rounds):
        assert writer.stdout.readline()
    # In the middle of whatever it is doing now.
    killed = threading.Thread(target=os.kill, args=(writer.pid, signal.SIGKILL))
    killed.start()
    seen = writer.stdout.read().split()
    killed.join()
    writer.wait()
    writer.stdout.close()
    acknowledged = int(seen[-1]) if seen else rounds
    s3 = serve(data_dir=root).client()
    for key in ("small", "large"):
        got = s3.get_object(Bucket=BUCKET, Key=key)
        number = int(got["Metadata"]["n"])
        assert number in {acknowledged, acknowledged + 1}
        assert set(got["Body"].read().decode().strip(",").split(",")) == {str(number)}
    assert list((root / "tmp").iterdir()) == []
