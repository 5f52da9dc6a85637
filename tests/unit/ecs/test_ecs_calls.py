"""RunTask, DescribeTasks, ListTasks: what is answered, refused and remembered."""

import asyncio

import pytest

from emulator.core.errors import AwsError

SLEEP = "import time\nprint('ready')\ntime.sleep(300)"


def test_one_client_token_makes_one_task(lab, definition):
    async def run():
        definition()
        async with lab(SLEEP) as it:
            first, second = await asyncio.gather(
                it.run_task(clientToken="r1", startedBy="r1"),
                it.run_task(clientToken="r1", startedBy="r1"),
            )
            arn = first["tasks"][0]["taskArn"]
            assert [t["taskArn"] for t in second["tasks"]] == [arn]
            with pytest.raises(AwsError) as refused:
                await it.run_task(clientToken="r1", startedBy="r2")
            assert refused.value.code == "ConflictException"
            assert refused.value.fields == {"resourceIds": [arn]}
            other = await it.run_one(clientToken="r2", startedBy="r1")
            assert other["taskArn"] != arn

    asyncio.run(run())


def test_a_token_of_a_request_that_failed_can_be_used_again(lab, definition):
    async def run():
        definition()
        async with lab(SLEEP, capacity_tasks=1) as it:
            running = await it.run_one()
            refused = await it.run_task(clientToken="r1")
            assert refused == {
                "tasks": [],
                "failures": [
                    {
                        "reason": "Capacity is unavailable at this time. Please try again later or "
                        "in a different availability zone"
                    }
                ],
            }
            await it.call("StopTask", cluster="nst", task=running["taskArn"])
            await it.until(running["taskArn"], "STOPPED")
            assert len((await it.run_task(clientToken="r1"))["tasks"]) == 1

    asyncio.run(run())


def test_a_count_takes_what_there_is_room_for(lab, definition):
    async def run():
        definition()
        async with lab(SLEEP, capacity_tasks=3) as it:
            answer = await it.run_task(count=5)
            assert len(answer["tasks"]) == 3
            assert len(answer["failures"]) == 2

    asyncio.run(run())


def test_the_request_is_kept_in_the_task(lab, definition):
    async def run():
        definition(
            definition={"tags": [{"key": "team", "value": "a"}, {"key": "kind", "value": "w"}]}
        )
        async with lab("pass") as it:
            task = await it.run_one(
                launchType="FARGATE",
                group="mine",
                startedBy="someone",
                tags=[{"key": "team", "value": "b"}],
                propagateTags="TASK_DEFINITION",
                enableECSManagedTags=True,
                overrides={"cpu": "1 vCPU", "memory": "2 GB"},
            )
            assert task["group"] == "mine"
            assert task["startedBy"] == "someone"
            assert task["launchType"] == "FARGATE"
            assert (task["cpu"], task["memory"]) == ("1024", "2048")
            details = {d["name"]: d["value"] for d in task["attachments"][0]["details"]}
            assert details["subnetId"] == "subnet-1"
            assert details["privateIPv4Address"] == "127.0.0.1"
            tags = {t["key"]: t["value"] for t in task["tags"]}
            assert tags == {"team": "b", "kind": "w", "aws:ecs:clusterName": "nst"}
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["tags"] == []
            shown = await it.describe(task["taskArn"], include=["TAGS"])
            assert {t["key"] for t in shown["tags"]} == set(tags)

    asyncio.run(run())


@pytest.mark.parametrize("name", ["worker", "worker:1", "arn"])
def test_a_definition_goes_by_family_revision_and_arn(lab, definition, name):
    async def run():
        first = definition()
        newest = definition()
        arn = first.arn
        async with lab("pass") as it:
            task = await it.run_one(taskDefinition=arn if name == "arn" else name)
            assert task["taskDefinitionArn"] == (newest.arn if name == "worker" else first.arn)

    asyncio.run(run())


def test_the_newest_active_revision_of_a_family_is_taken(lab, definition):
    async def run():
        first = definition()
        definition().status = "INACTIVE"
        async with lab("pass") as it:
            assert (await it.run_one())["taskDefinitionArn"] == first.arn
            with pytest.raises(AwsError, match="TaskDefinition is inactive"):
                await it.run_task(taskDefinition="worker:2")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cluster": "nobody"}, "ClusterNotFoundException"),
        ({"taskDefinition": "nobody"}, "ClientException"),
        ({"taskDefinition": "worker:99"}, "ClientException"),
        ({"taskDefinition": ""}, "InvalidParameterException"),
        ({"count": 0}, "InvalidParameterException"),
        ({"count": 11}, "InvalidParameterException"),
        ({"networkConfiguration": None}, "InvalidParameterException"),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}},
         "InvalidParameterException"),
        ({"clientToken": "x" * 65}, "InvalidParameterException"),
        ({"startedBy": "with space"}, "InvalidParameterException"),
        ({"launchType": "FARGATE", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
         "InvalidParameterException"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},
         "InvalidParameterException"),
        ({"overrides": {"containerOverrides": [{"name": "other"}]}}, "InvalidParameterException"),
        ({"overrides": {"containerOverrides": [{"name": "nst", "command": ["x" * 9000]}]}},
         "InvalidParameterException"),
        ({"overrides": {"memory": "much"}}, "InvalidParameterException"),
        ({"launchType": "EC2"}, "NotSupportedByEmulator"),
        ({"enableExecuteCommand": True}, "NotSupportedByEmulator"),
        ({"placementConstraints": [{"type": "distinctInstance"}]}, "NotSupportedByEmulator"),
        ({"overrides": {"ephemeralStorage": {"sizeInGiB": 30}}}, "NotSupportedByEmulator"),
        ({"overrides": {"containerOverrides": [{"name": "nst", "environmentFiles": []}]}},
         "NotSupportedByEmulator"),
    ],
)  # fmt: skip
def test_what_ecs_or_the_emulator_cannot_do_is_refused(lab, definition, params, code):
    async def run():
        definition()
        async with lab("pass") as it:
            with pytest.raises(AwsError) as refused:
                await it.run_task(**params)
            assert refused.value.code == code
            assert it.events == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"secrets": [{"name": "A", "valueFrom": "arn"}]}, "'secrets' of a container"),
        ({"dependsOn": [{"containerName": "x", "condition": "START"}]}, "'dependsOn'"),
        ({"healthCheck": {"command": ["CMD", "true"]}}, "'healthCheck'"),
        ({"entryPoint": ["/bin/sh"]}, "'entryPoint'"),
        ({"logConfiguration": {"logDriver": "splunk"}}, "the log driver 'splunk'"),
        ({"definition": {"volumes": [{"name": "v"}]}}, "volumes"),
    ],
)
def test_a_definition_that_no_process_can_honour_is_refused_by_name(
    lab, definition, container, words
):
    async def run():
        definition(**container)
        async with lab("pass") as it:
            with pytest.raises(AwsError, match=words) as refused:
                await it.run_task()
            assert refused.value.code == "NotSupportedByEmulator"

    asyncio.run(run())


def test_what_only_narrows_a_container_is_taken(lab, definition):
    async def run():
        definition(readonlyRootFilesystem=True, user="1000", linuxParameters={"x": 1})
        async with lab("pass") as it:
            task = await it.run_one()
            over = await it.until(task["taskArn"], "STOPPED")
            assert over["containers"][0]["exitCode"] == 0

    asyncio.run(run())


def test_unknown_tasks_are_told_as_missing(lab, definition):
    async def run():
        definition()
        async with lab("pass") as it:
            task = await it.run_one()
            ident = task["taskArn"].rsplit("/", 1)[-1]
            answer = await it.call("DescribeTasks", cluster="nst", tasks=[ident, "0" * 32])
            assert [t["taskArn"] for t in answer["tasks"]] == [task["taskArn"]]
            assert answer["failures"] == [
                {
                    "arn": f"arn:aws:ecs:us-east-1:000000000000:task/nst/{'0' * 32}",
                    "reason": "MISSING",
                }
            ]
            with pytest.raises(AwsError, match="The referenced task was not found"):
                await it.call("StopTask", cluster="nst", task="0" * 32)
            for tasks in ([], ["x"] * 101):
                with pytest.raises(AwsError) as refused:
                    await it.call("DescribeTasks", cluster="nst", tasks=tasks)
                assert refused.value.code == "InvalidParameterException"

    asyncio.run(run())


def test_tasks_are_listed_by_what_was_asked_for(lab, definition):
    async def run():
        definition()
        definition("other")
        async with lab(SLEEP) as it:
            one = (await it.run_one(startedBy="x"))["taskArn"]
            two = (await it.run_one(startedBy="y"))["taskArn"]
            other = (await it.run_one(taskDefinition="other", startedBy="x"))["taskArn"]

            async def listed(**params):
                return (await it.call("ListTasks", cluster="nst", **params))["taskArns"]

            assert await listed() == [one, two, other]
            assert await listed(startedBy="x") == [one, other]
            assert await listed(family="worker") == [one, two]
            assert await listed(launchType="FARGATE") == [one, two, other]
            assert await listed(desiredStatus="STOPPED") == []
            await it.call("StopTask", cluster="nst", task=two)
            assert await listed(desiredStatus="STOPPED") == [two]
            await it.until(two, "STOPPED")
            assert await listed(desiredStatus="STOPPED", startedBy="y") == [two]
            page = await it.call("ListTasks", cluster="nst", maxResults=1)
            assert page["taskArns"] == [one]
            rest = await it.call("ListTasks", cluster="nst", nextToken=page["nextToken"])
            assert rest == {"taskArns": [other]}
            for params, code in (
                ({"cluster": "nobody"}, "ClusterNotFoundException"),
                ({"cluster": "nst", "serviceName": "s"}, "NotSupportedByEmulator"),
                ({"cluster": "nst", "desiredStatus": "DONE"}, "InvalidParameterException"),
                ({"cluster": "nst", "startedBy": "x", "family": "worker"},
                 "InvalidParameterException"),
                ({"cluster": "nst", "nextToken": "next"}, "InvalidParameterException"),
            ):  # fmt: skip
                with pytest.raises(AwsError) as refused:
                    await it.call("ListTasks", **params)
                assert refused.value.code == code

    asyncio.run(run())
