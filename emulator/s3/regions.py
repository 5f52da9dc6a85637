"""A signature is for a region, and a bucket is in one: another one is refused before all else.

One endpoint stands here for those of all regions, so the bucket's region is what a signature must
be for. Sources: "Authenticating Requests (AWS Signature Version 4)" and "Error responses" of the
Amazon S3 API Reference. SDKs take the right region from the error and try again.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.errors import AwsError
from emulator.s3.model import Bucket

_SCOPE_PARTS = 5


def check(bucket: Bucket | None, headers: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Check the region of a signed request on a bucket that is there.

    Raises 400 AuthorizationHeaderMalformed or AuthorizationQueryParametersError, with the region
    that was expected. What is malformed otherwise is for the signature's own check to say.
    """
    if bucket is None:
        return
    if "authorization" in headers:
        _, _, rest = headers["authorization"].partition("Credential=")
        region = _region(rest.partition(",")[0])
        if region not in {None, bucket.region}:
            raise AwsError(
                "AuthorizationHeaderMalformed",
                f"The authorization header is malformed; the region '{region}' is wrong; "
                f"expecting '{bucket.region}'",
                400,
                {"Region": bucket.region},
            )
        return
    check_credential(bucket, values.get("X-Amz-Credential", ""))


def check_credential(bucket: Bucket | None, credential: str) -> None:
    """Check the region of a presigned URL's or a form's credential."""
    region = _region(credential)
    if bucket is not None and region not in {None, bucket.region}:
        raise AwsError(
            "AuthorizationQueryParametersError",
            f"Error parsing the X-Amz-Credential parameter; the region '{region}' is wrong; "
            f"expecting '{bucket.region}'",
            400,
            {"Region": bucket.region},
        )


def _region(credential: str) -> str | None:
    parts = credential.strip().rsplit("/", _SCOPE_PARTS - 1)
    return parts[2] if len(parts) == _SCOPE_PARTS else None
