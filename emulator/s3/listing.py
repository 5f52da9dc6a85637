"""Listings: ListObjects (V1, V2), ListObjectVersions, their paging and grouping."""

from __future__ import annotations

import base64
import bisect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

from emulator.core.errors import NotSupported
from emulator.s3 import errors
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.model import Bucket, ObjectEntry
from emulator.s3.state import State

KEYS_MAX = 1000
_LAST = "\U0010ffff"


@dataclass(slots=True)
class Page:
    """Keys and common prefixes in their common order, up to the limit."""

    items: list[tuple[str, bool]] = field(default_factory=list)
    """Each ``(key or prefix, is a prefix)``."""
    truncated: bool = False


class Listing:
    """List operations over the shared state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def objects_v1(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListObjects."""
        bucket, most = self._open(call, "ListObjects", params)
        marker, delimiter = params.get("Marker", ""), params.get("Delimiter")
        page = walk(bucket.keys, params.get("Prefix", ""), delimiter, marker, most)
        encode = encoder(params)
        answer = _described(params, page, bucket, encode, most, owner=True)
        answer["Marker"] = encode(marker)
        if page.truncated and delimiter:
            answer["NextMarker"] = encode(page.items[-1][0])
        return answer

    def objects_v2(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListObjectsV2."""
        bucket, most = self._open(call, "ListObjectsV2", params)
        token, start_after = params.get("ContinuationToken"), params.get("StartAfter", "")
        after = start_after if token is None else _read_token(token)
        page = walk(bucket.keys, params.get("Prefix", ""), params.get("Delimiter"), after, most)
        encode = encoder(params)
        owner = bool(params.get("FetchOwner"))
        answer = _described(params, page, bucket, encode, most, owner=owner)
        answer["KeyCount"] = len(page.items)
        if token is not None:
            answer["ContinuationToken"] = token
        if start_after:
            answer["StartAfter"] = encode(start_after)
        if page.truncated:
            answer["NextContinuationToken"] = _token(page.items[-1][0])
        return answer

    def versions(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListObjectVersions; a page ends between two versions of a key if it must."""
        limits.refuse_unknown("ListObjectVersions", params)
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:ListBucketVersions", None, list_context(params))
        most = count(params.get("MaxKeys"), "max-keys")
        key_marker, id_marker = params.get("KeyMarker", ""), params.get("VersionIdMarker")
        if id_marker is not None and not key_marker:
            raise errors.invalid_argument(
                "version-id-marker",
                id_marker,
                "A version-id marker cannot be specified without a key marker.",
            )
        everything = bucket.versions
        if everything is None:
            everything = {key: [entry] for key, entry in bucket.objects.items()}
        encode = encoder(params)
        shown: list[ObjectEntry] = []
        prefixes: list[str] = []
        truncated, last = False, ("", "")
        keys = sorted(everything)
        first = key_marker
        if id_marker is not None and key_marker in everything:
            # Goes on inside of the marker's key: start just before it.
            keys = keys[bisect.bisect_left(keys, key_marker) :]
            first = ""
        page = walk(keys, params.get("Prefix", ""), params.get("Delimiter"), first, len(keys) + 1)
        for name, is_prefix in page.items:
            rows = [None] if is_prefix else list(reversed(everything[name]))
            if not is_prefix and name == key_marker and id_marker is not None:
                at = (
                    [row.version_id for row in rows if row].index(id_marker) + 1
                    if any(row and row.version_id == id_marker for row in rows)
                    else 0
                )
                rows = rows[at:]
            for row in rows:
                if len(shown) + len(prefixes) >= most:
                    truncated = True
                    break
                last = (name, row.version_id if row else "")
                if row is None:
                    prefixes.append(name)
                else:
                    shown.append(row)
            if truncated:
                break
        answer = _frame(params, bucket, encode, most)
        answer["IsTruncated"] = truncated and most > 0
        answer["KeyMarker"] = encode(key_marker)
        answer["VersionIdMarker"] = id_marker or ""
        if answer["IsTruncated"]:
            answer["NextKeyMarker"] = encode(last[0])
            if last[1]:
                answer["NextVersionIdMarker"] = last[1]
        latest = {key: rows[-1] for key, rows in everything.items()}
        for name, marker in (("Versions", False), ("DeleteMarkers", True)):
            found = [
                _version_row(row, encode, latest[row.key] is row)
                for row in shown
                if row.marker is marker
            ]
            if found:
                answer[name] = found
        if prefixes:
            answer["CommonPrefixes"] = [{"Prefix": encode(prefix)} for prefix in prefixes]
        return answer

    def _open(self, call: Call, operation: str, params: Mapping[str, Any]) -> tuple[Bucket, int]:
        limits.refuse_unknown(operation, params)
        if params.get("OptionalObjectAttributes"):
            raise NotSupported(f"OptionalObjectAttributes of s3:{operation}")
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:ListBucket", None, list_context(params))
        return bucket, count(params.get("MaxKeys"), "max-keys")


def walk(keys: Sequence[str], prefix: str, delimiter: str | None, after: str, most: int) -> Page:
    """Walk sorted ``keys`` from after ``after``, grouping by ``delimiter``.

    Jumps over a whole group at once, so a page costs its own size, not the bucket's.
    """
    page = Page()
    if most == 0:
        return page
    at = bisect.bisect_left(keys, prefix)
    if after:
        group = _group(after, prefix, delimiter)
        if group is not None and group == after:
            # The last page ended with this common prefix: its keys are behind us.
            after = group + _LAST
        at = max(at, bisect.bisect_right(keys, after))
    while at < len(keys) and keys[at].startswith(prefix):
        if len(page.items) == most:
            page.truncated = True
            break
        group = _group(keys[at], prefix, delimiter)
        if group is None:
            page.items.append((keys[at], False))
            at += 1
        else:
            page.items.append((group, True))
            at = bisect.bisect_right(keys, group + _LAST, lo=at)
    return page


def count(raw: Any, name: str) -> int:
    """A page size from 0 to 1000 (more is cut); InvalidArgument for anything else."""
    if raw is None:
        return KEYS_MAX
    value = limits.integer(raw, name)
    if value < 0:
        raise errors.invalid_argument(
            name, raw, f"Argument {name} must be an integer between 0 and 2147483647"
        )
    return min(value, KEYS_MAX)


def list_context(params: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions can ask of a listing."""
    found = {"s3:prefix": params.get("Prefix", "")}
    if params.get("Delimiter"):
        found["s3:delimiter"] = params["Delimiter"]
    if params.get("MaxKeys") is not None:
        found["s3:max-keys"] = str(params["MaxKeys"])
    return found


def _group(key: str, prefix: str, delimiter: str | None) -> str | None:
    if not delimiter:
        return None
    end = key.find(delimiter, len(prefix))
    return None if end < 0 or not key.startswith(prefix) else key[: end + len(delimiter)]


def encoder(params: Mapping[str, Any]) -> Callable[[str], str]:
    """How keys are written in an answer: as they are, or URL-encoded."""
    kind = params.get("EncodingType")
    if kind is None:
        return str
    if kind != "url":
        raise errors.invalid_argument(
            "encoding-type", kind, "Invalid Encoding Method specified in Request"
        )
    return lambda text: quote_plus(text, safe="/*-._")


def _frame(
    params: Mapping[str, Any], bucket: Bucket, encode: Callable[[str], str], most: int
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "Name": bucket.name,
        "Prefix": encode(params.get("Prefix", "")),
        "MaxKeys": most,
    }
    if params.get("Delimiter"):
        answer["Delimiter"] = encode(params["Delimiter"])
    if params.get("EncodingType"):
        answer["EncodingType"] = params["EncodingType"]
    return answer


def _described(
    params: Mapping[str, Any],
    page: Page,
    bucket: Bucket,
    encode: Callable[[str], str],
    most: int,
    *,
    owner: bool,
) -> dict[str, Any]:
    answer = _frame(params, bucket, encode, most)
    answer["IsTruncated"] = page.truncated
    contents = [
        _row(bucket.objects[name], encode, owner=owner)
        for name, is_prefix in page.items
        if not is_prefix
    ]
    prefixes = [{"Prefix": encode(name)} for name, is_prefix in page.items if is_prefix]
    if contents:
        answer["Contents"] = contents
    if prefixes:
        answer["CommonPrefixes"] = prefixes
    return answer


def _row(entry: ObjectEntry, encode: Callable[[str], str], *, owner: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Key": encode(entry.key),
        "LastModified": entry.modified,
        "ETag": f'"{entry.etag}"',
        "Size": entry.size,
        "StorageClass": entry.headers.get("StorageClass", "STANDARD"),
    }
    if entry.checksums:
        row["ChecksumAlgorithm"] = list(entry.checksums)
        row["ChecksumType"] = entry.checksum_type
    if owner:
        row["Owner"] = {"ID": owner_id(entry.owner)}
    return row


def _version_row(
    entry: ObjectEntry, encode: Callable[[str], str], is_latest: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Key": encode(entry.key),
        "VersionId": entry.version_id,
        "IsLatest": is_latest,
        "LastModified": entry.modified,
    }
    if not entry.marker:
        row.update(_row(entry, encode, owner=False))
    row["Owner"] = {"ID": owner_id(entry.owner)}
    return row


def owner_id(account: str) -> str:
    """The canonical user id of an account (64 hexadecimal digits)."""
    return (account * 6)[:64]


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(["after", last]).encode()).decode()


def _read_token(token: str) -> str:
    try:
        kind, last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError):
        kind, last = "", None
    if kind != "after" or not isinstance(last, str):
        raise errors.invalid_argument(
            "continuation-token", token, "The continuation token provided is incorrect"
        )
    return last
