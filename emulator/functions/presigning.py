"""Presigned URLs and POSTs of in-process functions: made by botocore, offline, at the clock's time.

The configuration is that of the system's functions without an endpoint of one's own: SigV4, virtual
addressing, the regional host.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.auth
import botocore.session
import botocore.signers
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials

from emulator.core.credentials import Credential


class _Borrowed(Credentials):  # type: ignore[misc]
    """The credentials of whoever signs now: one client serves all, since making one is slow."""

    def __init__(self) -> None:
        super().__init__("none", "none")

    def sign_as(self, credential: Credential) -> None:
        """Use these from now on."""
        self.access_key, self.secret_key = credential.access_key, credential.secret
        self.token = credential.token

    def get_frozen_credentials(self) -> Any:
        """As botocore's signers ask for them."""
        return ReadOnlyCredentials(self.access_key, self.secret_key, self.token)


class _Resolver:
    def __init__(self, credentials: _Borrowed) -> None:
        self._credentials = credentials

    def load_credentials(self) -> _Borrowed:
        return self._credentials


def url(  # noqa: PLR0917 (as the SDK takes them)
    credential: Credential,
    region: str,
    now: float,
    method: str,
    params: Mapping[str, Any],
    expires_s: int,
) -> str:
    """A presigned URL for a client method (``get_object``)."""
    client, borrowed = _client(region)
    borrowed.sign_as(credential)
    with _signing_at(now):
        made: str = client.generate_presigned_url(method, Params=dict(params), ExpiresIn=expires_s)
    return made


def post(
    credential: Credential, region: str, now: float, params: Mapping[str, Any]
) -> dict[str, Any]:
    """A presigned POST; ``params`` are the SDK's arguments."""
    client, borrowed = _client(region)
    borrowed.sign_as(credential)
    with _signing_at(now):
        made: dict[str, Any] = client.generate_presigned_post(**params)
    return made


@cache
def _client(region: str) -> tuple[Any, _Borrowed]:
    borrowed = _Borrowed()
    session = botocore.session.Session()
    session.set_config_variable("profile", None)
    session.register_component("credential_provider", _Resolver(borrowed))
    client = session.create_client(
        "s3",
        region_name=region,
        endpoint_url=f"https://s3.{region}.amazonaws.com",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        ),
    )
    return client, borrowed


@contextlib.contextmanager
def _signing_at(now: float) -> Iterator[None]:
    """The SDK's signing time is the machine's; nothing else runs while it is ours."""
    moment = datetime.fromtimestamp(now, UTC)

    def ours(remove_tzinfo: bool = True) -> datetime:
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    modules = (botocore.auth, botocore.signers)
    kept = [module.get_current_datetime for module in modules]
    try:
        for module in modules:
            module.get_current_datetime = ours
        yield
    finally:
        for module, function in zip(modules, kept, strict=True):
            module.get_current_datetime = function
