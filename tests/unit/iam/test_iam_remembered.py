"""Policies remember what is about an action: all else of a request is looked at each time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.core.bus import Caller
from emulator.core.clock import iso
from emulator.core.policy import documents, keys
from emulator.core.policy.documents import NOBODY, Grammar, Policy
from emulator.core.policy.facts import Facts
from emulator.core.policy.principals import principal_of

IDENTITY = Grammar("an identity-based policy", keys.ALL)
RESOURCE = Grammar("a resource's policy", keys.ALL, principals=True)
NOW = 1_768_478_400.0


def policy(grammar: Grammar = IDENTITY, **statement: Any) -> Policy:
    given = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}
    return documents.parse(json.dumps({"Version": "2012-10-17", "Statement": [given]}), grammar)


def decide(given: Policy, resource: str = "arn:aws:s3:::b/k", **facts: Any) -> str:
    context = Facts({key.replace("_", ":"): value for key, value in facts.items()}, NOW)
    return given.decide(NOBODY, "s3:GetObject", resource, context)


def test_another_resource_is_another_decision() -> None:
    given = policy(Resource="arn:aws:s3:::b/k")
    assert decide(given) == "allow"
    assert decide(given, "arn:aws:s3:::b/other") == "neutral"
    assert decide(given) == "allow"


def test_another_action_is_another_decision() -> None:
    given = policy()
    assert decide(given) == "allow"
    assert given.decide(NOBODY, "s3:PutObject", "arn:aws:s3:::b/k", {}) == "neutral"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_another_value_of_a_conditions_key_is_another_decision(effect: str) -> None:
    given = policy(Effect=effect, Condition={"StringEquals": {"aws:PrincipalAccount": "1"}})
    assert decide(given, aws_principalaccount="1") == effect.lower()
    assert decide(given, aws_principalaccount="2") == "neutral"
    assert decide(given) == "neutral"
    assert decide(given, aws_principalaccount="1") == effect.lower()


def test_several_values_of_a_key_are_told_apart() -> None:
    given = policy(Condition={"ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["a", "b"]}})
    assert decide(given, s3_requestobjecttagkeys=["a", "b"]) == "allow"
    assert decide(given, s3_requestobjecttagkeys=["a", "c"]) == "neutral"


def test_another_value_of_a_variable_is_another_decision() -> None:
    given = policy(Resource="arn:aws:s3:::b/${aws:username}/*")
    assert decide(given, "arn:aws:s3:::b/ann/x", aws_username="ann") == "allow"
    assert decide(given, "arn:aws:s3:::b/ann/x", aws_username="ben") == "neutral"
    wanted = policy(Condition={"StringEquals": {"s3:prefix": "${aws:username, 'nobody'}"}})
    assert decide(wanted, s3_prefix="ann", aws_username="ann") == "allow"
    assert decide(wanted, s3_prefix="ann", aws_username="ben") == "neutral"
    assert decide(wanted, s3_prefix="nobody") == "allow"


def test_time_that_passes_changes_a_decision() -> None:
    given = policy(Condition={"DateLessThan": {"aws:CurrentTime": iso(NOW + 60)}})
    for seconds, expected in ((0.0, "allow"), (59.0, "allow"), (61.0, "neutral"), (0.0, "allow")):
        facts = Facts({}, NOW + seconds)
        assert given.decide(NOBODY, "s3:GetObject", "*", facts) == expected


def test_another_principal_is_another_decision() -> None:
    given = policy(RESOURCE, Principal={"AWS": "arn:aws:iam::000000000000:role/painter"})
    for role, expected in (("painter", "allow"), ("other", "neutral"), ("painter", "allow")):
        arn = f"arn:aws:sts::000000000000:assumed-role/{role}/x"
        who = principal_of(Caller("000000000000", "us-east-1", arn))
        assert given.decide(who, "s3:GetObject", "*", {}) == expected


def test_a_denial_by_an_unknown_key_is_refused_each_time() -> None:
    given = policy(Effect="Deny", Condition={"StringEquals": {"aws:UnheardOf": "x"}})
    for _ in range(2):
        with pytest.raises(documents.NotSupported):
            decide(given)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ACTIONS_MAX", 10)
    given = policy(Action="s3:Get7")
    for number in range(35):
        expected = "allow" if number == 7 else "neutral"
        assert given.decide(NOBODY, f"s3:Get{number}", "*", {}) == expected
    assert len(given._about) <= 10


@pytest.mark.parametrize("action", ["s3:GetObject", "S3:getobject"])
def test_actions_are_the_same_in_any_case(action: str) -> None:
    given = policy(Action="s3:GETobject")
    for _ in range(2):
        assert given.decide(NOBODY, action, "*", {}) == "allow"


def test_a_request_has_its_own_facts_besides_those_of_the_caller() -> None:
    facts = Facts({"aws:username": "ann", "s3:prefix": "a"}, NOW, {"s3:prefix": "b"})
    assert dict(facts) == {"aws:username": "ann", "s3:prefix": "b"}
    assert len(facts) == 2
    assert "aws:sourceip" not in facts


def test_the_time_is_a_fact_of_every_request() -> None:
    facts = Facts({"aws:username": "ann"}, NOW)
    assert facts.get("aws:currenttime") == "2026-01-15T12:00:00.000Z"
    assert facts.get("aws:epochtime") == "1768478400"
    assert facts.get("aws:username") == "ann"
    assert facts.get("aws:sourceip", "none") == "none"
