"""Rules of parts: numbers, order, sizes, checksum types.

Source: "Amazon S3 multipart upload limits" and "Checking object integrity" of the S3 user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.core.errors import AwsError
from emulator.s3 import digests, errors
from emulator.s3 import params as limits
from emulator.s3.bodies import Intake
from emulator.s3.model import Part, Upload

PARTS_MAX = 10_000
PART_BYTES_MIN = 5 * 1024**2
"""Of every part but the last."""


def idle(upload: Upload) -> None:
    """Refuse to change an upload whose parts are being joined."""
    if upload.busy:
        raise AwsError(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. "
            "Please try again.",
            409,
        )


def chosen(upload: Upload, params: Mapping[str, Any]) -> list[Part]:
    """The parts that a completion lists, checked for order, ETag, checksum and size."""
    listed = (params.get("MultipartUpload") or {}).get("Parts") or []
    if not listed:
        raise errors.malformed_xml()
    chosen: list[Part] = []
    for one in listed:
        part = upload.parts.get(int(one.get("PartNumber", 0)))
        etag = str(one.get("ETag", "")).strip('"')
        wrong = part is None or part.etag != etag
        if part is not None and not wrong:
            wrong = any(
                one.get(f"Checksum{name}", value) != value for name, value in part.checksums.items()
            )
        if part is None or wrong:
            raise AwsError(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have "
                "been uploaded, or the specified entity tag may not match the part's entity tag.",
                400,
                {
                    "UploadId": upload.upload_id,
                    "PartNumber": one.get("PartNumber"),
                    "ETag": etag,
                },
            )
        if chosen and part.number <= chosen[-1].number:
            raise AwsError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number.",
                400,
                {"UploadId": upload.upload_id},
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < PART_BYTES_MIN:
            error = errors.entity_too_small(part.size, PART_BYTES_MIN)
            error.fields.update(ETag=part.etag, PartNumber=part.number)
            raise error
    return chosen


def join(listed: Iterable[Part], intake: Intake) -> None:
    """Feed the bodies of the parts into ``intake``, one after another."""
    for part in listed:
        with part.body.open() as reader:
            for piece in reader:
                intake.write(piece)


def number(raw: Any) -> int:
    """A part number from 1 to 10,000; InvalidArgument otherwise."""
    value = limits.integer(raw, "partNumber")
    if not 1 <= value <= PARTS_MAX:
        raise errors.invalid_argument(
            "partNumber",
            raw,
            f"Part number must be an integer between 1 and {PARTS_MAX}, inclusive",
        )
    return value


def checksum_type(algorithm: str | None, kind: str | None) -> str:
    """``COMPOSITE`` or ``FULL_OBJECT``, as asked for or by default; InvalidRequest if it cannot."""
    if algorithm is None:
        if kind is not None:
            raise errors.invalid_request(
                "The x-amz-checksum-type header can only be used with the "
                "x-amz-checksum-algorithm header."
            )
        return "FULL_OBJECT"
    if algorithm not in digests.ALGORITHMS:
        raise digests.unknown(algorithm)
    chosen = kind or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if (chosen == "FULL_OBJECT" and algorithm not in digests.LINEAR) or (
        chosen == "COMPOSITE" and algorithm == "CRC64NVME"
    ):
        raise errors.invalid_request(
            f"The {chosen} checksum type cannot be used with the {algorithm.lower()} checksum "
            "algorithm."
        )
    return chosen
