"""Which secret belongs to which access key, and whom it stands for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.journal import Journal

JOURNAL_KIND = "session"


@dataclass(frozen=True)
class Credential:
    """An access key: its secret, its session token (temporary ones), its principal, its end."""

    access_key: str
    secret: str
    principal: str
    account: str
    token: str | None = None
    expires_at: float | None = None
    role_arn: str = ""
    issued_at: float | None = None
    policies: tuple[str, ...] = ()
    """Session policies: they limit what the role allows."""

    def caller(
        self, region: str, request_id: str, *, source_ip: str = "", user_agent: str = ""
    ) -> Caller:
        """Who signs with it."""
        return Caller(
            self.account,
            region,
            self.principal,
            self.access_key,
            request_id,
            role_arn=self.role_arn,
            source_ip=source_ip,
            user_agent=user_agent,
        )


class CredentialStore:
    """Access keys the emulator knows.

    As the ecosystem's tools expect, the key ``test`` with the secret ``test`` is account
    000000000000, and a key of 12 digits is the account of that number (its secret: ``test``).
    Sessions that have not ended yet come back from the ``journal``, so that a link which a role
    has signed outlives the emulator, as it outlives a function's process on AWS.
    """

    def __init__(self, clock: Clock, journal: Journal | None = None) -> None:
        self._clock = clock
        self._known: dict[str, Credential] = {}
        self._users: set[str] = set()
        self._journal = journal or Journal(None)
        for key, value in self._journal.load(JOURNAL_KIND).items():
            credential = Credential(**{**value, "policies": tuple(value.get("policies", ()))})
            if credential.expires_at is not None and credential.expires_at > clock.now():
                self._known[key] = credential
            else:
                self._journal.put(JOURNAL_KIND, key, None)

    def add(self, credential: Credential) -> None:
        """Make a key known."""
        self._known[credential.access_key] = credential

    def set_users(self, credentials: Sequence[Credential]) -> None:
        """The keys of all IAM users, in place of those told before."""
        for key in self._users:
            self._known.pop(key, None)
        self._users = {credential.access_key for credential in credentials}
        self._known.update((c.access_key, c) for c in credentials)

    def issue_session(
        self,
        role_arn: str,
        session_name: str,
        duration_s: float = 3600.0,
        *,
        policies: tuple[str, ...] = (),
    ) -> Credential:
        """Temporary credentials of a role, as sts:AssumeRole gives them."""
        principal = session_arn(role_arn, session_name)
        return self.issue_token(principal, duration_s, role_arn=role_arn, policies=policies)

    def issue_token(
        self,
        principal: str,
        duration_s: float,
        *,
        role_arn: str = "",
        policies: tuple[str, ...] = (),
    ) -> Credential:
        """Temporary credentials of a principal, as sts:GetSessionToken gives them."""
        now = self._clock.now()
        credential = Credential(
            access_key=ids.session_access_key(),
            secret=secrets.token_urlsafe(30),
            token=secrets.token_urlsafe(120),
            principal=principal,
            account=principal.split(":")[4],
            expires_at=now + duration_s,
            role_arn=role_arn,
            issued_at=now,
            policies=policies,
        )
        self._known[credential.access_key] = credential
        self._journal.put(JOURNAL_KIND, credential.access_key, asdict(credential))
        return credential

    def find(self, access_key: str) -> Credential | None:
        """The credential of a key, also when its session is over; None for an unknown key."""
        known = self._known.get(access_key)
        if known is not None:
            return known
        if access_key == "test":
            account = ids.ACCOUNT
        elif len(access_key) == ids.ACCOUNT_DIGITS and access_key.isdigit():
            account = access_key
        else:
            return None
        return Credential(access_key, "test", f"arn:aws:iam::{account}:root", account)


def session_arn(role_arn: str, session_name: str) -> str:
    """The principal of a role's session; its ARN does not have the role's path."""
    account, role = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    return f"arn:aws:sts::{account}:assumed-role/{role}/{session_name}"
