"""What Invoke takes: names, versions, types; and what it refuses."""

import asyncio

import pytest

from emulator.core.errors import AwsError, NotSupported

ECHO = """
    import os
    def handler(event, context):
        print("hello", event.get("n"))
        return {"event": event, "id": context.aws_request_id, "pid": os.getpid(),
                "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn}
"""


@pytest.mark.fidelity(
    area="Lambda",
    feature="FunctionName as name, partial ARN, ARN, with a qualifier or without",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
)
@pytest.mark.parametrize(
    "name",
    [
        "echo",
        "000000000000:function:echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST",
        "echo:$LATEST",
    ],
)
def test_a_function_goes_by_name_partial_arn_and_arn(lab, name):
    async def run():
        async with lab() as it:
            it.deploy("echo", ECHO)
            assert (await it.result(name))["event"] == {}

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="published versions keep their code",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html",
)
def test_a_published_version_stays_as_it_was(lab):
    async def run():
        async with lab() as it:
            it.deploy("fn", "def handler(e, c): return ['first', c.function_version]")
            it.backend.publish_version("fn")
            it.update_code("fn", "def handler(e, c): return ['second', 0]")
            assert (await it.result("fn"))[0] == "second"
            assert await it.result("fn", Qualifier="1") == ["first", "1"]
            answer = await it.invoke("fn", Qualifier="1")
            assert answer["ExecutedVersion"] == "1"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="errors of Invoke and their status codes; payload limits",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
)
@pytest.mark.parametrize(
    ("name", "more", "code", "status"),
    [
        ("nobody", {}, "ResourceNotFoundException", 404),
        ("echo", {"Qualifier": "7"}, "ResourceNotFoundException", 404),
        ("arn:aws:lambda:eu-west-1:000000000000:function:echo", {}, "ResourceNotFoundException",
         404),
        ("no spaces allowed", {}, "ValidationException", 400),
        ("echo:1", {"Qualifier": "2"}, "InvalidParameterValueException", 400),
        ("echo", {"InvocationType": "Whatever"}, "InvalidParameterValueException", 400),
        ("echo", {"TenantId": "t"}, "NotSupportedByEmulator", 400),
        ("echo", {"ClientContext": "no base64!"}, "InvalidRequestContentException", 400),
        ("echo", {"LogType": "All"}, "InvalidParameterValueException", 400),
        ("echo", {"Payload": b"{"}, "InvalidRequestContentException", 400),
        ("echo", {"Payload": b'"' + b"x" * 2**20 * 6 + b'"'}, "RequestTooLargeException", 413),
        ("echo", {"Payload": b'"' + b"x" * 2**20 + b'"', "InvocationType": "Event"},
         "RequestTooLargeException", 413),
    ],
)  # fmt: skip
def test_what_cannot_be_invoked_is_refused_as_lambda_does(lab, name, more, code, status):
    async def run():
        async with lab() as it:
            it.deploy("echo", ECHO)
            with pytest.raises(AwsError) as refused:
                await it.invoke(name, **more)
            assert (refused.value.code, refused.value.status) == (code, status)
            if code == "ResourceNotFoundException":
                assert refused.value.message.startswith("Function not found: arn:aws:lambda:")

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="runtimes other than Python",
    source="https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
    verdict="refused",
)
@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"Runtime": "nodejs20.x"}, "the Lambda runtime 'nodejs20.x'"),
        ({"Runtime": "provided.al2023"}, "the Lambda runtime 'provided.al2023'"),
    ],
)
def test_what_no_sandbox_can_run_is_refused_by_name(lab, config, words):
    async def run():
        async with lab() as it:
            it.deploy("other", ECHO, **config)
            with pytest.raises(NotSupported, match=words):
                await it.invoke("other")

    asyncio.run(run())


@pytest.mark.fidelity(
    area="Lambda",
    feature="InvocationType DryRun runs nothing",
    source="https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html",
)
def test_a_dry_run_checks_and_runs_nothing(lab):
    async def run():
        async with lab() as it:
            it.deploy("echo", ECHO)
            answer = await it.invoke("echo", InvocationType="DryRun")
            assert answer == {"StatusCode": 204, "Payload": b""}
            assert await it.log_lines("echo") == []

    asyncio.run(run())
