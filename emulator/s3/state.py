"""What all operations share: the buckets, the store, the clock, access, and events."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from emulator.core import ids
from emulator.core.bus import Bus
from emulator.core.clock import Clock, iso
from emulator.core.errors import AwsError
from emulator.s3 import errors
from emulator.s3.access import Access, Call
from emulator.s3.bodies import Intake
from emulator.s3.model import NULL_VERSION, Bucket, ObjectEntry
from emulator.s3.params import valid_key
from emulator.s3.store import Store, sequence_of

OBJECTS_MAX = 1_000_000
"""Versions in one bucket; AWS has no limit, this machine's memory has."""


class State:
    """The buckets and the ways to change them. Nothing in here awaits."""

    def __init__(self, clock: Clock, store: Store, access: Access, bus: Bus) -> None:
        self.clock = clock
        self.store = store
        self.access = access
        self._bus = bus
        self.buckets: dict[str, Bucket] = {bucket.name: bucket for bucket in store.load()}
        self._sequence = sequence_of(self.buckets.values())

    def next_sequence(self) -> int:
        """A number above every one given before."""
        self._sequence += 1
        return self._sequence

    def bucket(self, params: Mapping[str, Any]) -> Bucket:
        """The bucket that a request names; NoSuchBucket, AccessDenied if another owner is meant."""
        name = params.get("Bucket")
        found = self.buckets.get(name) if isinstance(name, str) else None
        if found is None:
            raise errors.no_such_bucket(str(name))
        expected = params.get("ExpectedBucketOwner")
        if expected is not None and expected != found.owner:
            raise errors.access_denied()
        return found

    def version(
        self, bucket: Bucket, params: Mapping[str, Any], call: Call, action: str
    ) -> ObjectEntry:
        """The object (version) that a request names, for a caller who may do ``action`` with it.

        ``s3:GetObject`` becomes ``s3:GetObjectVersion`` with a version id. Raises AccessDenied,
        NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker.
        """
        key = valid_key(params.get("Key"))
        version_id = params.get("VersionId")
        entry = self.find(bucket, key, version_id)
        context: dict[str, Any] = {}
        if version_id is not None:
            context["s3:versionid"] = version_id
            action = _VERSION_ACTIONS.get(action, action)
        if entry is not None:
            context.update((f"s3:existingobjecttag/{k}", v) for k, v in entry.tags.items())
        self.access.check(call, bucket, action, key, context)
        if entry is None:
            raise self._missing(bucket, key, version_id, call)
        if entry.marker:
            denied = errors.method_not_allowed("GET", "DeleteMarker")
            denied.fields["DeleteMarkerVersionId"] = entry.version_id
            raise denied
        return entry

    def _missing(self, bucket: Bucket, key: str, version_id: str | None, call: Call) -> AwsError:
        """Made apart: an error in a variable of the frame that raises it would be a circle."""
        if version_id is not None:
            return errors.no_such_version(key, version_id)
        missing = self.access.missing_key(call, bucket, key)
        top = (bucket.versions or {}).get(key)
        if top and missing.code == "NoSuchKey":
            missing.fields["DeleteMarkerVersionId"] = top[-1].version_id
        return missing

    def find(self, bucket: Bucket, key: str, version_id: str | None) -> ObjectEntry | None:
        """The current object of a key, or one version of it (a marker, too); else None."""
        if version_id is None:
            return bucket.objects.get(key)
        if bucket.versions is None:
            entry = bucket.objects.get(key)
            return entry if version_id == NULL_VERSION else None
        for entry in bucket.versions.get(key, []):
            if entry.version_id == version_id:
                return entry
        return None

    def commit(
        self, bucket: Bucket, entry: ObjectEntry, intake: Intake | None, call: Call, reason: str
    ) -> None:
        """Write a new version and make it the current one. The caller has checked everything."""
        if self.buckets.get(bucket.name) is not bucket:
            raise errors.no_such_bucket(bucket.name)
        if len(bucket.versions if bucket.versions is not None else bucket.objects) >= OBJECTS_MAX:
            raise errors.invalid_request(f"This emulator keeps {OBJECTS_MAX} keys in a bucket.")
        if bucket.versioning == "Enabled":
            entry.version_id = new_version_id()
        entry.sequence = self.next_sequence()
        entry.modified = self.clock.now()
        self.store.put_object(bucket, entry, intake)
        old = bucket.objects.get(entry.key)
        if bucket.versions is None:
            bucket.show(entry)
            if old is not None:
                self.store.remove_object(bucket, old, replaced=True)
        else:
            self._push(bucket, entry)
        self._touch(bucket, entry.key)
        if entry.marker:
            self.publish(bucket, entry, call, "Object Deleted", reason)
        else:
            self.publish(bucket, entry, call, "Object Created", reason)

    def remove(self, bucket: Bucket, entry: ObjectEntry, call: Call, reason: str) -> None:
        """Delete one version for good."""
        key = entry.key
        if bucket.versions is None:
            bucket.hide(key)
        else:
            versions = bucket.versions[key]
            versions.remove(entry)
            if not versions:
                del bucket.versions[key]
            if versions and not versions[-1].marker:
                bucket.show(versions[-1])
            else:
                bucket.hide(key)
        self.store.remove_object(bucket, entry, replaced=False)
        self._touch(bucket, key)
        self.publish(bucket, entry, call, "Object Deleted", reason)

    def marker(self, bucket: Bucket, key: str, call: Call, reason: str) -> ObjectEntry:
        """Put a delete marker on top of a key's versions."""
        entry = ObjectEntry(key, "", 0, 0.0, 0, marker=True, owner=bucket.owner)
        self.commit(bucket, entry, None, call, reason)
        return entry

    def publish(
        self, bucket: Bucket, entry: ObjectEntry, call: Call, kind: str, reason: str
    ) -> None:
        """Tell EventBridge, where the bucket's notifications say so.

        Source: "EventBridge event message structure" of the S3 user guide.
        """
        if "EventBridgeConfiguration" not in bucket.config.get("notification", {}):
            return
        sequence = entry.sequence if kind == "Object Created" else self.next_sequence()
        described: dict[str, Any] = {"key": entry.key, "sequencer": f"{sequence:016X}"}
        if entry.version_id != NULL_VERSION:
            described["version-id"] = entry.version_id
        detail: dict[str, Any] = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": described,
            "request-id": call.request_id,
            "requester": call.account or "anonymous",
            "reason": reason,
        }
        if call.service is None:
            detail["source-ip-address"] = call.source_ip
        if kind == "Object Created":
            described.update(size=entry.size, etag=entry.etag)
        else:
            detail["deletion-type"] = (
                "Delete Marker Created" if entry.marker else "Permanently Deleted"
            )
        self._bus.publish(
            {
                "version": "0",
                "id": ids.request_id(),
                "source": "aws.s3",
                "detail-type": kind,
                "account": bucket.owner,
                "region": bucket.region,
                "time": iso(self.clock.now())[:19] + "Z",
                "resources": [f"arn:aws:s3:::{bucket.name}"],
                "detail": detail,
            }
        )

    def _push(self, bucket: Bucket, entry: ObjectEntry) -> None:
        assert bucket.versions is not None  # noqa: S101 (the caller has looked)
        versions = bucket.versions.setdefault(entry.key, [])
        if entry.version_id == NULL_VERSION:
            for old in [one for one in versions if one.version_id == NULL_VERSION]:
                versions.remove(old)
                self.store.remove_object(bucket, old, replaced=True)
        versions.append(entry)
        if entry.marker:
            bucket.hide(entry.key)
        else:
            bucket.show(entry)

    @staticmethod
    def _touch(bucket: Bucket, key: str) -> None:
        for upload in bucket.uploads.values():
            if upload.key == key:
                upload.touched = True


def new_version_id() -> str:
    """A version id of 32 characters, as S3 makes them."""
    return base64.b64encode(secrets.token_bytes(24), altchars=b"_Z").decode()


_VERSION_ACTIONS = {
    "s3:GetObject": "s3:GetObjectVersion",
    "s3:DeleteObject": "s3:DeleteObjectVersion",
    "s3:GetObjectTagging": "s3:GetObjectVersionTagging",
    "s3:PutObjectTagging": "s3:PutObjectVersionTagging",
    "s3:DeleteObjectTagging": "s3:DeleteObjectVersionTagging",
    "s3:GetObjectAttributes": "s3:GetObjectVersionAttributes",
}
