"""S3's conditional writes that lose to another request under way: 409 ConditionalRequestConflict.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import AwsError

OPERATIONS = ("PutObject", "CopyObject", "CompleteMultipartUpload")
"""The operations that AWS documents this answer for; DeleteObject is not among them."""
HEADERS: Mapping[str, str] = {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}


def condition_of(params: Mapping[str, Any]) -> str | None:
    """The header of a write's condition; None for a write without one."""
    return next((HEADERS[name] for name in HEADERS if params.get(name) is not None), None)


def conflict(condition: str, key: str) -> AwsError:
    """409 ConditionalRequestConflict: the key changed while the request was under way."""
    return AwsError(
        "ConditionalRequestConflict",
        "The conditional request cannot succeed due to a conflicting operation against this "
        "resource.",
        409,
        {"Condition": condition, "Key": key},
    )
