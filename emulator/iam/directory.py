"""Roles, users, groups and their policies, as moto's control plane has them.

They are read as a whole, on moto's lane, after a call that may have changed them; between two
readings every decision is made on one consistent picture and without waiting.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from emulator.core.bus import Caller, Service
from emulator.core.credentials import Credential, CredentialStore
from emulator.core.errors import AwsError
from emulator.core.logs import Lane
from emulator.core.policy import keys
from emulator.core.policy.documents import Grammar, Policy, parse
from emulator.core.policy.principals import role_name

log = logging.getLogger("emulator.iam")

IDENTITY = Grammar("an identity-based policy", keys.ALL)
SESSION = Grammar("a session policy", keys.ALL)
TRUST = Grammar("a role's trust policy", keys.ALL, principals=True, resources=False)
NOTHING = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
READS = ("Get", "List", "Simulate", "Generate")
"""How calls begin that change nothing."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a role or a user may do, and the facts that conditions can ask of it.

    ``boundary`` None: it has none. ``trust`` is a role's, ``session_s_max`` how long a session of
    it may last.
    """

    arn: str
    id: str
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    trust: Policy | None = None
    session_s_max: int = 3600
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Directory:
    """Finds the identity of a caller.

    ``later(change)`` makes a change count; by default it does at once.
    """

    def __init__(
        self,
        lane: Lane,
        credentials: CredentialStore,
        later: Callable[[Callable[[], None]], None] = lambda change: change(),
    ) -> None:
        self._lane = lane
        self._credentials = credentials
        self._later = later
        self._roles: Mapping[tuple[str, str], Identity] = {}
        self._users: Mapping[tuple[str, str], Identity] = {}
        self._current = False
        self._reading: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """Something may have changed: read before the next decision, once that counts."""
        self._later(self._outdated)

    def _outdated(self) -> None:
        self._current = False
        self._reading = None

    async def fresh(self) -> None:
        """Return when the picture is as new as the last change."""
        while not self._current:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)

    @property
    def picture(self) -> object:
        """What decisions are made on now: another object after each reading."""
        return self._roles

    def of(self, caller: Caller) -> Identity | None:
        """The role or user that a caller is; None for one that is not there (any more)."""
        role = role_name(caller.principal)
        if role is not None:
            return self._roles.get((caller.account, role))
        kind, _, name = caller.principal.rpartition(":")[2].partition("/")
        return self._users.get((caller.account, name)) if kind == "user" else None

    def role(self, arn: str) -> Identity | None:
        """The role of this ARN."""
        account, name = arn.split(":")[4], arn.rsplit("/", 1)[-1]
        found = self._roles.get((account, name))
        return found if found is not None and found.arn == arn else None

    async def _read(self) -> None:
        reading = asyncio.current_task()
        roles, users, credentials = await self._lane.run(_picture)
        if self._reading is not reading:
            return  # changed meanwhile: whoever waits reads again
        self._roles, self._users = roles, users
        self._credentials.set_users(credentials)
        self._current, self._reading = True, None


class WatchedControl:
    """moto's IAM, with a word to the directory after every call that may change something."""

    def __init__(self, service: Service, directory: Directory) -> None:
        self._service = service
        self._directory = directory

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""
        try:
            return await self._service.call(operation, params, caller)
        finally:
            if not operation.startswith(READS):
                self._directory.changed()


Identities = dict[tuple[str, str], Identity]


def _picture() -> tuple[Identities, Identities, list[Credential]]:
    """All of it; on the lane."""
    from moto.iam.models import iam_backends  # noqa: PLC0415 (slow import)

    roles: Identities = {}
    users: Identities = {}
    credentials: list[Credential] = []
    for account, regions in list(iam_backends.items()):
        for backend in list(regions.values()):
            for role in backend.roles.values():
                roles[account, str(role.name)] = _role(role, backend)
            for user in backend.users.values():
                users[account, str(user.name)] = _user(user, backend.groups.values())
                credentials += _keys(account, user)
    return roles, users, credentials


def _role(role: Any, backend: Any) -> Identity:
    tags = {str(t["Key"]): str(t["Value"]) for t in role.tags or ()}
    boundary = role.permissions_boundary_arn
    return Identity(
        arn=str(role.arn),
        id=str(role.id),
        policies=_policies(role),
        boundary=_managed(backend.managed_policies.get(boundary)) if boundary else None,
        trust=_trust(str(role.assume_role_policy_document or "")),
        session_s_max=int(role.max_session_duration or 3600),
        facts=MappingProxyType({f"aws:principaltag/{k}": v for k, v in tags.items()}),
    )


def _user(user: Any, groups: Iterable[Any]) -> Identity:
    mine = [group for group in groups if user in group.users]
    own = [policy for one in (user, *mine) for policy in _policies(one)]
    facts = {"aws:username": str(user.name)}
    return Identity(str(user.arn), str(user.id), tuple(own), facts=MappingProxyType(facts))


def _policies(of: Any) -> tuple[Policy, ...]:
    inline = [_compiled(str(text)) for text in of.policies.values()]
    managed = [_managed(policy) for policy in of.managed_policies.values()]
    return (*inline, *managed)


def _keys(account: str, user: Any) -> list[Credential]:
    return [
        Credential(str(key.access_key_id), str(key.secret_access_key), str(user.arn), account)
        for key in user.access_keys
        if key.status == "Active"
    ]


def _managed(policy: Any) -> Policy:
    """The default version of a managed policy; of one that is gone nothing is allowed."""
    versions = policy.versions if policy is not None else ()
    text = next((str(v.document) for v in versions if v.is_default), NOTHING)
    return _compiled(text)


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> Policy:
    """Read a policy once. One that cannot be read denies everything: it may be a Deny."""
    try:
        return parse(text, IDENTITY)
    except AwsError as error:
        log.error("a policy cannot be read and denies everything: %s", error)  # noqa: TRY400
        return parse(NOTHING, IDENTITY)


@functools.lru_cache(maxsize=1024)
def session_policy(text: str) -> Policy:
    """Read a session policy; raises MalformedPolicy."""
    return parse(text, SESSION)


@functools.lru_cache(maxsize=1024)
def _trust(text: str) -> Policy | None:
    """A trust policy; None for one that cannot be read: nobody may assume the role then."""
    try:
        return parse(text, TRUST)
    except AwsError as error:
        log.error("a trust policy cannot be read and trusts nobody: %s", error)  # noqa: TRY400
        return None
