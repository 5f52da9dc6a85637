"""AWS SDK integrations, each against the service itself, over HTTP.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.system.workflows import Workflows, bare_workflows

pytestmark = pytest.mark.needs("own emulator")

SOURCE = "https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html"
AREA = "Step Functions: integrations"


@pytest.fixture(scope="module")
def flows() -> Iterator[Workflows]:
    with bare_workflows() as found:
        yield found


SDK_CALLS = [
    ("s3:listBuckets", {}, "Buckets"),
    ("sts:getCallerIdentity", {}, "Account"),
    ("iam:listRoles", {}, "Roles"),
    ("dynamodb:listTables", {}, "TableNames"),
    ("sqs:listQueues", {}, None),
    ("sns:listTopics", {}, "Topics"),
    ("ssm:describeParameters", {}, "Parameters"),
    ("secretsmanager:listSecrets", {}, "SecretList"),
    ("kms:listKeys", {}, "Keys"),
    ("cloudwatch:listMetrics", {}, "Metrics"),
    ("cloudwatchlogs:describeLogGroups", {}, "LogGroups"),
    ("eventbridge:listRules", {}, "Rules"),
    ("scheduler:listSchedules", {}, "Schedules"),
    ("sfn:listStateMachines", {}, "StateMachines"),
    ("lambda:listFunctions", {}, "Functions"),
    ("ecs:listClusters", {}, "ClusterArns"),
    ("ec2:describeVpcs", {}, "Vpcs"),
    ("ecr:describeRepositories", {}, "Repositories"),
    ("apigateway:getRestApis", {}, "Items"),
    ("cloudfront:listDistributions", {}, "DistributionList"),
    ("elasticloadbalancingv2:describeLoadBalancers", {}, "LoadBalancers"),
    ("cognitoidentityprovider:listUserPools", {"MaxResults": 1}, "UserPools"),
    ("applicationautoscaling:describeScalingPolicies", {"ServiceNamespace": "ecs"},
     "ScalingPolicies"),
]  # fmt: skip


@pytest.mark.fidelity(
    area=AREA,
    feature="aws-sdk: every service that the endpoint serves",
    source=SOURCE,
)
@pytest.mark.parametrize(("action", "parameters", "member"), SDK_CALLS)
def test_sdk_calls(
    flows: Workflows, action: str, parameters: dict[str, Any], member: str | None
) -> None:
    output = flows.output(f"aws-sdk:{action}", parameters)
    assert member is None or member in output


@pytest.mark.fidelity(
    area=AREA,
    feature="aws-sdk: error names and causes",
    source=SOURCE,
)
@pytest.mark.parametrize(
    ("action", "parameters", "error", "service"),
    [
        ("dynamodb:getItem", {"TableName": "none", "Key": {"id": {"S": "1"}}},
         "DynamoDb.ResourceNotFoundException", "DynamoDb"),
        ("sqs:getQueueUrl", {"QueueName": "none"}, "Sqs.QueueDoesNotExistException", "Sqs"),
        ("ssm:getParameter", {"Name": "/none"}, "Ssm.ParameterNotFoundException", "Ssm"),
        ("iam:getRole", {"RoleName": "none"}, "Iam.NoSuchEntityException", "Iam"),
        ("s3:getObject", {"Bucket": "none", "Key": "k"}, "S3.NoSuchBucketException", "S3"),
        ("lambda:getFunction", {"FunctionName": "none"}, "Lambda.ResourceNotFoundException",
         "Lambda"),
        ("ecs:describeTasks", {"Cluster": "none", "Tasks": ["t"]}, "Ecs.ClusterNotFoundException",
         "Ecs"),
        ("dynamodb:putItem", {"TableName": "none"}, "DynamoDb.DynamoDbException", "DynamoDb"),
    ],
)  # fmt: skip
def test_errors_of_sdk_calls(
    flows: Workflows, action: str, parameters: dict[str, Any], error: str, service: str
) -> None:
    found = flows.error(f"aws-sdk:{action}", parameters)
    assert found[0] == error
    assert f" (Service: {service}, Status Code: 4" in found[1]
    assert found[1].endswith(") (SDK Attempt Count: 1)")


def test_objects_of_s3(flows: Workflows) -> None:
    flows.client("s3").create_bucket(Bucket="pictures")
    put = {"Bucket": "pictures", "Key": "k", "Body": {"a": 1}}
    assert flows.output("aws-sdk:s3:putObject", put)["ETag"].startswith('"')
    got = flows.output("aws-sdk:s3:getObject", {"Bucket": "pictures", "Key": "k"})
    assert got["Body"] == '{"a":1}'
    error, _cause = flows.error("aws-sdk:s3:putObject", {**put, "IfNoneMatch": "*"})
    assert error == "S3.S3Exception"
