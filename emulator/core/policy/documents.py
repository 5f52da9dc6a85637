"""Policy documents: read once, evaluated on every request.

Source: "IAM JSON policy elements reference".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.core.errors import AwsError, NotSupported
from emulator.core.policy import conditions
from emulator.core.policy.conditions import Condition, Keys
from emulator.core.policy.patterns import matches, wildcard
from emulator.core.policy.principals import Principal, match

Decision = Literal["allow", "deny", "neutral", "delegate"]
"""``delegate``: a resource's policy allows the caller's whole account, not the caller by name. To
another account that is an allow; within one, the caller's own policies still decide."""

VERSIONS = frozenset({"2012-10-17", "2008-10-17"})
NOBODY = Principal()
ANYBODY = (("AWS", "*"),)
ACTIONS_MAX = 1_024
"""Actions of which a policy remembers what is about them."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a kind of policy may say.

    ``kind`` names it in refusals (``a bucket policy``). Without ``strict`` a condition key that
    requests do not carry is no error when the policy is read: an Allow that depends on it does
    not apply, a Deny refuses the request by name.
    """

    kind: str
    keys: Keys
    principals: bool = False
    resources: bool = True
    variables: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready to be evaluated."""

    deny: bool
    principals: tuple[tuple[str, str], ...]
    not_principals: tuple[tuple[str, str], ...] | None
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...]
    not_resources: tuple[str, ...] | None
    conditions: tuple[Condition, ...]
    variables: bool
    kind: str

    def is_about(self, action: str) -> bool:
        """Whether its Action element covers ``action`` (in lower case)."""
        actions = self.actions if self.not_actions is None else self.not_actions
        found = any(one == "*" or wildcard(one).fullmatch(action) for one in actions)
        return found is (self.not_actions is None)

    def says(self, principal: Principal, resource: str, context: Mapping[str, Any]) -> Decision:
        """What it says of a request for an action that it is about.

        Raises NotSupported for a Deny that depends on a key that is not looked at.
        """
        meant = self._means(principal)
        if not meant or not self._covers(resource, context):
            return "neutral"
        if not all(c.holds(context) for c in self.conditions if c.known):
            return "neutral"
        unknown = next((c.key for c in self.conditions if not c.known), None)
        if unknown is not None:
            if self.deny:
                raise NotSupported(f"the condition key {unknown} in a Deny of {self.kind}")
            return "neutral"
        if self.deny:
            return "deny"
        return "delegate" if meant == "account" else "allow"

    def _means(self, who: Principal) -> str:
        if self.not_principals is not None:
            return "" if any(match(one, who) for one in self.not_principals) else "named"
        if self.principals == ANYBODY:
            return "named"
        found = {match(one, who) for one in self.principals}
        return "named" if "named" in found else "account" if "account" in found else ""

    def _covers(self, resource: str, context: Mapping[str, Any]) -> bool:
        resources = self.resources if self.not_resources is None else self.not_resources
        for one in resources:
            if matches(one, resource, context, variables=self.variables):
                return self.not_resources is None
        return self.not_resources is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: its text as it was given, and its statements.

    It remembers which of its statements are about an action, as they never change: few are, and
    all else of a request is looked at anew each time.
    """

    text: str
    statements: tuple[Statement, ...]
    _about: dict[str, tuple[Statement, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        """Deny beats allow; ``context`` has condition keys as ``patterns.key_of`` writes them."""
        decision: Decision = "neutral"
        for statement in self._statements_about(action):
            said = statement.says(principal, resource, context)
            if said == "deny":
                return "deny"
            if said == "allow" or (said == "delegate" and decision == "neutral"):
                decision = said
        return decision

    def _statements_about(self, action: str) -> tuple[Statement, ...]:
        found = self._about.get(action)
        if found is None:
            lowered = action.lower()
            found = tuple(one for one in self.statements if one.is_about(lowered))
            if len(self._about) >= ACTIONS_MAX:
                self._about.clear()
            self._about[action] = found
        return found


def parse(text: str, grammar: Grammar) -> Policy:
    """Read a policy; raises MalformedPolicy, or NotSupported by name."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise malformed("Policies must be valid JSON and the first byte must be '{'") from error
    if not isinstance(document, dict):
        raise malformed("Policies must be valid JSON and the first byte must be '{'")
    version = document.get("Version", "2008-10-17")
    if version not in VERSIONS:
        raise malformed(f"The policy must contain a valid version string, not {version}")
    raw = document.get("Statement")
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list) or not raw:
        raise malformed("Missing required field Statement")
    variables = grammar.variables and version == "2012-10-17"
    return Policy(text, tuple(_statement(one, grammar, variables=variables) for one in raw))


def texts(raw: Any, field: str) -> tuple[str, ...]:
    """A text or a list of texts; raises MalformedPolicy."""
    values = raw if isinstance(raw, list) else [raw]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise malformed(f"Missing required field {field}")
    return tuple(values)


def malformed(message: str) -> AwsError:
    """400 MalformedPolicy."""
    return AwsError("MalformedPolicy", message, 400)


def _statement(raw: Any, grammar: Grammar, *, variables: bool) -> Statement:
    if not isinstance(raw, dict):
        raise malformed("Statement must be an object")
    unknown = set(raw) - _MEMBERS
    if unknown:
        raise malformed(f"Unknown field {min(unknown)}")
    effect = raw.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise malformed(f"Invalid effect: {effect}")
    _check_elements(raw, grammar)
    actions = tuple(a.lower() for a in texts(raw.get("Action", raw.get("NotAction")), "Action"))
    resources: tuple[str, ...] = ("*",)
    if grammar.resources:
        resources = texts(raw.get("Resource", raw.get("NotResource")), "Resource")
    if not grammar.variables and any("${" in resource for resource in resources):
        raise NotSupported(f"a policy variable in {grammar.kind}'s Resource")
    principals: tuple[tuple[str, str], ...] = ANYBODY
    if grammar.principals:
        principals = _principals(raw.get("Principal", raw.get("NotPrincipal")), grammar)
    return Statement(
        deny=effect == "Deny",
        principals=principals if "NotPrincipal" not in raw else (),
        not_principals=principals if "NotPrincipal" in raw else None,
        actions=actions if "Action" in raw else (),
        not_actions=actions if "NotAction" in raw else None,
        resources=resources if "NotResource" not in raw else (),
        not_resources=resources if "NotResource" in raw else None,
        conditions=conditions.parse(
            raw.get("Condition", {}),
            grammar.keys,
            variables=variables,
            refuse=grammar.kind if grammar.strict else None,
        ),
        variables=variables,
        kind=grammar.kind,
    )


def _check_elements(raw: Mapping[str, Any], grammar: Grammar) -> None:
    """Each element that this kind of policy has, once, and none that it has not."""
    for one, wanted in (
        ("Principal", grammar.principals),
        ("Action", True),
        ("Resource", grammar.resources),
    ):
        other = f"Not{one}"
        if wanted and (one in raw) == (other in raw):
            raise malformed(f"Missing required field {one}")
        if not wanted and (one in raw or other in raw):
            raise malformed(f"Policy document should not specify a {one.lower()}.")
    if raw["Effect"] == "Allow" and "NotPrincipal" in raw:
        raise malformed("Allow with NotPrincipal is not allowed")


def _principals(raw: Any, grammar: Grammar) -> tuple[tuple[str, str], ...]:
    if raw == "*":
        return ANYBODY
    if not isinstance(raw, dict) or not raw:
        raise malformed("Invalid principal in policy")
    found: list[tuple[str, str]] = []
    for kind, names in raw.items():
        if kind not in {"AWS", "Service", "CanonicalUser", "Federated"}:
            raise malformed("Invalid principal in policy")
        if grammar.strict and kind in {"CanonicalUser", "Federated"}:
            raise NotSupported(f"a {kind} principal in {grammar.kind}")
        found.extend((kind, name) for name in texts(names, "Principal"))
    return tuple(found)


_MEMBERS = frozenset(
    {
        *("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition"),
    }
)
