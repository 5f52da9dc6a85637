"""Listings of multipart uploads: ListParts and ListMultipartUploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import NotSupported
from emulator.s3 import listing
from emulator.s3 import params as limits
from emulator.s3.access import Call
from emulator.s3.multipart import Multipart
from emulator.s3.state import State


class UploadLists:
    """List operations over uploads under way."""

    def __init__(self, state: State, multipart: Multipart) -> None:
        self._state = state
        self._multipart = multipart

    def parts(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListParts, in order of their numbers."""
        limits.refuse_unknown("ListParts", params)
        upload = self._multipart.upload(call, params, "s3:ListMultipartUploadParts")
        most = listing.count(params.get("MaxParts"), "max-parts")
        marker = limits.integer(params.get("PartNumberMarker") or 0, "part-number-marker")
        numbers = [number for number in sorted(upload.parts) if number > marker]
        shown = [upload.parts[number] for number in numbers[:most]]
        owner = {"ID": listing.owner_id(self._state.buckets[upload.bucket].owner)}
        answer: dict[str, Any] = {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.upload_id,
            "PartNumberMarker": marker,
            "MaxParts": most,
            "IsTruncated": len(numbers) > most,
            "Initiator": owner,
            "Owner": owner,
            "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
        }
        if upload.algorithm is not None:
            answer.update(ChecksumAlgorithm=upload.algorithm, ChecksumType=upload.checksum_type)
        if shown:
            answer["NextPartNumberMarker"] = shown[-1].number
            answer["Parts"] = [
                {
                    "PartNumber": part.number,
                    "LastModified": part.modified,
                    "ETag": f'"{part.etag}"',
                    "Size": part.size,
                    **{
                        f"Checksum{name}": value
                        for name, value in part.checksums.items()
                        if name == upload.algorithm
                    },
                }
                for part in shown
            ]
        return answer

    def uploads(self, call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
        """ListMultipartUploads, in order of key and start."""
        limits.refuse_unknown("ListMultipartUploads", params)
        if params.get("Delimiter"):
            raise NotSupported("Delimiter of s3:ListMultipartUploads")
        bucket = self._state.bucket(params)
        self._state.access.check(call, bucket, "s3:ListBucketMultipartUploads")
        most = listing.count(params.get("MaxUploads"), "max-uploads")
        prefix = params.get("Prefix", "")
        key_marker, id_marker = params.get("KeyMarker", ""), params.get("UploadIdMarker", "")
        ordered = sorted(bucket.uploads.values(), key=lambda one: (one.key, one.sequence))
        after = 0
        for position, upload in enumerate(ordered):
            passed = upload.key < key_marker or (upload.key == key_marker and not id_marker)
            if passed or (upload.key == key_marker and upload.upload_id == id_marker):
                after = position + 1
        rows = [upload for upload in ordered[after:] if upload.key.startswith(prefix)]
        encode = listing.encoder(params)
        owner = {"ID": listing.owner_id(bucket.owner)}
        answer: dict[str, Any] = {
            "Bucket": bucket.name,
            "KeyMarker": encode(key_marker),
            "UploadIdMarker": id_marker,
            "Prefix": encode(prefix),
            "MaxUploads": most,
            "IsTruncated": len(rows) > most,
        }
        if params.get("EncodingType"):
            answer["EncodingType"] = params["EncodingType"]
        shown = rows[:most]
        if len(rows) > most and shown:
            answer["NextKeyMarker"] = encode(shown[-1].key)
            answer["NextUploadIdMarker"] = shown[-1].upload_id
        if shown:
            answer["Uploads"] = [
                {
                    "Key": encode(upload.key),
                    "UploadId": upload.upload_id,
                    "Initiator": owner,
                    "Owner": owner,
                    "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
                    "Initiated": upload.initiated,
                }
                for upload in shown
            ]
        return answer
