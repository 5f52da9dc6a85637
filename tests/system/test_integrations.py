"""What Task states call, each against the service itself: no fakes, over HTTP.

Outputs' casing and error names: the page in each marker, and answers recorded on AWS.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.roles import open_role
from tests.system.running import wait_until
from tests.system.workflows import ACCOUNT, ROLE, Workflows, bare_workflows

pytestmark = pytest.mark.needs("own emulator")

DG = "https://docs.aws.amazon.com/step-functions/latest/dg/"
AREA = "Step Functions: integrations"
CODE = """
class Boom(Exception):
    pass

def handle(event, context):
    if event.get("boom"):
        raise Boom("because")
    return {"got": event}
"""


@pytest.fixture(scope="module")
def flows() -> Iterator[Workflows]:
    with bare_workflows() as found:
        yield found


@pytest.fixture(scope="module")
def function(flows: Workflows) -> str:
    """The ARN of a function that answers its event, or raises Boom."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("code.py", CODE)
    role = open_role(flows.client("iam"), "function", "lambda")
    made = flows.client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.11",
        Role=role,
        Handler="code.handle",
        Code={"ZipFile": packed.getvalue()},
    )
    return str(made["FunctionArn"])


@pytest.fixture(scope="module")
def table(flows: Workflows) -> str:
    flows.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "things"


@pytest.fixture(scope="module")
def queue(flows: Workflows) -> str:
    return str(flows.client("sqs").create_queue(QueueName="queue")["QueueUrl"])


def message(flows: Workflows, queue: str) -> dict[str, Any]:
    """The next message of a queue, which is then gone."""
    sqs = flows.client("sqs")

    def receive() -> Any:
        return sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages")

    (found,) = wait_until("a message", receive)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=found["ReceiptHandle"])
    return dict(found)


@pytest.mark.fidelity(
    area=AREA, feature="lambda:invoke and a function's ARN", source=DG + "connect-lambda.html"
)
def test_functions(flows: Workflows, function: str) -> None:
    invoked = flows.output("lambda:invoke", {"FunctionName": "echo", "Payload": {"a": 1}})
    assert invoked["Payload"] == {"got": {"a": 1}}
    assert (invoked["StatusCode"], invoked["ExecutedVersion"]) == (200, "$LATEST")
    assert invoked["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert flows.output(function, {"a": 2}) == {"got": {"a": 2}}
    later = {"FunctionName": function, "InvocationType": "Event", "Payload": {}}
    assert flows.output("lambda:invoke", later)["StatusCode"] == 202


@pytest.mark.fidelity(
    area=AREA, feature="lambda:invoke: errors by their names", source=DG + "connect-lambda.html"
)
def test_errors_of_functions(flows: Workflows, function: str) -> None:
    for resource, parameters in (
        ("lambda:invoke", {"FunctionName": function, "Payload": {"boom": 1}}),
        (function, {"boom": 1}),
    ):
        error, cause = flows.error(resource, parameters)
        assert error == "Boom"
        assert json.loads(cause)["errorMessage"] == "because"
    error, cause = flows.error("lambda:invoke", {"FunctionName": "none"})
    assert error == "Lambda.ResourceNotFoundException"
    assert "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundEx" in cause


@pytest.mark.fidelity(
    area=AREA,
    feature="dynamodb:getItem, putItem, updateItem, deleteItem",
    source=DG + "connect-ddb.html",
)
def test_dynamodb(flows: Workflows, table: str) -> None:
    key = {"TableName": table, "Key": {"id": {"S": "1"}}}
    put = {"TableName": table, "Item": {"id": {"S": "1"}, "n": {"N": "5"}}}
    assert flows.output("dynamodb:putItem", put)["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert flows.output("dynamodb:getItem", key)["Item"] == put["Item"]
    added = flows.output(
        "dynamodb:updateItem",
        {
            **key,
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "UPDATED_NEW",
        },
    )
    assert added["Attributes"] == {"n": {"N": "6"}}
    gone = flows.output("dynamodb:deleteItem", {**key, "ReturnValues": "ALL_OLD"})
    assert gone["Attributes"] == {"id": {"S": "1"}, "n": {"N": "6"}}
    assert "Item" not in flows.output("dynamodb:getItem", key)


@pytest.mark.fidelity(
    area=AREA, feature="dynamodb: error names and causes", source=DG + "connect-ddb.html"
)
@pytest.mark.parametrize(
    ("parameters", "error", "cause"),
    [
        (
            {"TableName": "things", "Item": {"id": {"S": "2"}}, "ConditionExpression": "n = :n",
             "ExpressionAttributeValues": {":n": {"N": "1"}}},
            "DynamoDB.ConditionalCheckFailedException",
            ("The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error "
            "Code: ConditionalCheckFailedException; Request ID: "),
        ),
        (
            {"TableName": "none", "Item": {"id": {"S": "1"}}},
            "DynamoDB.ResourceNotFoundException",
            "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; ",
        ),
        (
            {"TableName": "things"},
            "DynamoDB.AmazonDynamoDBException",
            ("1 validation error detected: Value null at 'item' failed to satisfy constraint: "
            "Member must not be null (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: "
            "ValidationException; "),
        ),
    ],
)  # fmt: skip
def test_errors_of_dynamodb(
    flows: Workflows, table: str, parameters: dict[str, Any], error: str, cause: str
) -> None:
    found = flows.error("dynamodb:putItem", parameters)
    assert found[0] == error
    assert found[1].startswith(cause)


@pytest.mark.fidelity(area=AREA, feature="sqs:sendMessage", source=DG + "connect-sqs.html")
def test_sqs(flows: Workflows, queue: str) -> None:
    attribute = {"DataType": "String", "StringValue": "v"}
    sent = flows.output(
        "sqs:sendMessage",
        {"QueueUrl": queue, "MessageBody": {"a": 1}, "MessageAttributes": {"k": attribute}},
    )
    received = message(flows, queue)
    assert (received["MessageId"], received["Body"]) == (sent["MessageId"], '{"a":1}')
    assert received["MessageAttributes"] == {"k": attribute}
    assert sent["MD5OfMessageBody"] == received["MD5OfBody"]
    error, cause = flows.error("sqs:sendMessage", {"QueueUrl": queue + "x", "MessageBody": "m"})
    assert error == "SQS.QueueDoesNotExistException"
    assert "Error Code: AWS.SimpleQueueService.NonExistentQueue; " in cause
    error, cause = flows.error("sqs:sendMessage", {"QueueUrl": queue})
    assert error == "SQS.AmazonSQSException"
    assert cause.startswith("The request must contain the parameter MessageBody. (Service: ")


@pytest.mark.fidelity(
    area=AREA,
    feature="sqs:sendMessage.waitForTaskToken",
    source=DG + "connect-to-resource.html#connect-wait-token",
)
def test_a_token_that_travels_by_a_queue(flows: Workflows, queue: str) -> None:
    states = flows.client("stepfunctions")

    def answer(_execution: str) -> None:
        token = json.loads(message(flows, queue)["Body"])["token"]
        states.send_task_heartbeat(taskToken=token)
        states.send_task_success(taskToken=token, output='{"approved": true}')
        with pytest.raises(states.exceptions.TaskTimedOut):
            states.send_task_success(taskToken=token, output="1")

    body = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    ended = flows.run("sqs:sendMessage.waitForTaskToken", body, answer)
    assert ended["output"] == {"approved": True}


@pytest.mark.fidelity(area=AREA, feature="sns:publish", source=DG + "connect-sns.html")
def test_sns(flows: Workflows, queue: str) -> None:
    sns = flows.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue")
    sent = flows.output("sns:publish", {"TopicArn": topic, "Message": {"m": 1}})
    body = json.loads(message(flows, queue)["Body"])
    assert (body["MessageId"], body["Message"]) == (sent["MessageId"], '{"m":1}')
    error, cause = flows.error("sns:publish", {"TopicArn": topic + "x", "Message": "m"})
    assert error == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound; " in cause


@pytest.mark.fidelity(area=AREA, feature="events:putEvents", source=DG + "connect-eventbridge.html")
def test_put_events(flows: Workflows) -> None:
    done = {"StartAt": "D", "States": {"D": {"Type": "Succeed"}}}
    target = flows.machine(done)
    events = flows.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["flows"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": target, "RoleArn": ROLE}])
    entry = {"Source": "flows", "DetailType": "d", "Detail": {"a": 1}}
    sent = flows.output("events:putEvents", {"Entries": [entry]})
    assert sent["FailedEntryCount"] == 0

    def started() -> Any:
        found = flows.client("stepfunctions").list_executions(stateMachineArn=target)
        return found["executions"]

    (execution,) = wait_until("the rule's execution", started)
    event = flows.ended(execution["executionArn"])["output"]
    assert (event["id"], event["detail"]) == (sent["Entries"][0]["EventId"], {"a": 1})
    error, cause = flows.error("events:putEvents", {"Entries": [{**entry, "Detail": "no JSON"}]})
    assert error == "EventBridge.FailedEntry"
    assert json.loads(cause)["FailedEntryCount"] == 1


CHILD = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}


@pytest.mark.fidelity(
    area=AREA,
    feature="states:startExecution, .sync, .sync:2",
    source=DG + "connect-stepfunctions.html",
)
def test_executions(flows: Workflows) -> None:
    child = {"StateMachineArn": flows.machine(CHILD), "Input": {"i": 1}}
    started = flows.output("states:startExecution", child)
    assert flows.ended(started["ExecutionArn"])["output"] == {"x": 1}
    text = flows.output("states:startExecution.sync", child)
    assert (text["Status"], text["Input"], text["Output"]) == ("SUCCEEDED", '{"i":1}', '{"x":1}')
    parsed = flows.output("states:startExecution.sync:2", child)
    assert (parsed["Input"], parsed["Output"]) == ({"i": 1}, {"x": 1})
    error, _cause = flows.error(
        "states:startExecution", {"StateMachineArn": child["StateMachineArn"] + "x"}
    )
    assert error == "StepFunctions.StateMachineDoesNotExistException"


@pytest.fixture(scope="module")
def run_task(flows: Workflows) -> dict[str, Any]:
    """Parameters of runTask without what the task is to do."""
    ecs = flows.client("ecs")
    ecs.create_cluster(clusterName="cluster")
    ecs.register_task_definition(
        family="task",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=ROLE,
        taskRoleArn=ROLE,
        containerDefinitions=[{"name": "main", "image": "nst-worker", "essential": True}],
    )
    return {
        "Cluster": "cluster",
        "TaskDefinition": "task",
        "LaunchType": "FARGATE",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
    }


def doing(run_task: dict[str, Any], mode: str) -> dict[str, Any]:
    environment = [{"Name": "MODE", "Value": mode}]
    container = {"Name": "main", "Environment": environment}
    return {**run_task, "Overrides": {"ContainerOverrides": [container]}}


@pytest.mark.fidelity(
    area=AREA,
    feature="ecs:runTask and .sync: another exit code than 0 is a failure",
    source=DG + "connect-ecs.html",
    note="AWS does not document the rule for exit codes; it is as users have recorded it",
)
def test_tasks(flows: Workflows, run_task: dict[str, Any]) -> None:
    started = flows.output("ecs:runTask", doing(run_task, "0"))
    assert started["Failures"] == []
    assert "StartedBy" not in started["Tasks"][0]
    over = flows.output("ecs:runTask.sync", doing(run_task, "0"))
    assert (over["LastStatus"], over["StartedBy"]) == ("STOPPED", "AWS Step Functions")
    assert over["Containers"][0]["ExitCode"] == 0
    assert isinstance(over["StoppedAt"], int)
    error, cause = flows.error("ecs:runTask.sync", doing(run_task, "3"))
    assert error == "States.TaskFailed"
    assert json.loads(cause)["Containers"][0]["ExitCode"] == 3
    error, cause = flows.error("ecs:runTask.sync", {**run_task, "TaskDefinition": "none"})
    assert error == "ECS.ClientException"
    assert "(Service: AmazonECS; Status Code: 400; Error Code: ClientException; " in cause


@pytest.mark.fidelity(
    area=AREA,
    feature="ecs:runTask.sync: the task is stopped when the execution stops",
    source=DG + "connect-to-resource.html#connect-sync",
)
def test_a_task_ends_with_its_execution(flows: Workflows, run_task: dict[str, Any]) -> None:
    ecs, states = flows.client("ecs"), flows.client("stepfunctions")
    seen: list[str] = []

    def running() -> Any:
        seen[:] = ecs.list_tasks(cluster="cluster", desiredStatus="RUNNING")["taskArns"]
        return seen and task_status() == "RUNNING"

    def task_status() -> Any:
        return ecs.describe_tasks(cluster="cluster", tasks=seen[:1])["tasks"][0]["lastStatus"]

    def stop(execution: str) -> None:
        wait_until("the task runs", running)
        states.stop_execution(executionArn=execution, cause="enough")

    ended = flows.run("ecs:runTask.sync", doing(run_task, "hang"), stop)
    assert (ended["status"], ended["cause"]) == ("ABORTED", "enough")
    wait_until("the task is stopped", lambda: task_status() == "STOPPED")
