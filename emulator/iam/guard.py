"""Checks every call against the policies of who makes it.

Within one account an account's root may do everything. A call on a resource of another account
needs that resource's policy too; here buckets and functions have policies of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.core.bus import Caller
from emulator.core.clock import Clock, iso
from emulator.core.credentials import CredentialStore
from emulator.core.logs import Lane
from emulator.core.policy.documents import Decision, Policy
from emulator.core.policy.facts import Facts
from emulator.core.policy.principals import identifier, is_root, kind_of, principal_of
from emulator.core.policy.rulings import ALLOWED, Ruling, by_resource
from emulator.iam import functions, needs
from emulator.iam.directory import Directory, session_policy
from emulator.iam.evaluation import rule
from emulator.iam.needs import Need, Request
from emulator.iam.refusals import refusal

CHECKED_BY_THEMSELVES = frozenset({"s3", "sts"})
"""S3 knows best what a request does, and asks ``own``; STS asks trust policies."""
ACROSS_ACCOUNTS = frozenset({"states", "lambda", "ecs", "events"})
"""Our engines find resources by ARN, of whatever account: even a root is checked there."""
SESSION_PREFIX = "ASIA"
CALLERS_MAX = 1_024
"""Callers whose facts are remembered."""


class Guard:
    """Decides on calls; on the bus, and for S3 as its authorizer.

    Accounts in ``unchecked`` may do everything: Step Functions Local has one, whose roles are
    names that nobody looks up.
    """

    def __init__(
        self,
        lane: Lane,
        clock: Clock,
        credentials: CredentialStore,
        directory: Directory,
        *,
        unchecked: frozenset[str] = frozenset(),
    ) -> None:
        self._unchecked = unchecked
        self._lane = lane
        self._clock = clock
        self._credentials = credentials
        self._directory = directory
        self._picture: object = None
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}

    async def fresh(self) -> None:
        """Return when changes of roles and policies are known; before S3 handles a request."""
        await self._directory.fresh()

    async def check(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> None:
        """Raise the service's AccessDenied unless ``caller`` may make this call."""
        if caller.account in self._unchecked:
            return
        if service in CHECKED_BY_THEMSELVES:
            await self._directory.fresh()
            return
        root = is_root(caller.principal)
        if root and service not in ACROSS_ACCOUNTS:
            return
        found = needs.of(Request(service, operation, params, caller))
        if root and needs.accounts(found) <= {caller.account}:
            return
        await self._directory.fresh()
        for need in found:
            await self._check(service, need, caller, self.facts(caller, need.context))

    async def require(
        self,
        service: str,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any],
    ) -> None:
        """Raise ``service``'s AccessDenied unless ``caller`` may do one action."""
        if caller.account in self._unchecked:
            return
        await self._directory.fresh()
        need = Need(action, resource, context)
        await self._check(service, need, caller, self.facts(caller, context))

    async def trusts(self, role_arn: str, service: str, source_arn: str) -> bool:
        """Whether the role's trust policy lets a service assume it for ``source_arn``."""
        _, _, _, region, account, _ = source_arn.split(":", 5)
        if account in self._unchecked:
            return True
        await self._directory.fresh()
        role = self._directory.role(role_arn)
        if role is None or role.trust is None:
            return False
        caller = Caller(account, region, service, source_arn=source_arn)
        decision = role.trust.decide(
            principal_of(caller), "sts:AssumeRole", role_arn, self.facts(caller)
        )
        return decision == "allow"

    def own(self, caller: Caller, action: str, resource: str, context: Mapping[str, Any]) -> Ruling:
        """What the caller's own policies say, as S3 asks it."""
        if is_root(caller.principal) or caller.account in self._unchecked:
            return ALLOWED
        return self._rule(caller, action, resource, self.facts(caller, context))

    async def _check(
        self, service: str, need: Need, caller: Caller, context: Mapping[str, Any]
    ) -> None:
        own = ALLOWED if is_root(caller.principal) else Ruling("neutral")
        if caller.principal.startswith("arn:") and own is not ALLOWED:
            own = self._rule(caller, need.action, need.resource, context)
        same = need.account in {"", caller.account}
        if same and own.decision == "allow":
            return
        resource: Decision = "neutral"
        if own.decision != "deny" and need.action == "lambda:InvokeFunction":
            policy = await functions.policy(self._lane, need.resource)
            if policy is not None:
                who = principal_of(caller)
                resource = policy.decide(who, need.action, need.resource, context)
        if not caller.principal.startswith("arn:"):
            ruling = ALLOWED if resource == "allow" else functions.NOT_INVITED
        else:
            ruling = by_resource(own, resource, need.action, same_account=same)
        if ruling.decision != "allow":
            raise refusal(service, caller, need.action, need.resource, ruling)

    def _rule(
        self, caller: Caller, action: str, resource: str, context: Mapping[str, Any]
    ) -> Ruling:
        identity = self._directory.of(caller)
        return rule(identity, self._session(caller), action, resource, context)

    def _session(self, caller: Caller) -> tuple[Policy, ...]:
        if not caller.access_key.startswith(SESSION_PREFIX):
            return ()
        credential = self._credentials.find(caller.access_key)
        texts = credential.policies if credential is not None else ()
        return tuple(session_policy(text) for text in texts)

    def facts(self, caller: Caller, context: Mapping[str, Any] | None = None) -> Facts:
        """The global condition keys of a request, and those of ``context``, which count first."""
        known = self._known_of(caller)
        return Facts(known, self._clock.now(), context)

    def _known_of(self, caller: Caller) -> dict[str, Any]:
        """The facts that all calls of a session share, found once for each picture."""
        picture = self._directory.picture
        if self._picture is not picture or len(self._known) >= CALLERS_MAX:
            self._picture = picture
            self._known.clear()
        who = (caller.principal, caller.access_key, caller.account, caller.region,
               caller.role_arn, caller.source_arn, caller.source_ip, caller.user_agent)  # fmt: skip
        known = self._known.get(who)
        if known is None:
            known = self._known[who] = self._facts(caller)
        return known

    def _facts(self, caller: Caller) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "aws:principalaccount": caller.account,
            "aws:requestedregion": caller.region,
            "aws:resourceaccount": caller.account,
            # The endpoint stands for AWS's, which is TLS (as for S3).
            "aws:securetransport": "true",
            "aws:viaawsservice": "false",
        }
        if caller.source_ip:
            facts["aws:sourceip"] = caller.source_ip
        if caller.user_agent:
            facts["aws:useragent"] = caller.user_agent
        if caller.source_arn:
            facts["aws:sourcearn"] = caller.source_arn
            facts["aws:sourceaccount"] = caller.account
        if not caller.principal.startswith("arn:"):
            return {**facts, "aws:principalisawsservice": "true"}
        facts["aws:principalisawsservice"] = "false"
        facts["aws:principalarn"] = identifier(caller)
        facts["aws:principaltype"] = kind_of(caller.principal)
        identity = self._directory.of(caller)
        if identity is not None:
            session = caller.principal.rpartition("/")[2]
            is_session = ":assumed-role/" in caller.principal
            facts["aws:userid"] = f"{identity.id}:{session}" if is_session else identity.id
            facts.update(identity.facts)
        if caller.access_key.startswith(SESSION_PREFIX):
            facts["aws:multifactorauthpresent"] = "false"
            credential = self._credentials.find(caller.access_key)
            if credential is not None and credential.issued_at is not None:
                facts["aws:tokenissuetime"] = iso(credential.issued_at)
        return facts
