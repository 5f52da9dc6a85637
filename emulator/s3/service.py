"""S3 as a service of the emulator: over the bus, over HTTP, and for the edge."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from emulator.core import ids
from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock, Timer
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError
from emulator.core.sigv4 import SigV4, Verified
from emulator.s3 import cors, errors, lifecycle, regions
from emulator.s3.access import Access, Authorizer, Call, loopback, object_context
from emulator.s3.form import FormUploads
from emulator.s3.model import Bucket, ObjectEntry
from emulator.s3.operations import Operations
from emulator.s3.rest import Answer, Rest, error_answer, host_id
from emulator.s3.rest_buckets import BucketRequests
from emulator.s3.rest_objects import ObjectRequests
from emulator.s3.state import State
from emulator.s3.store import DiskStore, MemoryStore, Store

log = logging.getLogger("emulator.s3")

_V2_QUERY = frozenset({"AWSAccessKeyId", "Signature"})


class S3Service:
    """The S3 data plane.

    ``data_dir`` None keeps everything in memory (large bodies in temporary files). ``authorizer``
    brings in the account's own policies; without one every signed caller of the bucket's account
    may do what the bucket's policy does not deny.
    """

    def __init__(
        self,
        clock: Clock,
        credentials: CredentialStore,
        bus: Bus,
        data_dir: Path | None,
        *,
        authorizer: Authorizer | None = None,
    ) -> None:
        self._clock = clock
        self._store: Store = MemoryStore() if data_dir is None else DiskStore(data_dir)
        self._state = State(clock, self._store, Access(clock, authorizer), bus)
        self._operations = Operations(self._state)
        self._sigv4 = SigV4(clock, credentials, "s3", single_encoding=True)
        self._objects = ObjectRequests(self._operations)
        self._buckets = BucketRequests(self._operations)
        self._forms = FormUploads(clock, self._sigv4, self._operations.objects)
        self._timer: Timer | None = None

    async def start(self) -> None:
        """Begin the periodic lifecycle sweep."""
        self._timer = self._clock.call_later(lifecycle.SWEEP_INTERVAL_S, self._tick)

    async def stop(self) -> None:
        """End the sweep and give up temporary files."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._store.close()

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call in-process; bodies go in and come out as bytes."""
        call = Call(caller, caller.request_id or ids.request_id())
        return await self._operations.run(operation, params, call)

    def sweep(self) -> int:
        """Apply lifecycle rules now; returns how many versions and uploads were removed."""
        call = Call(None, ids.request_id(), service="lifecycle.s3.amazonaws.com")
        return lifecycle.sweep(self._state, call)

    async def read_entry(
        self, bucket: str, key: str, *, service: str | None = None, source_arn: str | None = None
    ) -> ObjectEntry | None:
        """The current object of a key for another part of the emulator; None when there is none.

        Its ``body.open()`` is read at once or iterated in pieces (close it). With ``service``
        (``cloudfront.amazonaws.com``) and ``source_arn`` the bucket's policy decides as it does
        for that service, and AccessDenied may be raised; without, nothing is asked.
        """
        found = self._state.buckets.get(bucket)
        if found is None:
            return None
        entry = found.objects.get(key)
        if service is not None:
            call = Call(None, ids.request_id(), service=service)
            if source_arn is not None:
                call.facts["aws:sourcearn"] = source_arn
                call.facts["aws:sourceaccount"] = source_arn.split(":")[4]
            self._state.access.check(call, found, "s3:GetObject", key, object_context(entry))
        return entry

    async def handle(self, request: Request, request_id: str | None = None) -> Response:
        """Answer an HTTP request of the REST protocol; who calls is what the signature proves."""
        rest = Rest(request)
        request_id = request_id or ids.request_id()
        ident = host_id()
        try:
            response = await self._answer(rest, request_id)
        except AwsError as error:
            response = await _refusal(rest, error, request_id, ident)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("s3 failed on %s %s", rest.method, rest.raw_path)
            broken = AwsError("InternalError", f"The emulator failed; request {request_id}.", 400)
            response = error_answer(broken, request_id, ident, head=rest.method == "HEAD")
            response.add({"connection": "close"})
        return self._dressed(rest, response, request_id, ident)

    async def refuse(self, request: Request, error: AwsError, request_id: str) -> Response:
        """The answer to a request that a fault refuses, as S3 gives it: ids, CORS headers and all.

        Without the headers of the bucket's CORS rules a page would see a network error.
        """
        rest, ident = Rest(request), host_id()
        rest.address()
        response = await _refusal(rest, error, request_id, ident)
        return self._dressed(rest, response, request_id, ident)

    def _dressed(self, rest: Rest, response: Answer, request_id: str, ident: str) -> Response:
        head = [
            (b"x-amz-request-id", request_id.encode()),
            (b"x-amz-id-2", ident.encode()),
            (b"server", b"AmazonS3"),
        ]
        response.raw_headers[:0] = head
        if "origin" in rest.headers and rest.method != "OPTIONS":
            response.add(cors.actual(self._bucket(rest), rest.method, rest.headers))
        return response

    async def _answer(self, rest: Rest, request_id: str) -> Answer:
        rest.address()
        if rest.method == "OPTIONS":
            headers = cors.preflight(
                self._bucket(rest), rest.headers, on_object=rest.key is not None
            )
            return Answer(200, b"", headers)
        call = self._call(rest, request_id)
        if (
            rest.method == "POST"
            and rest.key is None
            and rest.bucket is not None
            and "delete" not in rest.values
        ):
            return await self._forms.answer(rest, call, self._bucket(rest))
        regions.check(self._bucket(rest), rest.headers, rest.values)
        verified = self._verify(rest, call)
        requests = self._buckets if rest.key is None else self._objects
        return await requests.answer(rest, call, verified)

    def _call(self, rest: Rest, request_id: str) -> Call:
        client = rest.scope.get("client")
        peer = client[0] if client else "127.0.0.1"
        call = Call(
            None,
            request_id,
            kind="anonymous",
            source_ip=peer,
            # The endpoint stands for AWS's, which is TLS: what never leaves this machine counts
            # as secure, or a policy that wants TLS (and should) would refuse every request.
            secure=rest.scope.get("scheme") == "https" or loopback(peer),
            payload_hash=rest.headers.get("x-amz-content-sha256", ""),
        )
        for header, fact in (("user-agent", "aws:useragent"), ("referer", "aws:referer")):
            if header in rest.headers:
                call.facts[fact] = rest.headers[header]
        return call

    def _verify(self, rest: Rest, call: Call) -> Verified | None:
        """Check the signature, if there is one, and say who calls."""
        values, headers = rest.values, rest.headers
        if "authorization" in headers:
            if "X-Amz-Algorithm" in values or "X-Amz-Signature" in values:
                raise errors.invalid_argument(
                    "Authorization",
                    headers["authorization"],
                    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                    "Signature query string parameter or the Authorization header should be "
                    "specified",
                )
            payload_hash = headers.get("x-amz-content-sha256")
            if payload_hash is None and headers["authorization"].startswith("AWS4-"):
                raise errors.invalid_request(
                    "Missing required header for this request: x-amz-content-sha256"
                )
            verified = self._sigv4.header(rest.facts(), payload_hash or "")
        elif "X-Amz-Algorithm" in values or "X-Amz-Signature" in values:
            verified = self._sigv4.query(rest.facts())
            # What a presigned URL carries of the request's headers in its query is signed, too.
            for name, value in rest.query:
                lowered = name.lower()
                if lowered.startswith("x-amz-") and lowered not in _AUTHENTICATION:
                    headers.setdefault(lowered, value)
        elif not _V2_QUERY.isdisjoint(values):
            raise errors.invalid_request(
                "The authorization mechanism you have provided is not supported. Please use "
                "AWS4-HMAC-SHA256."
            )
        else:
            return None
        call.caller = verified.credential.caller(verified.region, call.request_id)
        call.kind = verified.kind
        call.signed_at = verified.signed_at
        call.payload_hash = verified.payload_hash
        return verified

    def _bucket(self, rest: Rest) -> Bucket | None:
        return self._state.buckets.get(rest.bucket) if rest.bucket else None

    def _tick(self) -> None:
        try:
            self.sweep()
        except (AwsError, OSError):
            log.exception("the lifecycle sweep failed; it goes on at the next one")
        self._timer = self._clock.call_later(lifecycle.SWEEP_INTERVAL_S, self._tick)


_AUTHENTICATION = frozenset(
    {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders",
     "x-amz-signature", "x-amz-security-token", "x-amz-content-sha256"}
)  # fmt: skip


async def _refusal(rest: Rest, error: AwsError, request_id: str, ident: str) -> Answer:
    response = error_answer(error, request_id, ident, head=rest.method == "HEAD")
    if not await rest.drain():
        response.add({"connection": "close"})
    return response
