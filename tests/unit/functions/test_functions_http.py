"""Lambda over HTTP, as boto3 uses it."""

import asyncio
import base64
import json
import socket

import botocore.exceptions
import pytest

from emulator.server import bind
from tests.unit.functions.over_http import CODE, archive, call, code_of

INVOKE = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"


@pytest.mark.fidelity(
    area="Lambda", feature="Invoke: status, version, tail of the log, error header", source=INVOKE
)
def test_an_invocation_answers_with_lambdas_members(client, function):
    name = function()
    answer, body = call(client, name, {"n": 1}, LogType="Tail")
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(body)["event"] == {"n": 1}
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.loads(body)["id"] == request_id
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert "hello from 1" in lines
    assert lines[-1].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    answer, body = call(client, name, {"fail": True})
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert "LogResult" not in answer
    assert json.loads(body)["errorType"] == "ValueError"


@pytest.mark.fidelity(area="Lambda", feature="Invoke: Event and DryRun", source=INVOKE)
def test_the_other_types_of_invocation_answer_nothing(client, function):
    name = function()
    answer, body = call(client, name, InvocationType="Event")
    assert (answer["StatusCode"], body) == (202, b"")
    answer, body = call(client, name, InvocationType="DryRun")
    assert (answer["StatusCode"], body) == (204, b"")
    old = client("lambda").invoke_async(FunctionName=name, InvokeArgs=b"{}")
    assert old["Status"] == 202


@pytest.mark.fidelity(
    area="Lambda", feature="Invoke: Qualifier for versions and aliases", source=INVOKE
)
def test_a_qualifier_chooses_the_version(client, function):
    name, made = function(), client("lambda")
    made.publish_version(FunctionName=name)
    made.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    made.update_function_code(FunctionName=name, ZipFile=archive(CODE.replace("event}", "9}")))
    for qualifier, version in (("1", "1"), ("live", "1"), ("$LATEST", "$LATEST")):
        answer, body = call(client, name, Qualifier=qualifier)
        assert answer["ExecutedVersion"] == version
        told = json.loads(body)
        assert told["version"] == version
        assert told["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}:{qualifier}"
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(client, name, Qualifier="2")
    assert code_of(refused) == "ResourceNotFoundException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.fidelity(
    area="Lambda",
    feature="weighted aliases",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html",
)
def test_a_weighted_alias_shares_calls_between_versions(client, function):
    name, made = function(), client("lambda")
    made.publish_version(FunctionName=name)
    made.update_function_code(FunctionName=name, ZipFile=archive(CODE + "\n"))
    made.publish_version(FunctionName=name)
    for weight, version in ((1.0, "2"), (0.0, "1")):
        routing = {"AdditionalVersionWeights": {"2": weight}}
        asked = {"FunctionName": name, "FunctionVersion": "1", "RoutingConfig": routing}
        if weight:
            made.create_alias(Name="live", **asked)
        else:
            made.update_alias(Name="live", **asked)
        versions = {call(client, name, Qualifier="live")[0]["ExecutedVersion"] for _ in range(5)}
        assert versions == {version}


@pytest.mark.fidelity(area="Lambda", feature="Invoke: ClientContext", source=INVOKE)
def test_the_client_context_reaches_the_function(client, function):
    context = {"custom": {"a": "ü"}, "env": {"locale": "de"}}
    sent = base64.b64encode(json.dumps(context).encode()).decode()
    _, body = call(client, function(), {"context": True}, ClientContext=sent)
    assert json.loads(body) == context


@pytest.mark.fidelity(
    area="Lambda",
    feature="PutFunctionConcurrency throttles with Reason and Type",
    source=INVOKE,
)
def test_reserved_concurrency_is_honoured_at_once(client, function):
    name, made = function(), client("lambda")
    call(client, name)
    made.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(made.exceptions.TooManyRequestsException) as refused:
        made.invoke(FunctionName=name)
    told = refused.value.response
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert told["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert told["Type"] == "User"
    assert told["Error"]["Message"] == "Rate Exceeded."
    made.publish_version(FunctionName=name)
    made.delete_function_concurrency(FunctionName=name)
    call(client, name)
    # What is reserved belongs to all versions of a function.
    made.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(made.exceptions.TooManyRequestsException):
        made.invoke(FunctionName=name, Qualifier="1")


@pytest.mark.fidelity(
    area="Lambda",
    feature="PutFunctionConcurrency leaves 100 unreserved",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
)
def test_a_hundred_executions_stay_unreserved(client, function):
    name, made = function(), client("lambda")
    made.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=900)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        made.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=901)
    assert code_of(refused) == "InvalidParameterValueException"


@pytest.mark.fidelity(
    area="Lambda",
    feature="logs of functions in CloudWatch Logs",
    source="https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html",
    verdict="differs",
    note="there is no INIT_START line: the runtime has no version of AWS's",
)
def test_the_log_can_be_read_with_the_logs_api(client, function, until):
    name, logs = function(), client("logs")
    answer, _ = call(client, name, {"n": 7})
    group = f"/aws/lambda/{name}"
    found = []

    def arrived():
        groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if groups:
            found[:] = logs.filter_log_events(logGroupName=group)["events"]
        return any(e["message"].startswith("REPORT") for e in found)

    asyncio.run(until(arrived))
    messages = [e["message"] for e in found]
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert messages[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert messages[1] == "hello from 7"
    assert messages[2] == f"END RequestId: {request_id}"
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(
        logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
    )["events"]
    assert [e["message"] for e in events] == messages
    filtered = logs.filter_log_events(logGroupName=group, filterPattern="hello")["events"]
    assert [e["message"] for e in filtered] == ["hello from 7"]


def test_a_function_may_log_to_a_group_of_its_own(client, function, until):
    config = {"LogFormat": "Text", "LogGroup": "/mine"}
    name, logs = function(LoggingConfig=config), client("logs")
    assert client("lambda").get_function_configuration(FunctionName=name)["LoggingConfig"] == config
    call(client, name, {"n": 8})

    def arrived():
        groups = logs.describe_log_groups(logGroupNamePrefix="/mine")["logGroups"]
        return (
            groups and logs.filter_log_events(logGroupName="/mine", filterPattern="hello")["events"]
        )

    asyncio.run(until(arrived))


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("create_event_source_mapping", {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}),
        ("create_function_url_config", {"AuthType": "NONE"}),
        ("put_provisioned_concurrency_config",
         {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1}),
        ("invoke_with_response_stream", {}),
        ("update_function_configuration", {"LoggingConfig": {"LogFormat": "JSON"}}),
        ("put_function_event_invoke_config", {"Qualifier": "1", "MaximumRetryAttempts": 0}),
    ],
)  # fmt: skip
@pytest.mark.fidelity(
    area="Lambda",
    feature="event source mappings, function URLs, provisioned concurrency, response streaming, "
    "JSON logs, event invoke configuration of a version",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html",
    verdict="refused",
)
def test_what_has_no_effect_here_is_refused_by_name(client, function, operation, params):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(client("lambda"), operation)(FunctionName=function(), **params)
    assert code_of(refused) == "NotSupportedByEmulator"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_answer_does_not_wait_for_the_clients_acknowledgement():
    async def run():
        listener = bind("127.0.0.1", 0, "a test")
        accepted = asyncio.get_running_loop().create_future()

        class Server(asyncio.Protocol):
            def connection_made(self, transport):
                connection = transport.get_extra_info("socket")
                nodelay = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                accepted.set_result(nodelay)
                transport.close()

        server = await asyncio.get_running_loop().create_server(Server, sock=listener)
        with socket.create_connection(listener.getsockname()):
            assert await accepted != 0
        server.close()

    asyncio.run(run())
