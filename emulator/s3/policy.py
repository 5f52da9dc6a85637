"""Bucket policies: checked when they are put, evaluated on every request.

Source: "Bucket policies for Amazon S3" and "Actions, resources, and condition keys for Amazon S3".
What this file does not evaluate (an operator, a condition key, a policy variable) is refused by
name when the policy is put: a policy that is stored holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.core.policy import documents, keys
from emulator.core.policy.documents import Decision, Grammar, Statement, malformed
from emulator.core.policy.patterns import wildcard
from emulator.core.policy.principals import Principal

POLICY_BYTES_MAX = 20 * 1024
"""AWS's limit for a bucket policy."""

GRAMMAR = Grammar("a bucket policy", keys.S3, principals=True, variables=False, strict=True)


@dataclass(frozen=True, slots=True)
class BucketPolicy:
    """A bucket policy: its text as it was put, what it says, whether AWS calls it public."""

    text: str
    policy: documents.Policy
    public: bool

    def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, Any]
    ) -> Decision:
        """Deny beats allow; ``context`` has condition keys in lower case."""
        return self.policy.decide(principal, action, resource, context)


def parse(text: str, bucket: str) -> BucketPolicy:
    """Read a policy of ``bucket``; raises MalformedPolicy, or NotSupported by name."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise malformed("Policies must be at most 20480 bytes long.")
    policy = documents.parse(text, GRAMMAR)
    arn = f"arn:aws:s3:::{bucket}"
    for statement in policy.statements:
        for action in (*statement.actions, *(statement.not_actions or ())):
            if action != "*" and not action.startswith("s3:"):
                raise malformed("Policy has invalid action")
        for resource in statement.resources:
            if not _of_bucket(resource, arn):
                raise malformed("Policy has invalid resource")
    return BucketPolicy(text, policy, any(_public(one) for one in policy.statements))


def _of_bucket(resource: str, arn: str) -> bool:
    if resource == arn or resource.startswith(arn + "/"):
        return True
    wild = wildcard(resource)
    return bool(wild.fullmatch(arn) or wild.match(arn + "/"))


def _public(statement: Statement) -> bool:
    """Whether AWS calls it public: anyone may, without a condition on a fixed value.

    Source: "The meaning of public" in "Blocking public access to your Amazon S3 storage".
    """
    if statement.deny or ("AWS", "*") not in statement.principals:
        return False
    return not any(condition.fixes_caller() for condition in statement.conditions)
