"""Who makes a call to the endpoint: what the signature proves, or the error that refuses it.

Source: "Common errors" of the services' API references. S3 checks signatures itself.
"""

from __future__ import annotations

import hashlib

from starlette.requests import Request

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.credentials import CredentialStore
from emulator.core.errors import AwsError
from emulator.core.policy.principals import is_root
from emulator.core.sigv4 import UNSIGNED, RequestFacts, SigV4
from emulator.core.sigv4_refusals import common
from emulator.endpoint.router import Route
from emulator.endpoint.wire import Protocol
from emulator.iam import Directory


class Callers:
    """Finds the caller of a request; without ``enforced`` the key's owner is believed."""

    def __init__(
        self,
        clock: Clock,
        credentials: CredentialStore,
        directory: Directory,
        *,
        enforced: bool,
    ) -> None:
        self._clock = clock
        self._credentials = credentials
        self._directory = directory
        self.enforced = enforced
        self._verifiers: dict[str, SigV4] = {}

    async def known(self, found: Route) -> None:
        """Return when the keys of IAM's users are as new as this request must find them."""
        held = self._credentials.find(found.access_key) if found.access_key else None
        if held is None or not is_root(held.principal):
            await self._directory.fresh()

    def of(
        self, found: Route, protocol: Protocol, request: Request, body: bytes, request_id: str
    ) -> Caller | None:
        """The caller; None for a request without a signature.

        Raises AwsError with the codes that services of this protocol have for an unknown key, a
        wrong signature and a session that is over.
        """
        if found.access_key is None:
            return None
        if self.enforced:
            return self._proven(found, protocol, request, body, request_id)
        return self.believed(found, request_id)

    def _proven(
        self, found: Route, protocol: Protocol, request: Request, body: bytes, request_id: str
    ) -> Caller:
        verifier = self._verifiers.get(found.service)
        if verifier is None:
            verifier = SigV4(self._clock, self._credentials, found.service)
            self._verifiers[found.service] = verifier
        facts = _facts(request)
        payload_hash = facts.headers.get("x-amz-content-sha256", "")
        if payload_hash != UNSIGNED:
            payload_hash = hashlib.sha256(body).hexdigest()
        try:
            verified = verifier.header(facts, payload_hash)
        except AwsError as error:
            raise common(error, protocol) from error
        client = request.client
        return verified.credential.caller(
            verified.region,
            request_id,
            source_ip=client.host if client else "",
            user_agent=facts.headers.get("user-agent", ""),
        )

    def believed(self, found: Route, request_id: str) -> Caller | None:
        """Whom the key belongs to, without proof; None where a header names no key."""
        if found.access_key is None:
            return None
        key = found.access_key
        region = found.region or ids.REGION
        held = self._credentials.find(key)
        if held is not None:
            return held.caller(region, request_id)
        root = f"arn:aws:iam::{ids.ACCOUNT}:root"
        return Caller(ids.ACCOUNT, region, root, key, request_id)


def _facts(request: Request) -> RequestFacts:
    headers: dict[str, str] = {}
    for raw, value in request.scope["headers"]:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        headers[name] = f"{headers[name]},{text}" if name in headers else text
    path = request.scope["raw_path"].decode("latin-1")
    return RequestFacts(request.method, path, request.query_params.multi_items(), headers)
