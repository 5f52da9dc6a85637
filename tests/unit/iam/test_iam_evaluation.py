"""Several policies together: denies, boundaries, sessions, resources; and how AWS words it."""

from __future__ import annotations

import json

import pytest

from emulator.core.bus import Caller
from emulator.core.policy.documents import Decision, Policy, parse
from emulator.core.policy.rulings import ALLOWED, Ruling, by_resource, denial
from emulator.iam.directory import IDENTITY, Identity
from emulator.iam.evaluation import rule
from emulator.iam.refusals import refusal

LOGIC = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
MESSAGES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
ACTION, RESOURCE = "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:q"
CALLER = Caller("000000000000", "us-east-1", "arn:aws:sts::000000000000:assumed-role/x/y")


def says(effect: str, action: str = "sqs:*") -> Policy:
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return parse(json.dumps({"Statement": statement}), IDENTITY)


ALLOW, DENY, OTHER = says("Allow"), says("Deny"), says("Allow", "s3:*")
IMPLICIT = "because no {} allows the sqs:SendMessage action"
EXPLICIT = "with an explicit deny in {}"


@pytest.mark.parametrize(
    ("policies", "boundary", "session", "reason"),
    [
        ((ALLOW,), None, (), None),
        ((OTHER, ALLOW), None, (), None),
        ((), None, (), IMPLICIT.format("identity-based policy")),
        ((OTHER,), None, (), IMPLICIT.format("identity-based policy")),
        ((ALLOW, DENY), None, (), EXPLICIT.format("an identity-based policy")),
        ((ALLOW,), ALLOW, (), None),
        ((ALLOW,), OTHER, (), IMPLICIT.format("permissions boundary")),
        ((ALLOW,), DENY, (), EXPLICIT.format("a permissions boundary")),
        ((), ALLOW, (), IMPLICIT.format("identity-based policy")),
        ((ALLOW,), None, (ALLOW,), None),
        ((ALLOW,), None, (OTHER,), IMPLICIT.format("session policy")),
        ((ALLOW,), None, (ALLOW, DENY), EXPLICIT.format("a session policy")),
        ((), None, (ALLOW,), IMPLICIT.format("identity-based policy")),
    ],
)
@pytest.mark.fidelity(
    area="IAM", feature="identity policies, boundaries and session policies together", source=LOGIC
)
def test_a_principals_own_policies(
    policies: tuple[Policy, ...],
    boundary: Policy | None,
    session: tuple[Policy, ...],
    reason: str | None,
) -> None:
    identity = Identity("arn:aws:iam::000000000000:role/x", "AROA", policies, boundary)
    ruling = rule(identity, session, ACTION, RESOURCE, {})
    assert (ruling.decision == "allow") is (reason is None)
    assert ruling.reason == (reason or "")


def test_who_is_not_there_any_more_may_do_nothing() -> None:
    ruling = rule(None, (), ACTION, RESOURCE, {})
    assert ruling.reason == IMPLICIT.format("identity-based policy")


OWN = Ruling("neutral", "own")
LIMITED = Ruling("neutral", "own", limited=True)


@pytest.mark.parametrize(
    ("own", "resource", "same", "allowed"),
    [
        (ALLOWED, "neutral", True, True),
        (OWN, "allow", True, True),
        (OWN, "delegate", True, False),
        (LIMITED, "allow", True, False),
        (ALLOWED, "deny", True, False),
        (Ruling("deny", "own"), "allow", True, False),
        (ALLOWED, "neutral", False, False),
        (ALLOWED, "allow", False, True),
        (ALLOWED, "delegate", False, True),
        (OWN, "allow", False, False),
        (OWN, "neutral", True, False),
    ],
)
@pytest.mark.fidelity(
    area="IAM", feature="resource policies, within an account and across accounts", source=LOGIC
)
def test_both_sides_together(own: Ruling, resource: Decision, same: bool, allowed: bool) -> None:
    ruling = by_resource(own, resource, ACTION, same_account=same)
    assert (ruling.decision == "allow") is allowed
    if resource == "deny":
        assert ruling.reason == "with an explicit deny in a resource-based policy"
    elif own.decision != "allow" and not allowed:
        assert ruling is own
    elif not allowed:
        assert ruling.reason == IMPLICIT.format("resource-based policy")


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("s3", "AccessDenied", 403),
        ("states", "AccessDeniedException", 400),
        ("ecs", "AccessDeniedException", 400),
        ("dynamodb", "AccessDeniedException", 400),
        ("lambda", "AccessDeniedException", 403),
        ("scheduler", "AccessDeniedException", 403),
        ("iam", "AccessDenied", 403),
        ("sns", "AuthorizationError", 403),
        ("ec2", "UnauthorizedOperation", 403),
        ("cloudfront", "AccessDenied", 403),
        ("no-such-service", "AccessDeniedException", 403),
    ],
)
@pytest.mark.fidelity(area="IAM", feature="AccessDenied in each service's words", source=MESSAGES)
def test_each_service_has_its_own_code(service: str, code: str, status: int) -> None:
    ruling = rule(None, (), ACTION, RESOURCE, {})
    error = refusal(service, CALLER, ACTION, RESOURCE, ruling)
    assert (error.code, error.status) == (code, status)
    assert error.message == (
        "User: arn:aws:sts::000000000000:assumed-role/x/y is not authorized to perform: "
        f"sqs:SendMessage on resource: {RESOURCE} because no identity-based policy allows the "
        "sqs:SendMessage action"
    )


def test_a_sentence_without_a_resource() -> None:
    ruling = Ruling("deny", "with an explicit deny in an identity-based policy")
    assert denial(CALLER, "iam:ListRoles", "", ruling) == (
        "User: arn:aws:sts::000000000000:assumed-role/x/y is not authorized to perform: "
        "iam:ListRoles with an explicit deny in an identity-based policy"
    )
