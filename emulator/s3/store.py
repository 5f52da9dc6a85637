"""Where buckets and objects live: in memory, or in a directory that survives a kill.

On disk each object is one file: a line of JSON, padded to its place, then the body. A file is
written under a temporary name and renamed, so that a kill at any moment leaves the old object or
the new one. (The page cache survives a kill of the process; a power cut is not promised.)
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from emulator.core.errors import EmulatorError
from emulator.s3.bodies import FileBody, Intake, MemoryBody
from emulator.s3.model import NULL_VERSION, Bucket, ObjectEntry, Part, Upload

HEADER_SLACK_BYTES = 4096
"""Room in a header for what is known only after the body: digests, size, version."""
HEADER_BYTES_MAX = 2 * 1024 * 1024
"""A header line is never longer (10,000 parts with checksums come to about 1 MiB)."""


class Store(Protocol):
    """Keeps what S3 holds; every method is atomic and does not await."""

    @property
    def directory(self) -> Path:
        """Where bodies are spooled."""

    def reserve(self, known: dict[str, Any]) -> int:
        """Bytes to leave at the start of a file whose header has at least ``known``."""

    def load(self) -> list[Bucket]:
        """Every bucket with its objects and uploads, as of the last run."""

    def put_object(self, bucket: Bucket, entry: ObjectEntry, intake: Intake | None) -> None:
        """Keep ``entry`` with the body that ``intake`` took in (a marker has none)."""

    def put_tags(self, bucket: Bucket, entry: ObjectEntry) -> None:
        """Keep the tags of an entry that is there already."""

    def remove_object(self, bucket: Bucket, entry: ObjectEntry, *, replaced: bool) -> None:
        """Forget a version; ``replaced``: another one has taken its very place."""

    def put_bucket(self, bucket: Bucket) -> None:
        """Keep a bucket's configuration."""

    def remove_bucket(self, bucket: Bucket) -> None:
        """Forget a bucket."""

    def put_upload(self, upload: Upload) -> None:
        """Keep a new multipart upload."""

    def put_part(self, upload: Upload, part: Part, intake: Intake) -> None:
        """Keep a part, in the place of an older one of its number."""

    def remove_upload(self, upload: Upload) -> None:
        """Forget an upload and its parts."""

    def close(self) -> None:
        """Give up what does not outlive the emulator."""


class MemoryStore:
    """Everything in memory; large bodies in a temporary directory."""

    def __init__(self) -> None:
        self._made = False
        self._path = Path(tempfile.gettempdir()) / f"nst-s3-{uuid.uuid4().hex}"

    @property
    def directory(self) -> Path:
        """Where bodies are spooled; made when it is first needed."""
        if not self._made:
            self._path.mkdir(mode=0o700)
            self._made = True
        return self._path

    def reserve(self, known: dict[str, Any]) -> int:
        """Files hold bodies alone."""
        del known
        return 0

    def load(self) -> list[Bucket]:
        """Nothing outlives a run."""
        return []

    def put_object(self, bucket: Bucket, entry: ObjectEntry, intake: Intake | None) -> None:
        """Keep the body."""
        del bucket
        if intake is not None:
            entry.body = self._body(intake)

    def put_tags(self, bucket: Bucket, entry: ObjectEntry) -> None:
        """Tags are in the entry."""

    def remove_object(self, bucket: Bucket, entry: ObjectEntry, *, replaced: bool) -> None:
        """Release the body."""
        del bucket, replaced
        entry.body.release()

    def put_bucket(self, bucket: Bucket) -> None:
        """Buckets are in memory."""

    def remove_bucket(self, bucket: Bucket) -> None:
        """An empty bucket holds nothing."""

    def put_upload(self, upload: Upload) -> None:
        """Uploads are in memory."""

    def put_part(self, upload: Upload, part: Part, intake: Intake) -> None:
        """Keep the part's body."""
        part.body = self._body(intake)
        old = upload.parts.get(part.number)
        if old is not None:
            old.body.release()

    def remove_upload(self, upload: Upload) -> None:
        """Release the parts' bodies."""
        for part in upload.parts.values():
            part.body.release()

    def close(self) -> None:
        """Remove the temporary directory."""
        if self._made:
            shutil.rmtree(self._path, ignore_errors=True)
            self._made = False

    @staticmethod
    def _body(intake: Intake) -> MemoryBody | FileBody:
        intake.close()
        data = intake.data()
        if data is not None:
            return MemoryBody(data)
        path = intake.take_path()
        assert path is not None  # noqa: S101 (no data means a file)
        return FileBody(path, 0, intake.size)


class DiskStore:
    """Everything under one directory: ``tmp``, ``buckets/<name>/objects``, ``uploads/<id>``."""

    def __init__(self, root: Path) -> None:
        self.directory = root / "tmp"
        self._buckets = root / "buckets"
        self._uploads = root / "uploads"
        shutil.rmtree(self.directory, ignore_errors=True)
        for path in (self.directory, self._buckets, self._uploads):
            path.mkdir(parents=True, exist_ok=True)

    def reserve(self, known: dict[str, Any]) -> int:
        """The length of ``known`` as a line, and slack for the digests."""
        return len(_line(known)) + HEADER_SLACK_BYTES

    def load(self) -> list[Bucket]:
        """Read every bucket; raises EmulatorError for a file that cannot be one of ours."""
        buckets = {}
        for folder in sorted(self._buckets.iterdir()):
            bucket = Bucket(**_document(folder / "bucket.json"))
            self._load_objects(bucket, folder)
            buckets[bucket.name] = bucket
        for folder in sorted(self._uploads.iterdir()):
            upload = Upload(**_document(folder / "upload.json"))
            if upload.bucket not in buckets:
                shutil.rmtree(folder)
                continue
            for path in folder.glob("part-*"):
                header, body = _open(path)
                part = Part(body=body, **header)
                upload.parts[part.number] = part
            buckets[upload.bucket].uploads[upload.upload_id] = upload
        return list(buckets.values())

    def put_object(self, bucket: Bucket, entry: ObjectEntry, intake: Intake | None) -> None:
        """Write the entry's file and rename it into its place."""
        path = self._path(bucket, entry)
        if intake is None:
            self._write(path, entry.header(), b"")
        else:
            entry.body = self._keep(path, entry.header(), intake)

    def put_tags(self, bucket: Bucket, entry: ObjectEntry) -> None:
        """Tags that change later lie beside the object, bound to it by its sequence."""
        tags = {"sequence": entry.sequence, "tags": entry.tags}
        self._replace(self._path(bucket, entry).with_suffix(".tags"), _line(tags))

    def remove_object(self, bucket: Bucket, entry: ObjectEntry, *, replaced: bool) -> None:
        """Unlink the file, unless the new version was renamed over it."""
        path = self._path(bucket, entry)
        if not replaced:
            path.unlink(missing_ok=True)
        path.with_suffix(".tags").unlink(missing_ok=True)

    def put_bucket(self, bucket: Bucket) -> None:
        """Write the bucket's document."""
        folder = self._buckets / bucket.name
        if not folder.exists():
            # Made whole under a temporary name: a bucket without its document never exists.
            fresh = self.directory / uuid.uuid4().hex
            (fresh / "objects").mkdir(parents=True)
            (fresh / "bucket.json").write_bytes(_line(bucket.header()))
            fresh.rename(folder)
            return
        self._replace(folder / "bucket.json", _line(bucket.header()))

    def remove_bucket(self, bucket: Bucket) -> None:
        """Move the folder away in one step, then delete it."""
        gone = self.directory / uuid.uuid4().hex
        (self._buckets / bucket.name).rename(gone)
        shutil.rmtree(gone)

    def put_upload(self, upload: Upload) -> None:
        """Write the upload's document."""
        fresh = self.directory / uuid.uuid4().hex
        fresh.mkdir()
        (fresh / "upload.json").write_bytes(_line(upload.header()))
        fresh.rename(self._uploads / upload.upload_id)

    def put_part(self, upload: Upload, part: Part, intake: Intake) -> None:
        """Write the part's file and rename it into its place."""
        path = self._uploads / upload.upload_id / f"part-{part.number:05d}"
        part.body = self._keep(path, part.header(), intake)

    def remove_upload(self, upload: Upload) -> None:
        """Move the folder away in one step, then delete it."""
        gone = self.directory / uuid.uuid4().hex
        (self._uploads / upload.upload_id).rename(gone)
        shutil.rmtree(gone)

    def close(self) -> None:
        """Files stay."""

    def _keep(self, path: Path, header: dict[str, Any], intake: Intake) -> FileBody:
        intake.close()
        data = intake.data()
        if data is not None:
            return self._write(path, header, data)
        spooled = intake.path
        assert spooled is not None  # noqa: S101 (no data means a file)
        line = _line(header)
        offset = spooled.stat().st_size - intake.size
        if len(line) > offset:
            raise EmulatorError(f"the header of {header.get('key')!r} outgrew its reserve")
        with spooled.open("r+b") as file:
            file.write(line[:-1].ljust(offset - 1) + b"\n")
        spooled.replace(path)
        intake.take_path()
        return FileBody(path, offset, intake.size)

    def _write(self, path: Path, header: dict[str, Any], data: bytes) -> FileBody:
        line = _line(header)
        self._replace(path, line + data)
        return FileBody(path, len(line), len(data))

    def _replace(self, path: Path, content: bytes) -> None:
        fresh = self.directory / uuid.uuid4().hex
        fresh.write_bytes(content)
        fresh.replace(path)

    def _path(self, bucket: Bucket, entry: ObjectEntry) -> Path:
        # Keys are up to 1024 bytes of anything; a digest is a safe file name.
        name = hashlib.sha256(entry.key.encode()).hexdigest()
        if entry.version_id != NULL_VERSION:
            name += "-" + entry.version_id
        return self._buckets / bucket.name / "objects" / f"{name}.object"

    def _load_objects(self, bucket: Bucket, folder: Path) -> None:
        entries = [self._load_object(path) for path in (folder / "objects").glob("*.object")]
        entries.sort(key=lambda entry: entry.sequence)
        if bucket.versioning is None:
            for entry in entries:
                bucket.show(entry)
            return
        bucket.versions = {}
        for entry in entries:
            bucket.versions.setdefault(entry.key, []).append(entry)
        for versions in bucket.versions.values():
            if not versions[-1].marker:
                bucket.show(versions[-1])

    @staticmethod
    def _load_object(path: Path) -> ObjectEntry:
        header, body = _open(path)
        entry = ObjectEntry(body=body, **header)
        beside = path.with_suffix(".tags")
        if beside.exists():
            tags = _document(beside)
            if tags["sequence"] == entry.sequence:
                entry.tags = tags["tags"]
        return entry


def copy_chunks(intake: Intake, chunks: Iterable[bytes]) -> None:
    """Feed ``chunks`` into ``intake`` (off the event loop, for large ones)."""
    for chunk in chunks:
        intake.write(chunk)


def sequence_of(buckets: Iterable[Bucket]) -> int:
    """The highest sequence in use."""
    return max(_sequences(buckets), default=0)


def _sequences(buckets: Iterable[Bucket]) -> Iterator[int]:
    for bucket in buckets:
        for entry in bucket.objects.values():
            yield entry.sequence
        for versions in (bucket.versions or {}).values():
            yield from (entry.sequence for entry in versions)
        yield from (upload.sequence for upload in bucket.uploads.values())


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EmulatorError(f"{path} is not a file of this emulator ({error})") from error
    if not isinstance(document, dict):
        raise EmulatorError(f"{path} is not a file of this emulator (no JSON object)")
    return document


def _open(path: Path) -> tuple[dict[str, Any], FileBody]:
    with path.open("rb") as file:
        line = file.readline(HEADER_BYTES_MAX)
        offset = file.tell()
    try:
        header = json.loads(line)
        size = int(header["size"])
    except (ValueError, KeyError, TypeError) as error:
        raise EmulatorError(f"{path} is not an object of this emulator ({error})") from error
    if path.stat().st_size != offset + size:
        raise EmulatorError(f"{path} has another length than its header says")
    return header, FileBody(path, offset, size)
