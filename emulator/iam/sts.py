"""STS: who am I, and sessions of roles.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/ and "Policy evaluation logic": to
assume a role of its own account a principal must be named by the role's trust policy, or be
allowed by its own policies where the trust policy names the account; across accounts both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from emulator.core.bus import Caller
from emulator.core.credentials import Credential, CredentialStore
from emulator.core.errors import AwsError, NotSupported
from emulator.core.policy.principals import is_root, principal_of
from emulator.core.policy.rulings import by_resource
from emulator.iam.directory import Directory, Identity, session_policy
from emulator.iam.guard import Guard
from emulator.iam.refusals import refusal

ASSUME = "sts:AssumeRole"
DURATION_S = 3_600
DURATION_S_MIN = 900
CHAINED_S_MAX = 3_600
"""A role that assumes a role gets an hour at most."""
SESSION_TOKEN_S = 43_200
SESSION_TOKEN_S_MAX = 129_600
POLICY_CHARS_MAX = 2_048
PARAMETERS: Mapping[str, frozenset[str]] = {
    "AssumeRole": frozenset(
        {"RoleArn", "RoleSessionName", "DurationSeconds", "Policy", "ExternalId"}
    ),
    "GetSessionToken": frozenset({"DurationSeconds"}),
    "GetCallerIdentity": frozenset(),
}
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


class StsService:
    """Answers STS's calls; ``guard`` None: everybody may assume every role that there is."""

    def __init__(
        self, credentials: CredentialStore, directory: Directory, guard: Guard | None
    ) -> None:
        self._credentials = credentials
        self._directory = directory
        self._guard = guard

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call; raises AwsError as STS does, NotSupported for what is not here.

        Federation (SAML, web identity) is refused: nothing here could check whom it vouches for.
        """
        known = PARAMETERS.get(operation)
        if known is None:
            raise NotSupported(f"sts:{operation}")
        unknown = sorted(name for name in params if name not in known)
        if unknown:
            raise NotSupported(f"the parameter {unknown[0]} of sts:{operation}")
        await self._directory.fresh()
        if operation == "GetCallerIdentity":
            return self._identity(caller)
        if operation == "GetSessionToken":
            return self._session_token(params, caller)
        return await self._assume(params, caller)

    def _identity(self, caller: Caller) -> dict[str, Any]:
        known = self._directory.of(caller)
        user_id = known.id if known is not None else caller.account
        if known is not None and ":assumed-role/" in caller.principal:
            user_id = f"{user_id}:{caller.principal.rpartition('/')[2]}"
        return {"UserId": user_id, "Account": caller.account, "Arn": caller.principal}

    def _session_token(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        if ":assumed-role/" in caller.principal:
            raise AwsError(
                "AccessDenied", "Cannot call GetSessionToken with session credentials", 403
            )
        duration = _duration(params, SESSION_TOKEN_S, SESSION_TOKEN_S_MAX)
        held = self._credentials.issue_token(caller.principal, duration)
        return {"Credentials": _document(held)}

    async def _assume(self, params: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        arn, name = str(params.get("RoleArn", "")), str(params.get("RoleSessionName", ""))
        if not _ROLE.fullmatch(arn):
            raise _invalid(f"{arn} is invalid")
        if not _SESSION_NAME.fullmatch(name):
            raise _invalid(
                f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )
        role = self._directory.role(arn)
        if self._guard is not None:
            self._check(role, arn, name, params, caller)
        if role is None:
            raise AwsError("NoSuchEntity", f"The role {arn} cannot be found.", 404)
        chained = ":assumed-role/" in caller.principal
        longest = CHAINED_S_MAX if chained else role.session_s_max
        duration = _duration(params, DURATION_S, longest)
        policies = _policies(params)
        held = self._credentials.issue_session(arn, name, duration, policies=policies)
        return {
            "Credentials": _document(held),
            "AssumedRoleUser": {"AssumedRoleId": f"{role.id}:{name}", "Arn": held.principal},
            "PackedPolicySize": 0,
        }

    def _check(
        self,
        role: Identity | None,
        arn: str,
        name: str,
        params: Mapping[str, Any],
        caller: Caller,
    ) -> None:
        """Raise AccessDenied unless the trust policy, or both sides, let the caller in."""
        assert self._guard is not None  # noqa: S101 (the caller has looked)
        context: dict[str, Any] = {"sts:rolesessionname": name}
        if params.get("ExternalId"):
            context["sts:externalid"] = str(params["ExternalId"])
        own = self._guard.own(caller, ASSUME, arn, context)
        same = caller.account == arn.split(":")[4]
        if role is not None and same and is_root(caller.principal):
            return  # the account's own key here stands for an administrator
        trust = role.trust if role is not None else None
        facts = self._guard.facts(caller, context)
        by_trust = trust.decide(principal_of(caller), ASSUME, arn, facts) if trust else "neutral"
        # Nobody may assume a role that does not trust them, whatever their own policies say.
        by_own = same and by_trust != "neutral"
        ruling = by_resource(own, by_trust, ASSUME, same_account=by_own)
        if ruling.decision != "allow":
            raise refusal("sts", caller, ASSUME, arn, ruling)


def _policies(params: Mapping[str, Any]) -> tuple[str, ...]:
    text = params.get("Policy")
    if not text:
        return ()
    if len(str(text)) > POLICY_CHARS_MAX:
        raise _invalid(f"A session policy has at most {POLICY_CHARS_MAX} characters.")
    try:
        session_policy(str(text))
    except NotSupported:
        raise
    except AwsError as error:
        raise AwsError("MalformedPolicyDocument", error.message) from error
    return (str(text),)


def _duration(params: Mapping[str, Any], default: int, most: int) -> float:
    try:
        seconds = int(params.get("DurationSeconds") or default)
    except ValueError as error:
        raise _invalid("DurationSeconds is a number.") from error
    if not DURATION_S_MIN <= seconds <= most:
        raise _invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            if seconds > most
            else f"DurationSeconds must be {DURATION_S_MIN} at least."
        )
    return float(seconds)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def _document(held: Credential) -> dict[str, Any]:
    return {
        "AccessKeyId": held.access_key,
        "SecretAccessKey": held.secret,
        "SessionToken": held.token,
        "Expiration": held.expires_at,
    }
