"""What a principal's own policies say of a request.

Source: "Policy evaluation logic" and "Permissions boundaries for IAM entities" of the IAM user
guide: a deny anywhere is final; an identity-based policy must allow; a boundary and the session's
policies must allow too, where there are some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from emulator.core.policy.documents import NOBODY, Decision, Policy
from emulator.core.policy.rulings import ALLOWED, Ruling, explicit, implicit
from emulator.iam.directory import Identity

IDENTITY_BASED = "identity-based policy"


def rule(
    identity: Identity | None,
    session: tuple[Policy, ...],
    action: str,
    resource: str,
    context: Mapping[str, Any],
) -> Ruling:
    """The ruling on one action; ``session`` are the policies that the session was made with."""
    own = _together(identity.policies if identity else (), action, resource, context)
    if own == "deny":
        return explicit(IDENTITY_BASED)
    limits = [("session policy", _together(session, action, resource, context))] if session else []
    if identity is not None and identity.boundary is not None:
        by_boundary = _together((identity.boundary,), action, resource, context)
        limits.insert(0, ("permissions boundary", by_boundary))
    for name, decision in limits:
        if decision == "deny":
            return explicit(name)
    limiting = next((name for name, decision in limits if decision != "allow"), None)
    if own != "allow":
        return implicit(IDENTITY_BASED, action, limited=limiting is not None)
    if limiting is not None:
        return implicit(limiting, action, limited=True)
    return ALLOWED


def _together(
    policies: Iterable[Policy], action: str, resource: str, context: Mapping[str, Any]
) -> Decision:
    found: Decision = "neutral"
    for policy in policies:
        decision = policy.decide(NOBODY, action, resource, context)
        if decision == "deny":
            return "deny"
        if decision == "allow":
            found = "allow"
    return found
