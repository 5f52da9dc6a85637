"""Bucket policies: checked when they are put, evaluated on every request.

Source: "Bucket policies for Amazon S3" and "IAM JSON policy elements reference". What this file
does not evaluate (an operator, a condition key, a policy variable) is refused by name when the
policy is put: a policy that is stored holds.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from emulator.core.errors import AwsError, NotSupported
from emulator.s3 import conditions

POLICY_BYTES_MAX = 20 * 1024
"""AWS's limit for a bucket policy."""

Decision = Literal["allow", "deny", "neutral"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an ARN with its account, a service, or nobody (anonymous)."""

    arn: str | None = None
    account: str | None = None
    service: str | None = None


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
    conditions: tuple[conditions.Condition, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A bucket policy: its text as it was put, its statements, whether AWS calls it public."""

    text: str
    statements: tuple[Statement, ...]
    public: bool

    def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        """Deny beats allow; ``context`` has condition keys in lower case."""
        decision: Decision = "neutral"
        for statement in self.statements:
            if not _applies(statement, principal, action, resource, context):
                continue
            if statement.deny:
                return "deny"
            decision = "allow"
        return decision


def parse(text: str, bucket: str) -> Policy:
    """Read a policy of ``bucket``; raises MalformedPolicy, or NotSupported by name."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise _malformed("Policies must be at most 20480 bytes long.")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _malformed("Policies must be valid JSON and the first byte must be '{'") from error
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    raw = document.get("Statement")
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list) or not raw:
        raise _malformed("Missing required field Statement")
    statements = tuple(_statement(one, bucket) for one in raw)
    return Policy(text, statements, any(_public(one) for one in statements))


def _statement(raw: Any, bucket: str) -> Statement:
    if not isinstance(raw, dict):
        raise _malformed("Statement must be an object")
    unknown = set(raw) - _MEMBERS
    if unknown:
        raise _malformed(f"Unknown field {min(unknown)}")
    effect = raw.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise _malformed(f"Invalid effect: {effect}")
    for one, other in (
        ("Principal", "NotPrincipal"),
        ("Action", "NotAction"),
        ("Resource", "NotResource"),
    ):
        if (one in raw) == (other in raw):
            raise _malformed(f"Missing required field {one}")
    if effect == "Allow" and "NotPrincipal" in raw:
        raise _malformed("Allow with NotPrincipal is not allowed")
    actions = _texts(raw.get("Action", raw.get("NotAction")), "Action")
    for action in actions:
        if action != "*" and not action.lower().startswith("s3:"):
            raise _malformed("Policy has invalid action")
    resources = _texts(raw.get("Resource", raw.get("NotResource")), "Resource")
    arn = f"arn:aws:s3:::{bucket}"
    for resource in resources:
        if "${" in resource:
            raise NotSupported("a policy variable in a bucket policy's Resource")
        if "Resource" in raw and resource != arn and not resource.startswith(arn + "/"):
            if _wild(resource).fullmatch(arn) or _wild(resource).match(arn + "/"):
                continue
            raise _malformed("Policy has invalid resource")
    principals = _principals(raw.get("Principal", raw.get("NotPrincipal")))
    return Statement(
        deny=effect == "Deny",
        principals=principals if "Principal" in raw else (),
        not_principals=principals if "NotPrincipal" in raw else None,
        actions=actions if "Action" in raw else (),
        not_actions=actions if "NotAction" in raw else None,
        resources=resources if "Resource" in raw else (),
        not_resources=resources if "NotResource" in raw else None,
        conditions=conditions.parse(raw.get("Condition", {})),
    )


def _principals(raw: Any) -> tuple[tuple[str, str], ...]:
    if raw == "*":
        return (("AWS", "*"),)
    if not isinstance(raw, dict) or not raw:
        raise _malformed("Invalid principal in policy")
    found: list[tuple[str, str]] = []
    for kind, names in raw.items():
        if kind not in {"AWS", "Service", "CanonicalUser", "Federated"}:
            raise _malformed("Invalid principal in policy")
        if kind in {"CanonicalUser", "Federated"}:
            raise NotSupported(f"a {kind} principal in a bucket policy")
        found.extend((kind, name) for name in _texts(names, "Principal"))
    return tuple(found)


def _texts(raw: Any, field: str) -> tuple[str, ...]:
    values = raw if isinstance(raw, list) else [raw]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise _malformed(f"Missing required field {field}")
    return tuple(values)


def _applies(
    statement: Statement,
    principal: Principal,
    action: str,
    resource: str,
    context: Mapping[str, Any],
) -> bool:
    if statement.not_principals is None:
        if not any(_is(one, principal) for one in statement.principals):
            return False
    elif any(_is(one, principal) for one in statement.not_principals):
        return False
    lowered = action.lower()
    if not _any(statement.actions, statement.not_actions, lowered, lower=True):
        return False
    if not _any(statement.resources, statement.not_resources, resource, lower=False):
        return False
    return all(condition.holds(context) for condition in statement.conditions)


def _any(yes: tuple[str, ...], no: tuple[str, ...] | None, value: str, *, lower: bool) -> bool:
    patterns = yes if no is None else no
    found = any(_wild(one.lower() if lower else one).fullmatch(value) for one in patterns)
    return found is (no is None)


def _is(named: tuple[str, str], who: Principal) -> bool:
    kind, name = named
    if kind == "Service":
        return who.service is not None and who.service == name
    if name == "*":
        return True
    if who.arn is None or who.account is None:
        return False
    if name in {who.account, f"arn:aws:iam::{who.account}:root"}:
        return True
    return name in {who.arn, role_of(who.arn)}


def role_of(arn: str) -> str:
    """The role's ARN of an assumed-role session (anything else as it is)."""
    found = _SESSION.fullmatch(arn)
    return f"arn:aws:iam::{found[1]}:role/{found[2]}" if found else arn


def _public(statement: Statement) -> bool:
    """Whether AWS calls it public: anyone may, without a condition on a fixed value.

    Source: "The meaning of public" in "Blocking public access to your Amazon S3 storage".
    """
    if statement.deny or ("AWS", "*") not in statement.principals:
        return False
    return not any(condition.fixes_caller() for condition in statement.conditions)


@functools.lru_cache(maxsize=4096)
def _wild(pattern: str) -> re.Pattern[str]:
    return conditions.wildcard(pattern)


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, 400)


_MEMBERS = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")
