"""The endpoint with permissions enforced, through boto3: keys, sessions, signatures, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from emulator.settings import Settings
from emulator.stack import Stack

ACCOUNT = "000000000000"
ERRORS = "https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html"
STS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_{}.html"
TRUST_ALL = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "sts:AssumeRole",
}


class Endpoint:
    """An emulator without the system, and clients of it with any keys."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.aws_url
        self._clients: list[Any] = []

    def client(
        self, service: str, key: str = "test", secret: str = "test", token: str | None = None
    ) -> Any:
        made = boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(
                retries={"max_attempts": 0},
                inject_host_prefix=False,
                parameter_validation=False,
                signature_version="s3v4" if service == "s3" else None,
                s3={"addressing_style": "path"},
            ),
        )
        self._clients.append(made)
        return made

    def of(self, held: dict[str, Any], service: str) -> Any:
        """A client with the credentials that STS or IAM answered."""
        return self.client(
            service, held["AccessKeyId"], held["SecretAccessKey"], held.get("SessionToken")
        )

    def role(self, name: str, *statements: dict[str, Any], trust: Any = None, **more: Any) -> str:
        iam = self.client("iam")
        document = {"Version": "2012-10-17", "Statement": [trust or TRUST_ALL]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document), **more)[
            "Role"
        ]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return str(arn)

    def user(self, name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        """A user's access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key: dict[str, Any] = iam.create_access_key(UserName=name)["AccessKey"]
        return key

    def session(self, arn: str, **more: Any) -> dict[str, Any]:
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="s1", **more)
        held: dict[str, Any] = answer["Credentials"]
        return held

    def close(self) -> None:
        for client in self._clients:
            client.close()


def policy(*statements: dict[str, Any]) -> str:
    whole = [{"Effect": "Allow", "Resource": "*", **s} for s in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    answer = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], status, answer["Error"]["Message"]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    settings = replace(Settings(), aws_port=0, edge_port=0, bare=True)
    with Stack(settings) as stack:
        made = Endpoint(stack)
        yield made
        made.close()


# One service for each protocol, with a call that needs no resource.
CALLS = [
    ("states", "stepfunctions", "list_state_machines"),
    ("dynamodb", "dynamodb", "list_tables"),
    ("lambda", "lambda", "list_functions"),
    ("iam", "iam", "list_roles"),
    ("sts", "sts", "get_caller_identity"),
    ("cloudfront", "cloudfront", "list_distributions"),
]
JSON = {"states", "dynamodb"}
XML = {"iam", "sts", "cloudfront"}


def named(service: str, json_code: str, xml_code: str) -> tuple[str, int]:
    return (xml_code, 403) if service in XML else (json_code, 400 if service in JSON else 403)


@pytest.mark.parametrize(("service", "client", "call"), CALLS)
@pytest.mark.fidelity(area="IAM", feature="unknown keys and wrong secrets", source=ERRORS)
def test_keys_that_are_not_known_and_secrets_that_are_wrong(
    service: str, client: str, call: str, endpoint: Endpoint
) -> None:
    unknown = endpoint.client(client, "AKIAUNKNOWN000000000", "x")
    expected = named(service, "UnrecognizedClientException", "InvalidClientTokenId")
    assert refused(getattr(unknown, call))[:2] == expected
    wrong = endpoint.client(client, "test", "wrong")
    expected = named(service, "InvalidSignatureException", "SignatureDoesNotMatch")
    assert refused(getattr(wrong, call))[:2] == expected
    assert getattr(endpoint.client(client), call)()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(("service", "client", "call"), CALLS)
@pytest.mark.fidelity(
    area="IAM", feature="session tokens, missing, wrong and expired", source=ERRORS
)
def test_sessions_need_their_token_and_end(
    service: str, client: str, call: str, endpoint: Endpoint
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    held = endpoint.stack.emulator.credentials.issue_session(role, "s", 600)
    over = endpoint.stack.emulator.credentials.issue_session(role, "s", -1)
    invalid = named(service, "UnrecognizedClientException", "InvalidClientTokenId")
    for token in (None, "wrong"):
        stranger = endpoint.client(client, held.access_key, held.secret, token)
        assert refused(getattr(stranger, call))[:2] == invalid
    late = endpoint.client(client, over.access_key, over.secret, over.token)
    expected = named(service, "ExpiredTokenException", "ExpiredToken")
    assert refused(getattr(late, call))[:2] == expected


@pytest.mark.parametrize(
    ("headers", "code", "status"),
    [
        (
            {"x-amz-target": "AWSStepFunctions.ListStateMachines"},
            "MissingAuthenticationTokenException",
            400,
        ),
        (
            {
                "x-amz-target": "DynamoDB_20120810.ListTables",
                "host": "dynamodb.us-east-1.amazonaws.com",
            },
            "MissingAuthenticationTokenException",
            400,
        ),
        ({"host": "lambda.us-east-1.amazonaws.com"}, "MissingAuthenticationTokenException", 403),
        (
            {"host": "iam.amazonaws.com", "content-type": "application/x-www-form-urlencoded"},
            "MissingAuthenticationToken",
            403,
        ),
    ],
)
@pytest.mark.fidelity(area="IAM", feature="calls without a signature", source=ERRORS)
def test_a_call_without_a_signature(
    headers: dict[str, str], code: str, status: int, endpoint: Endpoint
) -> None:
    answer = httpx.post(endpoint.url, headers=headers, content=b"{}")
    assert answer.status_code == status
    assert code in answer.text


def test_a_changed_body_breaks_the_signature(endpoint: Endpoint) -> None:
    headers = {"x-amz-target": "DynamoDB_20120810.ListTables"}
    request = AWSRequest("POST", endpoint.url, data=b"{}", headers=headers)
    SigV4Auth(Credentials("test", "test"), "dynamodb", "us-east-1").add_auth(request)
    signed = dict(request.headers.items())
    assert httpx.post(endpoint.url, headers=signed, content=b"{}").status_code == 200
    changed = httpx.post(endpoint.url, headers=signed, content=b'{"Limit": 1}')
    assert changed.status_code == 400
    assert changed.json()["__type"] == "InvalidSignatureException"


def test_a_path_is_signed_without_its_empty_and_dot_segments(endpoint: Endpoint) -> None:
    """As SDKs sign for services other than S3; S3 takes a path as it is."""
    client = endpoint.client("lambda")
    code, status, _ = refused(
        client.get_function, FunctionName="arn:aws:lambda:us-east-1:000000000000:function:none"
    )
    assert (code, status) == ("ResourceNotFoundException", 404)
    url = f"{endpoint.url}//2015-03-31/./functions/"
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials("test", "test"), "lambda", "us-east-1").add_auth(request)
    answer = httpx.get(url, headers=dict(request.headers.items()))
    assert "Signature" not in answer.text


@pytest.mark.fidelity(
    area="IAM", feature="GetCallerIdentity", source=STS.format("GetCallerIdentity")
)
def test_everybody_hears_who_they_are(endpoint: Endpoint) -> None:
    def identity(client: Any) -> tuple[str, str, str]:
        answer = client.get_caller_identity()
        return answer["Account"], answer["Arn"], answer["UserId"]

    root = f"arn:aws:iam::{ACCOUNT}:root"
    assert identity(endpoint.client("sts")) == (ACCOUNT, root, ACCOUNT)
    other = identity(endpoint.client("sts", "123456789012"))
    assert other[:2] == ("123456789012", "arn:aws:iam::123456789012:root")
    user = endpoint.user("who")
    account, arn, user_id = identity(endpoint.of(user, "sts"))
    assert (account, arn) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/who")
    assert user_id == endpoint.client("iam").get_user(UserName="who")["User"]["UserId"]
    role = endpoint.role("whoever", Path="/a/path/")
    account, arn, user_id = identity(endpoint.of(endpoint.session(role), "sts"))
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/whoever/s1"
    assert user_id.startswith("A")
    assert user_id.endswith(":s1")


@pytest.mark.fidelity(
    area="IAM", feature="AssumeRole: trust policies", source=STS.format("AssumeRole")
)
def test_a_role_is_assumed_by_those_it_trusts(endpoint: Endpoint) -> None:
    assume = {"Action": "sts:AssumeRole"}
    named = {**TRUST_ALL, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/named"}}
    service = {**TRUST_ALL, "Principal": {"Service": "lambda.amazonaws.com"}}
    users = {
        "named": endpoint.of(endpoint.user("named"), "sts"),
        "allowed": endpoint.of(endpoint.user("allowed", assume), "sts"),
        "other": endpoint.of(endpoint.user("other"), "sts"),
    }
    roles = {
        "by-name": endpoint.role("by-name", trust=named),
        "by-account": endpoint.role("by-account"),
        "by-service": endpoint.role("by-service", trust=service),
    }
    may = {("named", "by-name"), ("allowed", "by-account")}
    for user, client in users.items():
        for role, arn in roles.items():
            asked = {"RoleArn": arn, "RoleSessionName": "s1"}
            if (user, role) in may:
                assert client.assume_role(**asked)["AssumedRoleUser"]["Arn"].endswith("/s1")
                continue
            code, status, message = refused(client.assume_role, **asked)
            assert (code, status) == ("AccessDenied", 403)
            assert f"sts:AssumeRole on resource: {arn}" in message
    missing = {"RoleArn": f"{roles['by-name']}x", "RoleSessionName": "s1"}
    assert refused(users["allowed"].assume_role, **missing)[0] == "AccessDenied"


def test_an_external_id_and_the_accounts_between(endpoint: Endpoint) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "secret"}}
    other = {**TRUST_ALL, "Principal": {"AWS": "222222222222"}, "Condition": condition}
    asked = {"RoleArn": endpoint.role("lent", trust=other), "RoleSessionName": "s1"}
    client = endpoint.client("sts", "222222222222")
    assert refused(client.assume_role, **asked)[0] == "AccessDenied"
    assert refused(client.assume_role, **asked, ExternalId="wrong")[0] == "AccessDenied"
    held = client.assume_role(**asked, ExternalId="secret")["Credentials"]
    assert endpoint.of(held, "sts").get_caller_identity()["Account"] == ACCOUNT
    stranger = endpoint.client("sts", "333333333333")
    assert refused(stranger.assume_role, **asked, ExternalId="secret")[0] == "AccessDenied"


@pytest.mark.fidelity(area="IAM", feature="session policies", source=STS.format("AssumeRole"))
def test_a_session_policy_narrows_the_role(endpoint: Endpoint) -> None:
    arn = endpoint.role("wide", {"Action": ["dynamodb:*", "s3:*"]})
    narrow = policy({"Action": "dynamodb:ListTables"}, {"Action": "s3:ListAllMyBuckets"})
    held = endpoint.session(arn, Policy=narrow)
    endpoint.of(held, "dynamodb").list_tables()
    endpoint.of(held, "s3").list_buckets()
    code, _, message = refused(endpoint.of(held, "dynamodb").describe_table, TableName="t")
    assert code == "AccessDeniedException"
    assert "because no session policy allows the dynamodb:DescribeTable action" in message
    code, _, message = refused(endpoint.of(held, "s3").create_bucket, Bucket="made-by-session")
    assert "because no session policy allows the s3:CreateBucket action" in message
    assert refused(endpoint.session, arn=arn, Policy="{}")[0] == "MalformedPolicyDocument"


@pytest.mark.parametrize("seconds", [899, 3601])
def test_a_session_lasts_as_long_as_its_role_allows(seconds: int, endpoint: Endpoint) -> None:
    arn = endpoint.role(f"for-{seconds}")
    assert refused(endpoint.session, arn=arn, DurationSeconds=seconds)[0] == "ValidationError"
    longer = endpoint.role(f"longer-{seconds}", MaxSessionDuration=7200)
    held = endpoint.session(longer, DurationSeconds=max(seconds, 900))
    credential = endpoint.stack.emulator.credentials.find(held["AccessKeyId"])
    assert credential is not None
    assert credential.expires_at is not None
    assert credential.issued_at is not None
    assert credential.expires_at - credential.issued_at == max(seconds, 900)
    assert held["Expiration"].timestamp() == int(credential.expires_at)


def test_a_users_session_token_is_the_user(endpoint: Endpoint) -> None:
    key = endpoint.user("tokened", {"Action": "dynamodb:ListTables"})
    held = endpoint.of(key, "sts").get_session_token()["Credentials"]
    endpoint.of(held, "dynamodb").list_tables()
    assert endpoint.of(held, "sts").get_caller_identity()["Arn"].endswith(":user/tokened")
    assert refused(endpoint.of(held, "iam").list_roles)[0] == "AccessDenied"
    role = endpoint.session(endpoint.role("no-token"))
    assert refused(endpoint.of(role, "sts").get_session_token)[0] == "AccessDenied"


@pytest.mark.fidelity(
    area="IAM",
    feature="federation: AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetFederationToken",
    source=STS.format("AssumeRoleWithWebIdentity"),
    verdict="refused",
    note="nothing here could check whom a token vouches for",
)
def test_federation_is_refused_by_name(endpoint: Endpoint) -> None:
    client = endpoint.client("sts")
    arn = endpoint.role("federated")
    asked = {"RoleArn": arn, "RoleSessionName": "s1", "WebIdentityToken": "token"}
    assert refused(client.assume_role_with_web_identity, **asked)[0] == "NotSupportedByEmulator"
    assert refused(client.get_federation_token, Name="x1")[0] == "NotSupportedByEmulator"


def test_a_users_permissions_over_every_protocol(endpoint: Endpoint) -> None:
    """Each call is known by its operation, whatever its protocol is."""
    allowed = ["states:ListStateMachines", "dynamodb:ListTables", "lambda:ListFunctions"]
    allowed += ["iam:ListRoles", "cloudfront:ListDistributions", "apigateway:GET"]
    allowed += ["cloudwatch:ListMetrics", "scheduler:ListSchedules"]
    calls = [
        *((client, call) for service, client, call in CALLS if service != "sts"),
        ("apigateway", "get_rest_apis"),
        ("cloudwatch", "list_metrics"),
        ("scheduler", "list_schedules"),
    ]
    may = endpoint.user("reads", {"Action": allowed})
    may_not = endpoint.user("reads-not", {"Action": "s3:*"})
    for client, call in calls:
        getattr(endpoint.of(may, client), call)()
        code, _, message = refused(getattr(endpoint.of(may_not, client), call))
        assert code in {"AccessDenied", "AccessDeniedException"}
        assert "User: arn:aws:iam::000000000000:user/reads-not is not authorized" in message
    code, _, message = refused(endpoint.of(may, "apigateway").create_rest_api, name="x")
    assert (code, "apigateway:POST" in message) == ("AccessDeniedException", True)


def test_a_resource_named_by_the_path_counts(endpoint: Endpoint) -> None:
    mine = {"Action": "lambda:GetFunction", "Resource": f"arn:aws:lambda:*:{ACCOUNT}:function:mine"}
    client = endpoint.of(endpoint.user("of-one", mine), "lambda")
    assert refused(client.get_function, FunctionName="mine")[0] == "ResourceNotFoundException"
    assert refused(client.get_function, FunctionName="yours")[0] == "AccessDeniedException"
    assert refused(client.delete_function, FunctionName="mine")[0] == "AccessDeniedException"


def test_the_address_and_the_program_of_a_caller_are_facts(endpoint: Endpoint) -> None:
    here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "StringLike": {"aws:UserAgent": "Boto3*"}}
    away = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    near = endpoint.user("near", {"Action": "dynamodb:*", "Condition": here})
    far = endpoint.user("far", {"Action": "dynamodb:*", "Condition": away})
    endpoint.of(near, "dynamodb").list_tables()
    assert refused(endpoint.of(far, "dynamodb").list_tables)[0] == "AccessDeniedException"


@pytest.mark.fidelity(
    area="IAM",
    feature="a presigned URL has its signer's permissions, at the time of the request",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html",
)
def test_a_presigned_url_acts_as_its_signer_now(endpoint: Endpoint) -> None:
    s3, iam = endpoint.client("s3"), endpoint.client("iam")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="k", Body=b"x")
    read = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::presigned/*"}
    arn = endpoint.role("signer", read)
    signer = endpoint.of(endpoint.session(arn), "s3")

    def link(call: str) -> str:
        return str(signer.generate_presigned_url(call, {"Bucket": "presigned", "Key": "k"}))

    assert httpx.get(link("get_object")).content == b"x"
    assert httpx.put(link("put_object"), content=b"y").status_code == 403
    url = link("get_object")
    iam.delete_role_policy(RoleName="signer", PolicyName="own")
    answer = httpx.get(url)
    assert answer.status_code == 403
    assert "is not authorized to perform: s3:GetObject" in answer.text
    iam.put_role_policy(RoleName="signer", PolicyName="own", PolicyDocument=policy(read))
    assert httpx.get(url).content == b"x"
    over = endpoint.stack.emulator.credentials.issue_session(arn, "s", -1)
    late = endpoint.client("s3", over.access_key, over.secret, over.token)
    url = late.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "k"})
    answer = httpx.get(url)
    assert answer.status_code == 400
    assert "<Code>ExpiredToken</Code>" in answer.text


def test_a_bucket_policy_for_the_account_does_not_open_it_to_every_role(
    endpoint: Endpoint,
) -> None:
    """It hands the decision to the account's own policies; naming the role would open it."""
    s3 = endpoint.client("s3")
    s3.create_bucket(Bucket="delegated")
    s3.put_object(Bucket="delegated", Key="k", Body=b"x")
    arn = endpoint.role("asks")
    client = endpoint.of(endpoint.session(arn), "s3")

    def let(principal: str) -> None:
        statement = {
            "Principal": {"AWS": principal},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::delegated/*",
        }
        s3.put_bucket_policy(Bucket="delegated", Policy=policy(statement))

    let(ACCOUNT)
    assert refused(client.get_object, Bucket="delegated", Key="k")[0] == "AccessDenied"
    let(arn)
    assert client.get_object(Bucket="delegated", Key="k")["Body"].read() == b"x"


def test_a_deleted_key_opens_nothing(endpoint: Endpoint) -> None:
    key = endpoint.user("leaves", {"Action": "*"})
    endpoint.of(key, "dynamodb").list_tables()
    endpoint.of(key, "s3").list_buckets()
    endpoint.client("iam").delete_access_key(UserName="leaves", AccessKeyId=key["AccessKeyId"])
    assert refused(endpoint.of(key, "dynamodb").list_tables)[0] == "UnrecognizedClientException"
    assert refused(endpoint.of(key, "s3").list_buckets)[0] == "InvalidAccessKeyId"
