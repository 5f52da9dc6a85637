"""Who may do what: the bucket's policy, its public access block, and the account's own policies.

Within one account an allow on either side is enough and a deny on either side is final; across
accounts both sides must allow. Source: "How Amazon S3 authorizes a request".
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from emulator.core.bus import Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.core.policy.documents import Decision
from emulator.core.policy.facts import Facts
from emulator.core.policy.principals import (
    Principal,
    identifier,
    is_root,
    kind_of,
    principal_of,
)
from emulator.core.policy.rulings import ALLOWED, Ruling, by_resource, denial, explicit
from emulator.s3 import errors
from emulator.s3.model import Bucket, ObjectEntry
from emulator.s3.policy import BucketPolicy, parse

Authorizer = Callable[[Caller, str, str, Mapping[str, Any]], Ruling]
"""What the account's own policies say: ``(caller, "s3:GetObject", resource ARN, context)``.

Context keys are in lower case. Root is for the authorizer to know."""


@dataclass(slots=True)
class Call:
    """One request to S3 and where it comes from.

    ``caller`` is None for an anonymous request. ``kind`` is how it was signed: ``header``,
    ``query``, ``form``, ``internal`` (over the bus), ``anonymous``.
    """

    caller: Caller | None
    request_id: str
    kind: str = "internal"
    source_ip: str = "127.0.0.1"
    secure: bool = True
    signed_at: float | None = None
    payload_hash: str = ""
    service: str | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def account(self) -> str | None:
        """The caller's account."""
        return self.caller.account if self.caller else None


class Access:
    """Decides on requests."""

    def __init__(self, clock: Clock, authorizer: Authorizer | None) -> None:
        self._clock = clock
        self._authorizer = authorizer

    def check(
        self,
        call: Call,
        bucket: Bucket,
        action: str,
        key: str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise AccessDenied unless the request may go on; ``action`` like ``s3:GetObject``."""
        ruling = self._rule(call, bucket, action, key, context)
        if ruling.decision != "allow":
            raise _refusal(call.caller, action, arn(bucket.name, key), ruling)

    def require_own(self, call: Call, action: str, resource: str) -> None:
        """For calls without a bucket that is there: the account's own policies decide alone."""
        if call.caller is None:
            raise errors.access_denied()
        ruling = self._own(call.caller, action, resource, {})
        if ruling.decision != "allow":
            raise _refusal(call.caller, action, resource, ruling)

    def missing_key(self, call: Call, bucket: Bucket, key: str) -> AwsError:
        """NoSuchKey for those who may list the bucket; AccessDenied hides it from others."""
        action = "s3:ListBucket"
        ruling = self._rule(call, bucket, action, None, None)
        if ruling.decision == "allow":
            return errors.no_such_key(key)
        return _refusal(call.caller, action, arn(bucket.name), ruling)

    def _rule(
        self,
        call: Call,
        bucket: Bucket,
        action: str,
        key: str | None,
        context: Mapping[str, Any] | None,
    ) -> Ruling:
        same = call.account == bucket.owner and call.service is None
        if same:
            if self._authorizer is None and "policy" not in bucket.config:
                return ALLOWED
            if action in _NO_LOCKOUT and call.caller and is_root(call.caller.principal):
                return ALLOWED
        resource = arn(bucket.name, key)
        facts = self._facts(call, bucket, context)
        by_bucket = self._by_bucket(call, bucket, action, resource, facts)
        if by_bucket == "deny":
            return explicit("resource-based policy")
        if call.caller is None or call.service is not None:
            return ALLOWED if by_bucket in {"allow", "delegate"} else Ruling("neutral")
        own = self._own(call.caller, action, resource, facts)
        return by_resource(own, by_bucket, action, same_account=same)

    def _own(
        self, caller: Caller, action: str, resource: str, context: Mapping[str, Any]
    ) -> Ruling:
        """What the account's own policies say; everything is allowed where none are wired in."""
        if self._authorizer is None:
            return ALLOWED
        return self._authorizer(caller, action, resource, context)

    def _by_bucket(
        self,
        call: Call,
        bucket: Bucket,
        action: str,
        resource: str,
        facts: Mapping[str, Any],
    ) -> Decision:
        policy = policy_of(bucket)
        if policy is None:
            return "neutral"
        caller = call.caller
        if call.service is not None:
            who = Principal(service=call.service)
        elif caller is None:
            who = Principal()
        else:
            who = principal_of(caller)
        decision = policy.decide(who, action, resource, facts)
        blocks = bucket.config.get("publicAccessBlock", {})
        outside = call.service is None and call.account != bucket.owner
        if (
            decision in {"allow", "delegate"}
            and outside
            and policy.public
            and blocks.get("RestrictPublicBuckets")
        ):
            return "neutral"
        return decision

    def _facts(self, call: Call, bucket: Bucket, context: Mapping[str, Any] | None) -> Facts:
        now = self._clock.now()
        facts: dict[str, Any] = {
            "aws:securetransport": "true" if call.secure else "false",
            "aws:sourceip": call.source_ip,
            "aws:resourceaccount": bucket.owner,
            "s3:resourceaccount": bucket.owner,
            "aws:principalisawsservice": "true" if call.service else "false",
            "aws:principaltype": "Anonymous",
            **call.facts,
        }
        if call.caller is not None:
            facts["aws:principalarn"] = identifier(call.caller)
            facts["aws:principalaccount"] = call.caller.account
            facts["aws:principaltype"] = kind_of(call.caller.principal)
        if call.kind in _AUTH_TYPES:
            facts["s3:authtype"] = _AUTH_TYPES[call.kind]
            facts["s3:signatureversion"] = "AWS4-HMAC-SHA256"
        if call.signed_at is not None:
            facts["s3:signatureage"] = str(int((now - call.signed_at) * 1000))
        if call.payload_hash:
            facts["s3:x-amz-content-sha256"] = call.payload_hash
        return Facts(facts, now, context)


def arn(bucket: str, key: str | None = None) -> str:
    """The ARN of a bucket or of an object."""
    return f"arn:aws:s3:::{bucket}" if key is None else f"arn:aws:s3:::{bucket}/{key}"


def policy_of(bucket: Bucket) -> BucketPolicy | None:
    """The bucket's policy, parsed once."""
    text = bucket.config.get("policy")
    if text is None:
        return None
    found = bucket.compiled.get("policy")
    if found is None:
        found = bucket.compiled["policy"] = parse(text, bucket.name)
    return cast("BucketPolicy", found)


def object_context(entry: ObjectEntry | None) -> dict[str, Any]:
    """What conditions can ask of the object that is there."""
    if entry is None:
        return {}
    return {f"s3:existingobjecttag/{name}": value for name, value in entry.tags.items()}


@functools.lru_cache(maxsize=1024)
def loopback(host: str) -> bool:
    """Whether an address is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(caller: Caller | None, action: str, resource: str, ruling: Ruling) -> AwsError:
    """AccessDenied; who is not known here does not hear why."""
    if caller is None:
        return errors.access_denied()
    return errors.access_denied(denial(caller, action, f'"{resource}"', ruling))


_NO_LOCKOUT = frozenset({"s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"})
"""The owner's root can always mend the policy, whatever it says."""
_AUTH_TYPES = {"header": "REST-HEADER", "query": "REST-QUERY-STRING", "form": "POST"}
