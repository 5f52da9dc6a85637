"""The errors of S3, as its REST API answers them.

Source: "Error responses" of the Amazon S3 API Reference. ``fields`` of an AwsError become elements
of the error document.
"""

from __future__ import annotations

from emulator.core.errors import AwsError


def access_denied(message: str = "Access Denied") -> AwsError:
    """403 AccessDenied."""
    return AwsError("AccessDenied", message, 403)


def no_such_bucket(bucket: str) -> AwsError:
    """404 NoSuchBucket."""
    return AwsError(
        "NoSuchBucket", "The specified bucket does not exist", 404, {"BucketName": bucket}
    )


def no_such_key(key: str) -> AwsError:
    """404 NoSuchKey."""
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})


def no_such_version(key: str, version_id: str) -> AwsError:
    """404 NoSuchVersion."""
    return AwsError(
        "NoSuchVersion",
        "The specified version does not exist.",
        404,
        {"Key": key, "VersionId": version_id},
    )


def no_such_upload(upload_id: str) -> AwsError:
    """404 NoSuchUpload."""
    return AwsError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may "
        "have been aborted or completed.",
        404,
        {"UploadId": upload_id},
    )


def invalid_argument(name: str, value: object, message: str) -> AwsError:
    """400 InvalidArgument, naming the argument."""
    return AwsError(
        "InvalidArgument",
        message,
        400,
        {"ArgumentName": name, "ArgumentValue": "null" if value is None else str(value)},
    )


def invalid_request(message: str) -> AwsError:
    """400 InvalidRequest."""
    return AwsError("InvalidRequest", message, 400)


def malformed_xml() -> AwsError:
    """400 MalformedXML."""
    return AwsError(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )


def precondition_failed(condition: str) -> AwsError:
    """412 PreconditionFailed with the header that did not hold."""
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        {"Condition": condition},
    )


def not_implemented(header: str, more: str = "") -> AwsError:
    """501 NotImplemented: what AWS itself answers for a header that an API does not take.

    SDKs do not retry a 501. What only this emulator refuses is ``NotSupported`` (400).
    """
    fields = {"Header": header}
    if more:
        fields["additionalMessage"] = more
    return AwsError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        fields,
    )


def method_not_allowed(method: str, resource: str) -> AwsError:
    """405 MethodNotAllowed."""
    return AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        {"Method": method, "ResourceType": resource},
    )


def entity_too_large(proposed: int, allowed: int) -> AwsError:
    """400 EntityTooLarge; ``proposed`` is what was announced or counted when it was refused."""
    return AwsError(
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
        400,
        {"ProposedSize": proposed, "MaxSizeAllowed": allowed},
    )


def entity_too_small(proposed: int, allowed: int) -> AwsError:
    """400 EntityTooSmall."""
    return AwsError(
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
        400,
        {"ProposedSize": proposed, "MinSizeAllowed": allowed},
    )
