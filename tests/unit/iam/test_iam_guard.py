"""The guard over moto's IAM: users, groups, managed policies, changes, functions' own policies."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.core.bus import Bus, Caller
from emulator.core.clock import RealClock
from emulator.core.credentials import CredentialStore, session_arn
from emulator.core.errors import AwsError, NotSupported
from emulator.endpoint.moto_lane import MotoLane, MotoService
from emulator.iam import Directory, Guard, WatchedControl

ACCOUNT = "000000000000"
ROOT = Caller(ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:root")
STRANGER = Caller("111111111111", "us-east-1", "arn:aws:iam::111111111111:root")
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:guarded"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
LAMBDA_POLICIES = "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"


class Anything:
    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return {"done": operation}


class World:
    """IAM's control plane with a guard, on a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.lane = MotoLane()
        clock = RealClock()
        self.credentials = CredentialStore(clock)
        self.directory = Directory(self.lane, self.credentials)
        self.bus = Bus()
        self.guard = Guard(self.lane, clock, self.credentials, self.directory)
        self.bus.set_guard(self.guard)
        self.bus.register("iam", WatchedControl(MotoService("iam", self.lane), self.directory))
        self.bus.set_fallback(lambda _: Anything())

    def iam(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.run(self.bus.call("iam", operation, params, ROOT))

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def role(self, name: str, *statements: dict[str, Any], **more: Any) -> Caller:
        trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
        made = self.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust, **more)
        self.allow(name, *statements)
        arn = made["Role"]["Arn"]
        return Caller(ACCOUNT, "us-east-1", session_arn(arn, "s"), role_arn=arn)

    def allow(self, role: str, *statements: dict[str, Any]) -> None:
        if statements:
            self.iam(
                "PutRolePolicy", RoleName=role, PolicyName="own", PolicyDocument=policy(*statements)
            )

    def may(self, caller: Caller, service: str, operation: str, **params: Any) -> bool:
        try:
            self.run(self.bus.call(service, operation, params, caller))
        except AwsError as error:
            if "is not authorized to perform" not in error.message:
                raise
            return False
        return True


def policy(*statements: dict[str, Any]) -> str:
    whole = [{"Effect": "Allow", "Resource": "*", **s} for s in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.lane.close()
    made.loop.close()


def test_a_role_may_what_its_inline_and_attached_policies_say(world: World) -> None:
    caller = world.role("mixed", {"Action": "kms:Encrypt"})
    assert world.may(caller, "kms", "Encrypt")
    assert not world.may(caller, "ssm", "GetParameter")
    arn = world.iam("CreatePolicy", PolicyName="p", PolicyDocument=policy({"Action": "ssm:*"}))
    arn = arn["Policy"]["Arn"]
    world.iam("AttachRolePolicy", RoleName="mixed", PolicyArn=arn)
    assert world.may(caller, "ssm", "GetParameter")
    newer = policy({"Action": "ssm:PutParameter"})
    world.iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=newer, SetAsDefault=True)
    assert not world.may(caller, "ssm", "GetParameter")
    assert world.may(caller, "ssm", "PutParameter")
    world.iam("DetachRolePolicy", RoleName="mixed", PolicyArn=arn)
    assert not world.may(caller, "ssm", "PutParameter")


def test_a_policy_that_is_changed_is_obeyed_by_the_next_call(world: World) -> None:
    caller = world.role("changing", {"Action": "kms:*"})
    for _ in range(2):
        assert world.may(caller, "kms", "Encrypt")
    world.allow("changing", {"Action": "kms:*"}, {"Effect": "Deny", "Action": "kms:Enc*"})
    assert not world.may(caller, "kms", "Encrypt")
    assert world.may(caller, "kms", "Decrypt")
    elsewhere = {"Action": "kms:*", "Condition": {"StringEquals": {"aws:RequestedRegion": "mars"}}}
    world.allow("changing", elsewhere)
    assert not world.may(caller, "kms", "Decrypt")
    world.allow("changing", {"Action": "kms:*"})
    assert world.may(caller, "kms", "Encrypt")


def test_managed_policies_of_aws_count(world: World) -> None:
    caller = world.role("reader")
    world.iam(
        "AttachRolePolicy",
        RoleName="reader",
        PolicyArn="arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
    )
    assert world.may(caller, "ssm", "GetParameter")
    assert not world.may(caller, "ssm", "PutParameter")


def test_a_deleted_role_may_nothing(world: World) -> None:
    caller = world.role("shortlived", {"Action": "*"})
    assert world.may(caller, "kms", "Encrypt")
    world.iam("DeleteRolePolicy", RoleName="shortlived", PolicyName="own")
    world.iam("DeleteRole", RoleName="shortlived")
    assert not world.may(caller, "kms", "Encrypt")


def test_a_boundary_holds_a_role_back(world: World) -> None:
    made = world.iam("CreatePolicy", PolicyName="edge", PolicyDocument=policy({"Action": "kms:*"}))
    boundary = made["Policy"]["Arn"]
    caller = world.role("bounded", {"Action": "*"}, PermissionsBoundary=boundary)
    assert world.may(caller, "kms", "Encrypt")
    assert not world.may(caller, "ssm", "GetParameter")


def test_users_have_their_groups_policies_and_variables(world: World) -> None:
    world.iam("CreateUser", UserName="ann")
    world.iam("CreateGroup", GroupName="painters")
    own = {"Action": "states:StartExecution", "Resource": MACHINE.replace(":m", ":${aws:username}")}
    world.iam("PutGroupPolicy", GroupName="painters", PolicyName="p", PolicyDocument=policy(own))
    ann = Caller(ACCOUNT, "us-east-1", f"arn:aws:iam::{ACCOUNT}:user/ann")
    hers = MACHINE.replace(":m", ":ann")
    assert not world.may(ann, "states", "StartExecution", stateMachineArn=hers)
    world.iam("AddUserToGroup", GroupName="painters", UserName="ann")
    assert world.may(ann, "states", "StartExecution", stateMachineArn=hers)
    assert not world.may(ann, "states", "StartExecution", stateMachineArn=MACHINE)
    world.iam("RemoveUserFromGroup", GroupName="painters", UserName="ann")
    assert not world.may(ann, "states", "StartExecution", stateMachineArn=hers)


def test_a_users_keys_are_known_while_they_are_active(world: World) -> None:
    world.iam("CreateUser", UserName="kim")
    key = world.iam("CreateAccessKey", UserName="kim")["AccessKey"]
    world.run(world.directory.fresh())
    known = world.credentials.find(key["AccessKeyId"])
    assert known is not None
    assert known.secret == key["SecretAccessKey"]
    assert known.principal == f"arn:aws:iam::{ACCOUNT}:user/kim"
    named = {"UserName": "kim", "AccessKeyId": key["AccessKeyId"]}
    world.iam("UpdateAccessKey", **named, Status="Inactive")
    world.run(world.directory.fresh())
    assert world.credentials.find(key["AccessKeyId"]) is None
    world.iam("UpdateAccessKey", **named, Status="Active")
    world.run(world.directory.fresh())
    assert world.credentials.find(key["AccessKeyId"]) is not None
    world.iam("DeleteAccessKey", **named)
    world.run(world.directory.fresh())
    assert world.credentials.find(key["AccessKeyId"]) is None


def test_conditions_see_the_request(world: World) -> None:
    tagged = {"Tags": [{"Key": "team", "Value": "art"}]}
    asked = {
        "StringEquals": {
            "aws:PrincipalTag/team": "art",
            "aws:RequestedRegion": "us-east-1",
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalAccount": ACCOUNT,
        },
        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/tagged"},
        "StringLike": {"aws:userid": "AROA*:s"},
        "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    caller = world.role("tagged", {"Action": "kms:*", "Condition": asked}, **tagged)
    assert world.may(caller, "kms", "Encrypt")
    world.iam("UntagRole", RoleName="tagged", TagKeys=["team"])
    assert not world.may(caller, "kms", "Encrypt")


def test_a_deny_by_an_unknown_key_is_refused_by_name(world: World) -> None:
    condition = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    deny = {"Effect": "Deny", "Action": "kms:*", "Condition": condition}
    caller = world.role("walled", {"Action": "*"}, deny)
    assert world.may(caller, "ssm", "GetParameter")
    with pytest.raises(NotSupported, match="aws:sourcevpce"):
        world.run(world.bus.call("kms", "Encrypt", {}, caller))


def test_the_accounts_root_may_everything_but_in_other_accounts(world: World) -> None:
    assert world.may(ROOT, "states", "StartExecution", stateMachineArn=MACHINE)
    assert world.may(ROOT, "kms", "Encrypt")
    assert not world.may(STRANGER, "states", "StartExecution", stateMachineArn=MACHINE)
    assert not world.may(STRANGER, "lambda", "Invoke", FunctionName=FUNCTION)


@pytest.fixture(scope="module")
def function(world: World) -> str:
    """A function that has no policy yet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr("a.py", "def handler(event, context): return event")
    caller = world.role("for-function")
    shape = {
        "FunctionName": "guarded",
        "Role": caller.role_arn,
        "Runtime": "python3.12",
        "Handler": "a.handler",
        "Code": {"ZipFile": out.getvalue()},
    }
    world.run(world.lane.call("lambda", "CreateFunction", shape, ROOT))
    return FUNCTION


def permit(world: World, sid: str, **params: str) -> None:
    shape = {
        "FunctionName": "guarded",
        "StatementId": sid,
        "Action": "lambda:InvokeFunction",
        **params,
    }
    world.run(world.lane.call("lambda", "AddPermission", shape, ROOT))


@pytest.mark.fidelity(area="IAM", feature="a function's policy: services", source=LAMBDA_POLICIES)
def test_a_service_invokes_where_the_functions_policy_says_so(world: World, function: str) -> None:
    rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mine"
    service = Caller(ACCOUNT, "us-east-1", "events.amazonaws.com", source_arn=rule)
    other = Caller(ACCOUNT, "us-east-1", "events.amazonaws.com", source_arn=f"{rule}2")
    assert not world.may(service, "lambda", "Invoke", FunctionName=function)
    permit(world, "events", Principal="events.amazonaws.com", SourceArn=rule)
    assert world.may(service, "lambda", "Invoke", FunctionName=function)
    assert not world.may(other, "lambda", "Invoke", FunctionName=function)
    assert not world.may(service, "states", "StartExecution", stateMachineArn=MACHINE)


@pytest.mark.fidelity(
    area="IAM", feature="a function's policy: other accounts", source=LAMBDA_POLICIES
)
def test_another_account_needs_both_sides(world: World, function: str) -> None:
    assert not world.may(STRANGER, "lambda", "Invoke", FunctionName=function)
    permit(world, "account", Principal="111111111111")
    assert world.may(STRANGER, "lambda", "Invoke", FunctionName=function)
    arn = "arn:aws:iam::111111111111:role/nobody"
    nobody = Caller("111111111111", "us-east-1", session_arn(arn, "s"), role_arn=arn)
    assert not world.may(nobody, "lambda", "Invoke", FunctionName=function)


def test_a_role_named_by_the_function_needs_no_policy_of_its_own(
    world: World, function: str
) -> None:
    caller = world.role("invited")
    assert not world.may(caller, "lambda", "Invoke", FunctionName=function)
    permit(world, "role", Principal=caller.role_arn)
    assert world.may(caller, "lambda", "Invoke", FunctionName=function)
    world.allow("invited", {"Effect": "Deny", "Action": "lambda:*"})
    assert not world.may(caller, "lambda", "Invoke", FunctionName=function)


def test_a_role_trusts_whom_it_names(world: World) -> None:
    arn = world.role("trusting").role_arn
    source = FUNCTION
    assert world.run(world.guard.trusts(arn, "lambda.amazonaws.com", source))
    assert not world.run(world.guard.trusts(arn, "states.amazonaws.com", source))
    assert not world.run(world.guard.trusts(f"{arn}x", "lambda.amazonaws.com", source))
    account = {"StringEquals": {"aws:SourceAccount": "222222222222"}}
    held = json.dumps({"Version": "2012-10-17", "Statement": [{**TRUST, "Condition": account}]})
    world.iam("UpdateAssumeRolePolicy", RoleName="trusting", PolicyDocument=held)
    assert not world.run(world.guard.trusts(arn, "lambda.amazonaws.com", source))
