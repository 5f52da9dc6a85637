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
from emulator.core.policy.patterns import matches, named
from emulator.core.policy.principals import Principal, match

Decision = Literal["allow", "deny", "neutral", "delegate"]
"""``delegate``: a resource's policy allows the caller's whole account, not the caller by name. To
another account that is an allow; within one, the caller's own policies still decide."""

VERSIONS = frozenset({"2012-10-17", "2008-10-17"})
NOBODY = Principal()
ANYBODY = (("AWS", "*"),)
REMEMBERED_MAX = 4_096
"""Decisions that a policy remembers: more would be of requests that do not come again."""


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

    def asks(self) -> set[str]:
        """The condition keys whose values decide what it says, beside action and resource."""
        resources = (*self.resources, *(self.not_resources or ())) if self.variables else ()
        values = [v for c in self.conditions if c.variables for v in c.values]
        return {c.key for c in self.conditions}.union(*map(named, (*resources, *values)))

    def says(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        """What it says of a request; ``action`` is in lower case.

        Raises NotSupported for a Deny that depends on a key that is not looked at.
        """
        meant = self._means(principal)
        if not meant or not self._covers(action, resource, context):
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
        found = {match(one, who) for one in self.principals}
        return "named" if "named" in found else "account" if "account" in found else ""

    def _covers(self, action: str, resource: str, context: Mapping[str, Any]) -> bool:
        actions = self.actions if self.not_actions is None else self.not_actions
        if any(matches(one, action, context, variables=False) for one in actions) is not (
            self.not_actions is None
        ):
            return False
        resources = self.resources if self.not_resources is None else self.not_resources
        return any(
            matches(one, resource, context, variables=self.variables) for one in resources
        ) is (self.not_resources is None)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: its text as it was given, and its statements.

    It remembers what it decided. A decision follows from the action, the resource and the values
    of the condition keys that the policy asks for (and from the principal where it names some):
    for the same ones it is the same.
    """

    text: str
    statements: tuple[Statement, ...]
    _asks: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _by_name: bool = field(init=False, repr=False, compare=False)
    _decided: dict[tuple[Any, ...], Decision] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find what its decisions depend on."""
        asks = set[str]().union(*(statement.asks() for statement in self.statements))
        by_name = any(
            s.not_principals is not None or s.principals != ANYBODY for s in self.statements
        )
        object.__setattr__(self, "_asks", tuple(sorted(asks)))
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_decided", {})

    def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        """Deny beats allow; ``context`` has condition keys as ``patterns.key_of`` writes them."""
        facts = [context.get(key) for key in self._asks]
        same = (
            action,
            resource,
            principal if self._by_name else None,
            *(f if f is None or isinstance(f, str) else tuple(f) for f in facts),
        )
        known = self._decided.get(same)
        if known is None:
            known = self._decide(principal, action, resource, context)
            if len(self._decided) >= REMEMBERED_MAX:
                self._decided.clear()
            self._decided[same] = known
        return known

    def _decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        decision: Decision = "neutral"
        lowered = action.lower()
        for statement in self.statements:
            said = statement.says(principal, lowered, resource, context)
            if said == "deny":
                return "deny"
            if said == "allow" or (said == "delegate" and decision == "neutral"):
                decision = said
        return decision


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
