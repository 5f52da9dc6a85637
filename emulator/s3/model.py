"""What S3 holds: buckets, objects with their versions, uploads under way."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any

from emulator.s3.bodies import Body, MemoryBody

NULL_VERSION = "null"


@dataclass(slots=True)
class ObjectEntry:
    """One version of an object, or a delete marker.

    ``headers`` are content headers and storage settings by their SDK member name
    (``ContentType``), ``checksums`` base64 by algorithm, ``parts`` the part sizes of a multipart
    object, ``sequence`` orders all writes of one emulator.
    """

    key: str
    etag: str
    size: int
    modified: float
    sequence: int
    body: Body = field(default_factory=lambda: MemoryBody(b""))
    headers: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    checksum_type: str = "FULL_OBJECT"
    tags: dict[str, str] = field(default_factory=dict)
    version_id: str = NULL_VERSION
    parts: list[dict[str, Any]] = field(default_factory=list)
    marker: bool = False
    owner: str = ""

    def header(self) -> dict[str, Any]:
        """What a file needs to bring the entry back, without the body."""
        return {
            "key": self.key,
            "etag": self.etag,
            "size": self.size,
            "modified": self.modified,
            "sequence": self.sequence,
            "headers": self.headers,
            "metadata": self.metadata,
            "checksums": self.checksums,
            "checksum_type": self.checksum_type,
            "tags": self.tags,
            "version_id": self.version_id,
            "parts": self.parts,
            "marker": self.marker,
            "owner": self.owner,
        }


@dataclass(slots=True)
class Part:
    """One uploaded part."""

    number: int
    etag: str
    size: int
    modified: float
    body: Body
    checksums: dict[str, str] = field(default_factory=dict)

    def header(self) -> dict[str, Any]:
        """What a file needs to bring the part back, without the body."""
        return {
            "number": self.number,
            "etag": self.etag,
            "size": self.size,
            "modified": self.modified,
            "checksums": self.checksums,
        }


@dataclass(slots=True)
class Upload:
    """A multipart upload under way."""

    upload_id: str
    bucket: str
    key: str
    initiated: float
    sequence: int
    headers: dict[str, str]
    metadata: dict[str, str]
    tags: dict[str, str]
    algorithm: str | None
    checksum_type: str
    principal: str
    parts: dict[int, Part] = field(default_factory=dict)
    busy: bool = False
    touched: bool = False
    """Whether its key was written or deleted since the upload began."""

    def header(self) -> dict[str, Any]:
        """The upload without its parts, as JSON."""
        return {
            "upload_id": self.upload_id,
            "bucket": self.bucket,
            "key": self.key,
            "initiated": self.initiated,
            "sequence": self.sequence,
            "headers": self.headers,
            "metadata": self.metadata,
            "tags": self.tags,
            "algorithm": self.algorithm,
            "checksum_type": self.checksum_type,
            "principal": self.principal,
        }


@dataclass(slots=True)
class Bucket:
    """A bucket: its configuration by sub-resource, its objects, its uploads.

    ``objects`` has what a plain GET sees. ``versions`` has every version and delete marker of a
    key, oldest first, and is None as long as versioning was never switched on. ``compiled`` holds
    what is derived from a sub-resource until that changes.
    """

    name: str
    owner: str
    region: str
    created: float
    config: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, ObjectEntry] = field(default_factory=dict)
    versions: dict[str, list[ObjectEntry]] | None = None
    uploads: dict[str, Upload] = field(default_factory=dict)
    compiled: dict[str, Any] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)

    def header(self) -> dict[str, Any]:
        """The bucket without its objects, as JSON."""
        return {
            "name": self.name,
            "owner": self.owner,
            "region": self.region,
            "created": self.created,
            "config": self.config,
        }

    @property
    def versioning(self) -> str | None:
        """``Enabled``, ``Suspended`` or None."""
        status: str | None = self.config.get("versioning", {}).get("Status")
        return status

    @property
    def keys(self) -> list[str]:
        """Keys of the visible objects in S3's order (UTF-8, which is that of code points)."""
        return self._keys

    def begin_versions(self) -> None:
        """Keep versions from now on."""
        if self.versions is None:
            self.versions = {key: [entry] for key, entry in self.objects.items()}

    def show(self, entry: ObjectEntry) -> None:
        """Make ``entry`` what a plain GET of its key sees."""
        if entry.key not in self.objects:
            bisect.insort(self._keys, entry.key)
        self.objects[entry.key] = entry

    def hide(self, key: str) -> None:
        """Let a plain GET of ``key`` see nothing."""
        if self.objects.pop(key, None) is not None:
            del self._keys[bisect.bisect_left(self._keys, key)]

    def empty(self) -> bool:
        """Whether it can be deleted."""
        return not self.objects and not self.versions

    def configure(self, name: str, value: Any) -> None:
        """Set (or with None drop) a sub-resource."""
        if value is None:
            self.config.pop(name, None)
        else:
            self.config[name] = value
        self.compiled.pop(name, None)
