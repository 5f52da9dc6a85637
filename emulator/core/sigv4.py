"""Signature Version 4, the verifying side: headers, presigned queries, POST policies, chunks.

Sources: "Authenticating Requests (AWS Signature Version 4)" and "Signature Calculations for the
Authorization Header: Transferring Payload in Multiple Chunks" of the Amazon S3 API Reference. Error
codes are S3's; ``sigv4_refusals`` has them, and what services of the JSON protocols call them.
"""

from __future__ import annotations

import calendar
import functools
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from emulator.core import sigv4_refusals as refusals
from emulator.core.clock import Clock, iso
from emulator.core.credentials import Credential, CredentialStore
from emulator.core.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_S_MAX = 900
"""A request's time may differ from the server's by 15 minutes."""
EXPIRES_S_MAX = 604_800
"""A presigned URL lives a week at most."""
UNSIGNED = "UNSIGNED-PAYLOAD"

Kind = Literal["header", "query", "form"]
"""Where the signature stood."""

_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*", re.ASCII)
_QUERY_PARAMETERS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What of a request goes into its signature.

    ``raw_path`` is the path as sent (percent-encoded, without the query), ``query`` the decoded
    pairs in any order, ``headers`` have lower-case names (repeated ones joined by a comma).
    """

    method: str
    raw_path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds: who signed, when, for where."""

    credential: Credential
    region: str
    kind: Kind
    signed_at: float
    amz_date: str
    scope: str
    signature: str
    payload_hash: str
    signing_key: bytes


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of its own signature, as far as it was checked."""

    credential: Credential
    scope: str
    region: str
    amz_date: str
    at: float


class SigV4:
    """Verifies signatures for one service on the emulator's clock.

    ``single_encoding`` is how S3 makes the canonical path (encoded once); all other services
    encode what was sent once more.
    """

    def __init__(
        self,
        clock: Clock,
        credentials: CredentialStore,
        service: str,
        *,
        single_encoding: bool = False,
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._service = service
        self._single = single_encoding

    def header(self, facts: RequestFacts, payload_hash: str) -> Verified:
        """Verify the ``Authorization`` header; raises AwsError as S3 does."""
        parts = _authorization(facts.headers.get("authorization", ""))
        amz_date = facts.headers.get("x-amz-date", "")
        claim = self._claim(parts["Credential"], amz_date, refusals.malformed_header)
        now = self._clock.now()
        if abs(now - claim.at) > SKEW_S_MAX:
            raise refusals.skewed(amz_date, iso(now), SKEW_S_MAX)
        self._session(claim.credential, facts.headers.get("x-amz-security-token"))
        signed = parts["SignedHeaders"].split(";")
        _all_signed(facts.headers, signed)
        canonical = self._canonical(facts, facts.query, signed, payload_hash)
        return self._compare(claim, "header", canonical, parts["Signature"], payload_hash)

    def query(self, facts: RequestFacts) -> Verified:
        """Verify a presigned URL: signature, lifetime, session; raises AwsError as S3 does."""
        given = dict(facts.query)
        if any(name not in given for name in _QUERY_PARAMETERS):
            raise refusals.bad_query(
                f"Query-string authentication version 4 requires the "
                f"{', '.join(_QUERY_PARAMETERS[:-1])}, and {_QUERY_PARAMETERS[-1]} parameters."
            )
        if given["X-Amz-Algorithm"] != ALGORITHM:
            raise refusals.bad_query('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
        claim = self._claim(given["X-Amz-Credential"], given["X-Amz-Date"], refusals.bad_query)
        lifetime = _lifetime(given["X-Amz-Expires"])
        now = self._clock.now()
        if now + SKEW_S_MAX < claim.at:
            raise AwsError("AccessDenied", "Request is not valid yet", 403)
        if now > claim.at + lifetime:
            raise refusals.expired(lifetime, iso(claim.at + lifetime), iso(now))
        self._session(claim.credential, given.get("X-Amz-Security-Token"))
        signed = given["X-Amz-SignedHeaders"].split(";")
        _all_signed(facts.headers, signed)
        payload_hash = given.get("X-Amz-Content-Sha256") or (
            facts.headers.get("x-amz-content-sha256") or UNSIGNED
        )
        pairs = [pair for pair in facts.query if pair[0] != "X-Amz-Signature"]
        canonical = self._canonical(facts, pairs, signed, payload_hash)
        return self._compare(claim, "query", canonical, given["X-Amz-Signature"], payload_hash)

    def form(self, fields: Mapping[str, str]) -> Verified:
        """Verify a browser upload's policy signature; ``fields`` have lower-case names.

        The fields ``policy``, ``x-amz-algorithm``, ``-credential``, ``-date`` and ``-signature``
        must be there. Expiry and conditions are the policy's own and not checked here.
        """
        if fields["x-amz-algorithm"] != ALGORITHM:
            raise AwsError(
                "InvalidArgument",
                "X-Amz-Algorithm only supports AWS4-HMAC-SHA256",
                fields={
                    "ArgumentName": "X-Amz-Algorithm",
                    "ArgumentValue": fields["x-amz-algorithm"],
                },
            )
        claim = self._claim(fields["x-amz-credential"], fields["x-amz-date"], refusals.bad_query)
        self._session(claim.credential, fields.get("x-amz-security-token"))
        return self._signed(claim, "form", fields["policy"], fields["x-amz-signature"], None)

    def _claim(self, text: str, amz_date: str, refuse: Callable[[str], AwsError]) -> _Claim:
        """Read ``AKID/date/region/service/aws4_request`` and the request's own time."""
        parts = text.rsplit("/", 4)
        if len(parts) != 5 or parts[4] != "aws4_request":  # noqa: PLR2004
            raise refuse(
                "Error parsing the Credential; the Credential is mal-formed; expecting "
                '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
            )
        access_key, date, region, service, _ = parts
        if service != self._service:
            raise refuse(
                f'Error parsing the Credential; incorrect service "{service}". This endpoint '
                f'belongs to "{self._service}".'
            )
        at = _instant(amz_date)
        if at is None:
            raise refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
        if not amz_date.startswith(date):
            raise refuse(
                f'Invalid credential date "{date}". This date is not the same as X-Amz-Date: '
                f'"{amz_date[:8]}".'
            )
        credential = self._credentials.find(access_key)
        if credential is None:
            raise refusals.unknown_key(access_key)
        return _Claim(credential, f"{date}/{region}/{service}/aws4_request", region, amz_date, at)

    def _session(self, credential: Credential, token: str | None) -> None:
        """A session's token must come with its key, match it and not be over."""
        if credential.token is None:
            if token:
                raise refusals.bad_token()
            return
        if not token:
            raise refusals.unknown_key(credential.access_key)
        if not _equal(credential.token, token):
            raise refusals.bad_token()
        if credential.expires_at is not None and self._clock.now() >= credential.expires_at:
            raise AwsError("ExpiredToken", "The provided token has expired.", 400)

    def _canonical(
        self,
        facts: RequestFacts,
        query: Iterable[tuple[str, str]],
        signed: Sequence[str],
        payload_hash: str,
    ) -> str:
        path = facts.raw_path or "/"
        if not self._single:
            path = _normal(path)
        if not _PLAIN_PATH.fullmatch(path):
            path = quote(unquote_to_bytes(path) if self._single else path, safe="/-_.~")
        pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query)
        headers = facts.headers
        lines = [f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in signed]
        return (
            f"{facts.method}\n{path}\n{'&'.join(f'{k}={v}' for k, v in pairs)}\n"
            f"{''.join(lines)}\n{';'.join(signed)}\n{payload_hash}"
        )

    def _compare(
        self, claim: _Claim, kind: Kind, canonical: str, given: str, payload_hash: str
    ) -> Verified:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{claim.amz_date}\n{claim.scope}\n{digest}"
        return self._signed(claim, kind, to_sign, given, canonical, payload_hash=payload_hash)

    def _signed(
        self,
        claim: _Claim,
        kind: Kind,
        to_sign: str,
        given: str,
        canonical: str | None,
        *,
        payload_hash: str = UNSIGNED,
    ) -> Verified:
        key = signing_key(claim.credential.secret, claim.scope[:8], claim.region, self._service)
        if not _equal(_hmac_hex(key, to_sign), given):
            raise refusals.mismatch(claim.credential.access_key, to_sign, given, canonical)
        return Verified(
            credential=claim.credential,
            region=claim.region,
            kind=kind,
            signed_at=claim.at,
            amz_date=claim.amz_date,
            scope=claim.scope,
            signature=given,
            payload_hash=payload_hash,
            signing_key=key,
        )


def chunk_signature(seed: Verified, what: str, previous: str, rest: str, given: str) -> str:
    """Check one link of a chunked body's chain of signatures; returns it for the next link.

    ``what`` is ``PAYLOAD`` (``rest``: the digests of nothing and of the chunk) or ``TRAILER``
    (``rest``: the digest of the trailing headers).
    """
    to_sign = "\n".join((f"{ALGORITHM}-{what}", seed.amz_date, seed.scope, previous, rest))
    if not _equal(_hmac_hex(seed.signing_key, to_sign), given):
        raise refusals.mismatch(seed.credential.access_key, to_sign, given, None)
    return given


@functools.lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of one day, region and service (32 bytes)."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _normal(path: str) -> str:
    """A path without empty and dot segments: services other than S3 sign it so."""
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    tail = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{tail}"


def _authorization(text: str) -> dict[str, str]:
    algorithm, _, rest = text.partition(" ")
    if algorithm != ALGORITHM:
        if algorithm == "AWS":
            raise AwsError(
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. "
                "Please use AWS4-HMAC-SHA256.",
            )
        raise AwsError("InvalidArgument", "Unsupported Authorization Type")
    parts = {
        name.strip(): value.strip()
        for name, _, value in (part.partition("=") for part in rest.split(","))
    }
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise refusals.malformed_header(f"the {name} is missing.")
    return parts


def _all_signed(headers: Mapping[str, str], signed: Sequence[str]) -> None:
    """The host and every ``x-amz-`` header must be signed, or a stranger could add them."""
    if "host" not in signed:
        raise AwsError(
            "AccessDenied", "The Host header must be signed", 403, {"HeadersNotSigned": "host"}
        )
    loose = [
        name
        for name in headers
        if name.startswith("x-amz-") and name not in signed and name != "x-amz-content-sha256"
    ]
    if loose:
        raise AwsError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            403,
            {"HeadersNotSigned": ", ".join(loose)},
        )


def _instant(amz_date: str) -> float | None:
    if not _AMZ_DATE.fullmatch(amz_date):
        return None
    day = (int(amz_date[:4]), int(amz_date[4:6]), int(amz_date[6:8]))
    time = (int(amz_date[9:11]), int(amz_date[11:13]), int(amz_date[13:15]))
    if not (1 <= day[1] <= 12 and 1 <= day[2] <= 31 and time < (24, 0, 0)):  # noqa: PLR2004
        return None
    return float(calendar.timegm((*day, *time)))


def _lifetime(text: str) -> int:
    if not (text.isascii() and text.lstrip("-").isdigit()):
        raise refusals.bad_query("X-Amz-Expires should be a number")
    if text.startswith("-"):
        raise refusals.bad_query("X-Amz-Expires must be non-negative")
    if not 1 <= int(text[:9]) <= EXPIRES_S_MAX:
        raise refusals.bad_query(
            "X-Amz-Expires must be between 1 second and a week (in seconds); "
            f"the given X-Amz-Expires must be less than {EXPIRES_S_MAX} seconds"
        )
    return int(text)


def _hmac_hex(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()


def _equal(ours: str, given: str) -> bool:
    return hmac.compare_digest(ours.encode(), given.encode())
