"""Services: as many tasks as they want, registered with their target groups, replaced when gone."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from emulator.core.errors import AwsError, NotSupported
from emulator.ecs import ServicesService, TasksSettings
from tests.unit.ecs.conftest import NETWORK

PAGE = "https://docs.aws.amazon.com/AmazonECS/latest/"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g/01"
BALANCERS = [{"targetGroupArn": GROUP, "containerName": "nst", "containerPort": 8000}]
LISTENS = """
    import signal, socket, sys
    server = socket.create_server(("127.0.0.1", 0))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        signal.pause()
"""


class Balancers:
    """The target group of a load balancer; ``balancer`` False: of none yet."""

    def __init__(self):
        self.targets = []
        self.balancer = True
        self.news = asyncio.Event()

    async def call(self, operation, params, caller):
        if operation == "DescribeTargetGroups":
            return {"TargetGroups": [{"LoadBalancerArns": ["lb"] if self.balancer else []}]}
        assert params["TargetGroupArn"] == GROUP
        [target] = params["Targets"]
        if operation == "RegisterTargets":
            self.targets.append(target)
        else:
            self.targets.remove(target)
        self.news.set()
        return {}

    async def until(self, count):
        while len(self.targets) != count:
            self.news.clear()
            await self.news.wait()


class Services:
    def __init__(self, it):
        self.it = it
        self.balancers = Balancers()
        it.bus.register("elbv2", self.balancers)
        self.service = ServicesService(it.lane, it.clock, it.bus, it.tasks, TasksSettings())

    def call(self, operation, **params):
        return self.service.call(operation, {"cluster": "nst", **params}, self.it.caller)

    async def create(self, **params):
        wanted = {
            "serviceName": "web",
            "taskDefinition": "worker",
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": NETWORK,
            "loadBalancers": BALANCERS,
        }
        return (await self.call("CreateService", **{**wanted, **params}))["service"]

    async def describe(self):
        return (await self.call("DescribeServices", services=["web"]))["services"][0]

    async def until(self, condition):
        while not await condition(self):  # noqa: ASYNC110 (there is no event to wait for)
            await asyncio.sleep(0.01)

    async def tasks(self):
        return (await self.it.call("ListTasks", cluster="nst"))["taskArns"]


@pytest.fixture
def services(lab, definition):
    definition()

    @asynccontextmanager
    async def make(program=LISTENS, **settings):
        async with lab(program, **settings) as it:
            made = Services(it)
            try:
                yield made
            finally:
                await made.service.stop()

    return make


@pytest.mark.fidelity(
    area="ECS",
    feature="CreateService keeps the desired count of tasks and registers them",
    source=f"{PAGE}developerguide/service-load-balancing.html",
    note="a target is the port of the task's process on the loopback interface",
)
def test_a_service_runs_its_tasks_and_registers_where_they_listen(services):
    async def run():
        async with services() as it:
            made = await it.create(desiredCount=2)
            assert made["status"] == "ACTIVE"
            assert made["desiredCount"] == 2
            await it.balancers.until(2)
            arns = await it.tasks()
            ports = {it.it.tasks.address(arn)[1] for arn in arns}
            assert {target["Port"] for target in it.balancers.targets} == ports
            task = await it.it.describe(arns[0])
            assert task["group"] == "service:web"
            assert task["startedBy"].startswith("ecs-svc/")
            seen = await it.describe()
            assert (seen["runningCount"], seen["pendingCount"]) == (2, 0)
            [deployment] = seen["deployments"]
            assert deployment["status"] == "PRIMARY"
            assert deployment["rolloutState"] == "COMPLETED"
            assert (await it.call("ListServices"))["serviceArns"] == [made["serviceArn"]]

    asyncio.run(run())


def test_a_task_that_ends_leaves_its_target_group_and_is_replaced(services):
    async def run():
        async with services() as it:
            await it.create()
            await it.balancers.until(1)
            [before] = await it.tasks()
            [target] = it.balancers.targets
            it.it.tasks.kill(before)
            await it.balancers.until(0)
            await it.balancers.until(1)
            assert it.balancers.targets != [target]
            [after] = await it.tasks()
            assert after != before

    asyncio.run(run())


@pytest.mark.fidelity(
    area="ECS",
    feature="a service's task that keeps failing is replaced more and more slowly",
    source=f"{PAGE}developerguide/service-throttle-logic.html",
    note="from one second to one minute; AWS: up to 27 minutes",
    verdict="differs",
)
def test_tasks_that_fail_at_once_are_not_started_in_a_hurry(services):
    async def failed(it):
        return (await it.describe())["deployments"][0]["failedTasks"]

    async def run():
        async with services("raise SystemExit(1)") as it:
            await it.create()
            await it.until(failed)
            assert it.balancers.targets == []
            stopped = await it.it.call("ListTasks", cluster="nst", desiredStatus="STOPPED")
            assert len(stopped["taskArns"]) == 1

    asyncio.run(run())


def test_scaling_starts_and_ends_tasks(services):
    async def idle(it):
        return not await it.tasks()

    async def run():
        async with services() as it:
            await it.create()
            await it.balancers.until(1)
            await it.call("UpdateService", service="web", desiredCount=3)
            await it.balancers.until(3)
            await it.call("UpdateService", service="web", desiredCount=0)
            await it.balancers.until(0)
            await it.until(idle)
            stopped = (await it.it.call("ListTasks", cluster="nst", desiredStatus="STOPPED"))[
                "taskArns"
            ]
            task = await it.it.describe(stopped[0])
            assert task["stopCode"] == "ServiceSchedulerInitiated"
            assert task["stoppedReason"].startswith("Scaling activity initiated by")

    asyncio.run(run())


@pytest.mark.fidelity(
    area="ECS",
    feature="a rolling deployment ends the old tasks when the new ones serve",
    source=f"{PAGE}developerguide/deployment-type-ecs.html",
    note="all new tasks start at once, whatever the percents; no circuit breaker",
    verdict="differs",
)
def test_a_new_task_definition_is_rolled_out_before_the_old_one_ends(services, definition):
    async def one_left(it):
        return len(await it.tasks()) == 1

    async def run():
        async with services() as it:
            made = await it.create()
            await it.balancers.until(1)
            definition(environment=[{"name": "NEW", "value": "1"}])
            await it.call("UpdateService", service="web", taskDefinition="worker")
            await it.balancers.until(2)
            await it.balancers.until(1)
            seen = await it.describe()
            assert seen["taskDefinition"] != made["taskDefinition"]
            assert len(seen["deployments"]) == 1
            await it.until(one_left)
            [arn] = await it.tasks()
            task = await it.it.describe(arn)
            assert task["taskDefinitionArn"] == seen["taskDefinition"]

    asyncio.run(run())


def test_a_service_is_deleted_when_it_wants_no_tasks_or_by_force(services):
    async def inactive(it):
        return (await it.describe())["status"] == "INACTIVE"

    async def run():
        async with services() as it:
            await it.create()
            await it.balancers.until(1)
            with pytest.raises(AwsError, match="scaled above 0"):
                await it.call("DeleteService", service="web")
            gone = (await it.call("DeleteService", service="web", force=True))["service"]
            assert gone["status"] == "DRAINING"
            await it.until(inactive)
            assert it.balancers.targets == []
            assert await it.tasks() == []
            with pytest.raises(AwsError) as refused:
                await it.call("UpdateService", service="web", desiredCount=1)
            assert refused.value.code == "ServiceNotActiveException"
            assert (await it.create())["status"] == "ACTIVE"

    asyncio.run(run())


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 20, 40])
def test_a_service_deleted_while_its_task_starts_leaves_nothing(services, steps):
    """At whatever moment: the deletion comes so many steps of the loop after the creation."""

    async def inactive(it):
        return (await it.describe())["status"] == "INACTIVE"

    waits = [30]  # RunTask, the first of them, is under way for so many steps

    async def slow(fn):
        for _ in range(waits.pop() if waits else 0):
            await asyncio.sleep(0)
        return fn()

    async def run():
        async with services() as it:
            await it.create()
            it.it.lane.run = slow
            for _ in range(steps):
                await asyncio.sleep(0)
            await it.call("DeleteService", service="web", force=True)
            await it.until(inactive)
            assert await it.tasks() == []
            assert it.balancers.targets == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serviceName": ""}, "Service name"),
        ({"desiredCount": -1}, "desiredCount"),
        ({"networkConfiguration": None}, "Network Configuration"),
        ({"schedulingStrategy": "DAEMON"}, "DAEMON"),
        ({"loadBalancers": [{**BALANCERS[0], "containerName": "x"}]}, "container x does not exist"),
        ({"loadBalancers": [{**BALANCERS[0], "containerPort": 1}]}, "container port 1"),
    ],
)
def test_what_ecs_would_refuse_is_refused(services, change, message):
    async def run():
        async with services() as it:
            with pytest.raises(AwsError, match=message) as refused:
                await it.create(**change)
            assert refused.value.code == "InvalidParameterException"

    asyncio.run(run())


def test_a_target_group_must_belong_to_a_load_balancer_first(services):
    async def run():
        async with services() as it:
            it.balancers.balancer = False
            with pytest.raises(AwsError, match="does not have an associated load balancer"):
                await it.create()

    asyncio.run(run())


def test_the_same_service_again_and_one_that_is_not_there(services):
    async def run():
        async with services() as it:
            await it.create(desiredCount=0)
            with pytest.raises(AwsError, match="not idempotent"):
                await it.create()
            with pytest.raises(AwsError) as refused:
                await it.call("UpdateService", service="other", desiredCount=1)
            assert refused.value.code == "ServiceNotFoundException"
            found = await it.call("DescribeServices", services=["other"])
            assert found["failures"][0]["reason"] == "MISSING"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="ECS",
    feature="services with discovery, Service Connect, volumes, other deployment controllers",
    source=f"{PAGE}APIReference/API_CreateService.html",
    verdict="refused",
)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"serviceRegistries": [{"registryArn": "r"}]}, "serviceRegistries"),
        ({"serviceConnectConfiguration": {"enabled": True}}, "serviceConnectConfiguration"),
        ({"deploymentController": {"type": "EXTERNAL"}}, "deployment controller"),
        ({"enableExecuteCommand": True}, "enableExecuteCommand"),
        ({"loadBalancers": [{**BALANCERS[0], "targetGroupArn": ""}]}, "classic"),
        ({"desiredCount": 1_000}, "more than"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(services, change, named):
    async def run():
        async with services() as it:
            with pytest.raises(NotSupported, match=named):
                await it.create(**change)

    asyncio.run(run())
