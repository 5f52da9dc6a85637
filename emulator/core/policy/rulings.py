"""What came of an evaluation, and how AWS words a refusal.

Sources: "Policy evaluation logic" and "Troubleshoot access denied error messages" of the IAM user
guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.core.bus import Caller
from emulator.core.policy.documents import Decision


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision and its reason, as the end of AWS's sentence.

    ``limited``: a boundary or a session policy does not allow it, so that an allow by the
    resource's policy to the role does not help either.
    """

    decision: Decision
    reason: str = ""
    limited: bool = False


ALLOWED = Ruling("allow")


def explicit(where: str) -> Ruling:
    """Denied by a statement of an ``identity-based policy``, a ``permissions boundary``, ..."""
    article = "an" if where[0] in "aeiou" else "a"
    return Ruling("deny", f"with an explicit deny in {article} {where}")


def implicit(where: str, action: str, *, limited: bool = False) -> Ruling:
    """Not allowed, where a statement of ``where`` would have to."""
    return Ruling("neutral", f"because no {where} allows the {action} action", limited)


def by_resource(own: Ruling, resource: Decision, action: str, *, same_account: bool) -> Ruling:
    """Both sides together: the caller's ruling and what the resource's policy decides.

    Within one account an allow on either side is enough and a deny on either side is final;
    across accounts both sides must allow.
    """
    if resource == "deny":
        return explicit("resource-based policy")
    if own.decision == "deny":
        return own
    if same_account:
        if own.decision == "allow" or (resource == "allow" and not own.limited):
            return ALLOWED
        return own
    if own.decision != "allow":
        return own
    if resource in {"allow", "delegate"}:
        return ALLOWED
    return implicit("resource-based policy", action)


def denial(caller: Caller, action: str, resource: str, ruling: Ruling) -> str:
    """AWS's sentence to a caller who may not."""
    sentence = f"User: {caller.principal} is not authorized to perform: {action}"
    if resource:
        sentence += f" on resource: {resource}"
    return f"{sentence} {ruling.reason}".rstrip()
