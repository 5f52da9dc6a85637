"""The language of policies: elements, operators, variables, principals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.errors import AwsError, NotSupported
from emulator.core.policy import keys
from emulator.core.policy.documents import NOBODY, Grammar, parse
from emulator.core.policy.principals import Principal
from emulator.iam.directory import IDENTITY

RESOURCE_POLICY = Grammar("a function's policy", keys.ALL, principals=True)
ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
OPERATORS = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "reference_policies_elements_condition_operators.html"
)
VARIABLES = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"
BOB = {"aws:username": "bob", "aws:principaltag/team": "a*b"}


def decide(
    statement: dict[str, Any],
    action: str = "s3:GetObject",
    resource: str = "arn:aws:s3:::b/k",
    context: dict[str, Any] | None = None,
    version: str = "2012-10-17",
) -> str:
    whole = {"Effect": "Allow", **statement}
    if "NotAction" not in whole:
        whole.setdefault("Action", "*")
    if "NotResource" not in whole:
        whole.setdefault("Resource", "*")
    policy = parse(json.dumps({"Version": version, "Statement": whole}), IDENTITY)
    return policy.decide(NOBODY, action, resource, context or {})


@pytest.mark.parametrize(
    ("statement", "action", "resource", "decision"),
    [
        ({"Action": "s3:Get*"}, "s3:GetObject", "r", "allow"),
        ({"Action": "S3:getobject"}, "s3:GetObject", "r", "allow"),
        ({"Action": "s3:Get?bject"}, "s3:GetObject", "r", "allow"),
        ({"Action": "s3:Put*"}, "s3:GetObject", "r", "neutral"),
        ({"Action": ["a:B", "s3:*"]}, "s3:GetObject", "r", "allow"),
        ({"NotAction": "iam:*"}, "s3:GetObject", "r", "allow"),
        ({"NotAction": ["s3:*", "iam:*"]}, "s3:GetObject", "r", "neutral"),
        ({"Effect": "Deny", "NotAction": "iam:*"}, "s3:GetObject", "r", "deny"),
        ({"Resource": "arn:aws:s3:::b/*"}, "s3:GetObject", "arn:aws:s3:::b/k", "allow"),
        ({"Resource": "arn:aws:s3:::B/*"}, "s3:GetObject", "arn:aws:s3:::b/k", "neutral"),
        ({"NotResource": "arn:aws:s3:::b/*"}, "s3:GetObject", "arn:aws:s3:::b/k", "neutral"),
        ({"NotResource": "arn:aws:s3:::b/*"}, "s3:GetObject", "arn:aws:s3:::c/k", "allow"),
    ],
)
@pytest.mark.fidelity(
    area="IAM", feature="policy elements: Effect, (Not)Action, (Not)Resource", source=ELEMENTS
)
def test_elements(statement: dict[str, Any], action: str, resource: str, decision: str) -> None:
    assert decide(statement, action, resource) == decision


ARN = "arn:aws:sns:us-east-1:123456789012:topic"


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"aws:username": ["al", "bob"]}}, BOB, True),
        ({"StringEquals": {"AWS:UserName": "Bob"}}, BOB, False),
        ({"StringEqualsIgnoreCase": {"aws:username": "BOB"}}, BOB, True),
        ({"StringNotEquals": {"aws:username": ["al", "bob"]}}, BOB, False),
        ({"StringNotEquals": {"aws:username": "al"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:username": "al"}}, {}, True),
        ({"StringLike": {"aws:username": "b?b"}}, BOB, True),
        ({"StringNotLike": {"aws:username": "b*"}}, BOB, False),
        ({"Null": {"aws:username": "true"}}, {}, True),
        ({"Null": {"aws:username": True}}, BOB, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, {"aws:securetransport": "true"}, True),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws:securetransport": "true"}, False),
        ({"BinaryEquals": {"aws:username": "QUI="}}, {"aws:username": "QUI="}, True),
        ({"ArnEquals": {"aws:SourceArn": ARN}}, {"aws:sourcearn": ARN}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t*"}}, {"aws:sourcearn": ARN}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*:topic"}}, {"aws:sourcearn": ARN}, False),
        ({"ArnNotLike": {"aws:SourceArn": "arn:aws:sqs:*:*:*"}}, {"aws:sourcearn": ARN}, True),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}, {"aws:sourceip": "::1"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws:sourceip": "11.0.0.1"}, True),
        ({"NumericLessThan": {"aws:EpochTime": 5}}, {"aws:epochtime": "4"}, True),
        ({"NumericGreaterThanEquals": {"aws:EpochTime": "5"}}, {"aws:epochtime": "4"}, False),
        (
            {"DateLessThan": {"aws:CurrentTime": "2026-01-02T00:00:00Z"}},
            {"aws:currenttime": "2026-01-01T23:59:59.999Z"},
            True,
        ),
        (
            {"DateLessThan": {"aws:CurrentTime": "2026-01-02"}},
            {"aws:currenttime": "2027-01-01T00:00:00Z"},
            False,
        ),
        (
            {"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}},
            {"s3:requestobjecttagkeys": ["a", "b"]},
            True,
        ),
        ({"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": "a"}}, {}, True),
        (
            {"ForAnyValue:StringLike": {"s3:RequestObjectTagKeys": "x*"}},
            {"s3:requestobjecttagkeys": ["a", "xy"]},
            True,
        ),
        ({"ForAnyValue:StringNotEquals": {"s3:RequestObjectTagKeys": "a"}}, {}, False),
        (
            {"StringEquals": {"aws:username": "bob", "aws:UserId": "x"}},
            {**BOB, "aws:userid": "y"},
            False,
        ),
    ],
)
@pytest.mark.fidelity(area="IAM", feature="condition operators", source=OPERATORS)
def test_operators(condition: dict[str, Any], context: dict[str, Any], holds: bool) -> None:
    assert decide({"Condition": condition}, context=context) == ("allow" if holds else "neutral")


@pytest.mark.parametrize(
    ("resource", "asked", "fits"),
    [
        ("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/bob/x", True),
        ("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/al/x", False),
        ("arn:aws:s3:::home/${aws:userid}/*", "arn:aws:s3:::home//x", False),
        ("arn:aws:s3:::home/${aws:userid, 'all'}/*", "arn:aws:s3:::home/all/x", True),
        ("arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::a*b", True),
        ("arn:aws:s3:::${aws:PrincipalTag/team}", "arn:aws:s3:::axxb", False),
        ("arn:aws:s3:::x${*}", "arn:aws:s3:::x*", True),
        ("arn:aws:s3:::x${*}", "arn:aws:s3:::xy", False),
        ("arn:aws:s3:::x${?}${$}", "arn:aws:s3:::x?$", True),
    ],
)
@pytest.mark.fidelity(area="IAM", feature="policy variables", source=VARIABLES)
def test_variables_in_resources(resource: str, asked: str, fits: bool) -> None:
    decision = decide({"Resource": resource}, resource=asked, context=BOB)
    assert decision == ("allow" if fits else "neutral")


def test_variables_in_conditions() -> None:
    own = {"Condition": {"StringLike": {"s3:prefix": "home/${aws:username}/*"}}}
    assert decide(own, context={**BOB, "s3:prefix": "home/bob/x"}) == "allow"
    assert decide(own, context={**BOB, "s3:prefix": "home/al/x"}) == "neutral"
    assert decide(own, context={"s3:prefix": "home//x"}) == "neutral"
    equal = {"Condition": {"StringEquals": {"s3:prefix": "${aws:username}"}}}
    assert decide(equal, context={**BOB, "s3:prefix": "bob"}) == "allow"
    unequal = {"Condition": {"StringNotEquals": {"s3:prefix": "${aws:username}"}}}
    assert decide(unequal, context={**BOB, "s3:prefix": "bob"}) == "neutral"
    assert decide(unequal, context={"s3:prefix": "bob"}) == "allow"


def test_the_old_version_knows_no_variables() -> None:
    statement = {"Resource": "arn:aws:s3:::${aws:username}"}
    old = decide(statement, resource="arn:aws:s3:::bob", context=BOB, version="2008-10-17")
    assert old == "neutral"
    literal = decide(
        statement, resource="arn:aws:s3:::${aws:username}", context=BOB, version="2008-10-17"
    )
    assert literal == "allow"


@pytest.mark.fidelity(
    area="IAM",
    feature="condition keys that no request here carries",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
    verdict="refused",
    note="an Allow on such a key does not apply, a Deny refuses the request by the key's name",
)
def test_a_key_that_nothing_here_knows_never_lets_anything_through() -> None:
    condition = {"Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}
    assert decide(condition) == "neutral"
    with pytest.raises(NotSupported, match="aws:sourcevpc in a Deny of an identity-based policy"):
        decide({"Effect": "Deny", **condition})
    other = {"Effect": "Deny", "Action": "sqs:*", **condition}
    assert decide(other) == "neutral"


@pytest.mark.parametrize(
    "document",
    [
        "x",
        "[]",
        "{}",
        {"Version": "2020-01-01", "Statement": {}},
        {"Statement": {"Effect": "Allow", "Action": "*"}},
        {"Statement": {"Effect": "Allow", "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}},
        {"Statement": {"Effect": "Allow", "Action": [], "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": []}},
        {
            "Statement": {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Condition": {"StringIsh": {"aws:username": "x"}},
            }
        },
    ],
)
def test_what_is_no_policy_is_refused(document: Any) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(AwsError) as refused:
        parse(text, IDENTITY)
    assert refused.value.code == "MalformedPolicy"


ROLE = "arn:aws:iam::000000000000:role/path/painter"
SESSION = Principal("arn:aws:sts::000000000000:assumed-role/painter/s", "000000000000", role=ROLE)
ROOT = Principal("arn:aws:iam::000000000000:root", "000000000000")
SERVICE = Principal(service="events.amazonaws.com")


@pytest.mark.parametrize(
    ("principal", "who", "decision"),
    [
        ("*", SESSION, "allow"),
        ({"AWS": "*"}, ROOT, "allow"),
        ({"AWS": ROLE}, SESSION, "allow"),
        ({"AWS": SESSION.arn}, SESSION, "allow"),
        ({"AWS": "arn:aws:iam::000000000000:role/painter"}, SESSION, "neutral"),
        ({"AWS": "000000000000"}, SESSION, "delegate"),
        ({"AWS": ["arn:aws:iam::000000000000:root", ROLE]}, SESSION, "allow"),
        ({"AWS": "000000000000"}, ROOT, "allow"),
        ({"AWS": "111111111111"}, ROOT, "neutral"),
        ({"Service": "events.amazonaws.com"}, SERVICE, "allow"),
        ({"Service": "lambda.amazonaws.com"}, SERVICE, "neutral"),
        ({"Service": "events.amazonaws.com"}, SESSION, "neutral"),
        ({"Federated": "x"}, SESSION, "neutral"),
    ],
)
@pytest.mark.fidelity(
    area="IAM",
    feature="principals: roles, sessions, accounts (which only delegate), services",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
)
def test_principals(principal: Any, who: Principal, decision: str) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    policy = parse(json.dumps({"Statement": statement}), RESOURCE_POLICY)
    assert policy.decide(who, "a:B", "r", {}) == decision


def test_not_principal_denies_all_others() -> None:
    statement = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "*", "Resource": "*"}
    policy = parse(json.dumps({"Statement": statement}), RESOURCE_POLICY)
    assert policy.decide(SESSION, "a:B", "r", {}) == "neutral"
    assert policy.decide(ROOT, "a:B", "r", {}) == "deny"
    with pytest.raises(AwsError, match="NotPrincipal"):
        parse(json.dumps({"Statement": {**statement, "Effect": "Allow"}}), RESOURCE_POLICY)
