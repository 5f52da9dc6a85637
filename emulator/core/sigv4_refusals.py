"""The answers to signatures that do not hold, in S3's words.

Source: "Error responses" of the Amazon S3 API Reference. ``common`` says them as other services do.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.core.errors import AwsError

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
COMMON: Mapping[str, tuple[str, str, str]] = {
    "InvalidAccessKeyId": ("UnrecognizedClientException", "InvalidClientTokenId", _INVALID),
    "InvalidToken": ("UnrecognizedClientException", "InvalidClientTokenId", _INVALID),
    "ExpiredToken": ("ExpiredTokenException", "ExpiredToken", _EXPIRED),
    "SignatureDoesNotMatch": ("InvalidSignatureException", "SignatureDoesNotMatch", ""),
    "RequestTimeTooSkewed": ("InvalidSignatureException", "SignatureDoesNotMatch", ""),
}
"""What other services call S3's refusals: those of the JSON protocols, those of the query protocol
and XML ones, and their sentence where it is another."""
_STATUSES = {"json": 400, "cbor": 400}
"""Of refusals; the REST and query protocols have 403."""


def common(refused: AwsError, protocol: str) -> AwsError:
    """A refusal of a signature as services of another protocol answer it.

    Source: "Common errors" of the services' API references.
    """
    named = COMMON.get(refused.code, ("IncompleteSignatureException", "IncompleteSignature", ""))
    code = named[1] if protocol in {"query", "rest-xml"} else named[0]
    return AwsError(code, named[2] or refused.message, _STATUSES.get(protocol, 403))


def missing(protocol: str) -> AwsError:
    """A request without a signature."""
    xml = protocol in {"query", "rest-xml"}
    return AwsError(
        "MissingAuthenticationToken" if xml else "MissingAuthenticationTokenException",
        "Request is missing Authentication Token" if xml else "Missing Authentication Token",
        _STATUSES.get(protocol, 403),
    )


def malformed_header(message: str) -> AwsError:
    """400 AuthorizationHeaderMalformed."""
    return AwsError(
        "AuthorizationHeaderMalformed", f"The authorization header is malformed; {message}"
    )


def bad_query(message: str) -> AwsError:
    """400 AuthorizationQueryParametersError."""
    return AwsError("AuthorizationQueryParametersError", message)


def unknown_key(access_key: str) -> AwsError:
    """403 InvalidAccessKeyId; also for a session's key that comes without its token."""
    return AwsError(
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        403,
        {"AWSAccessKeyId": access_key},
    )


def bad_token() -> AwsError:
    """400 InvalidToken."""
    return AwsError("InvalidToken", "The provided token is malformed or otherwise invalid.")


def skewed(request_time: str, server_time: str, skew_s_max: int) -> AwsError:
    """403 RequestTimeTooSkewed."""
    return AwsError(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
        {
            "RequestTime": request_time,
            "ServerTime": server_time,
            "MaxAllowedSkewMilliseconds": skew_s_max * 1000,
        },
    )


def expired(lifetime_s: int, expires: str, server_time: str) -> AwsError:
    """403 for a presigned URL whose time is over."""
    return AwsError(
        "AccessDenied",
        "Request has expired",
        403,
        {"X-Amz-Expires": lifetime_s, "Expires": expires, "ServerTime": server_time},
    )


def mismatch(access_key: str, to_sign: str, given: str, canonical: str | None) -> AwsError:
    """403 SignatureDoesNotMatch with what was signed here, for whoever has to find out why."""
    fields = {
        "AWSAccessKeyId": access_key,
        "StringToSign": to_sign,
        "SignatureProvided": given,
        "StringToSignBytes": to_sign.encode().hex(" "),
    }
    if canonical is not None:
        fields["CanonicalRequest"] = canonical
        fields["CanonicalRequestBytes"] = canonical.encode().hex(" ")
    return AwsError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
        403,
        fields,
    )
