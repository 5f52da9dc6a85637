"""The control plane of simulated worlds: moto in the same thread, deployed once for all of them.

Cluster, task definition, rules, schedules and roles are the same in every world; what changes
(objects, executions, tasks) is each world's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from emulator.core.bus import Bus, Caller
from emulator.core.errors import AwsError
from emulator.deploy import Deployer, Deployment
from emulator.deploy_values import roles_of, trusted_service
from emulator.endpoint.control import ControlHooks
from emulator.endpoint.moto_lane import MotoLane, MotoService
from emulator.settings import Settings
from system import stack

T = TypeVar("T")

THERE_ALREADY = frozenset({"ResourceAlreadyExistsException", "ConflictException"})
DISTRIBUTION = "simulated"
"""There is no CDN in a world; the website's bucket names one that may read it."""
URLS = ("http://127.0.0.1:4566", "http://localhost:8080")


class InlineLane(MotoLane):
    """moto on the event loop's own thread: on virtual time nothing may wait for another thread."""

    async def run(self, fn: Callable[[], T]) -> T:
        """Run ``fn`` here and now."""
        return fn()


class SimulatedDeployer(Deployer):
    """Deploys what a world without HTTP has, from the same declaration and by the same calls."""

    async def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call; what is there already is as it should be: moto's state is the whole process's."""
        try:
            return await super()._call(service, operation, params)
        except AwsError as error:
            if error.code not in THERE_ALREADY:
                raise
            return {}

    async def deploy_control_plane(self) -> None:
        """What moto keeps."""
        await self._task()
        await self._rules()

    async def deploy_roles(self, known: dict[str, str]) -> None:
        """Every role with its policies as they are declared now.

        ``known`` has the documents of the roles that are there, as text, and is kept up to date.
        """
        for role in roles_of(self._declared, live_events=False):
            wanted = self._documents(role)
            if known.get(role) == wanted:
                continue
            if known.pop(role, None) is not None:
                name = f"{self._settings.name}-{role}"
                await self._call("iam", "DeleteRolePolicy", {"RoleName": name, "PolicyName": name})
                await self._call("iam", "DeleteRole", {"RoleName": name})
            await self._roles([role])
            known[role] = wanted

    def _documents(self, role: str) -> str:
        trust = stack.policy(f"trust-{trusted_service(self._declared, role)}")
        return json.dumps([trust, stack.policy(self._policy_of(role))])

    async def deploy_world(self) -> dict[str, str]:
        """What the engines keep; returns the values of the declaration's placeholders."""
        await self._buckets()
        await self._bucket_policies(DISTRIBUTION)
        await self._workflows()
        await self._ledger()
        return self._values


def deployer(bus: Bus, settings: Settings) -> SimulatedDeployer:
    """A deployer whose hooks have nothing to hand on."""
    hooks = ControlHooks(
        load_api=_no_api,
        set_throttles=_no_throttles,
        set_access_log=_no_access_log,
        identities_changed=_no_identities,
    )
    return SimulatedDeployer(bus, hooks, settings, URLS, _no_warming, _no_serving)


class ControlPlane:
    """moto with the system's declaration in it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lane = InlineLane()
        self._deployed = False
        self._roles: dict[str, str] = {}

    def service(self, name: str) -> MotoService:
        """One of moto's services as the bus wants it."""
        return MotoService(name, self.lane)

    async def deploy(self) -> None:
        """Deploy, the first time; later only roles whose policies are declared otherwise now."""
        bus = Bus()
        bus.set_fallback(self.service)
        deploying = deployer(bus, self.settings)
        await deploying.deploy_roles(self._roles)
        if not self._deployed:
            self._deployed = True
            await deploying.deploy_control_plane()


async def _no_warming(_: list[str]) -> None: ...


async def _no_serving(_: Deployment) -> None: ...


def _no_api(_api: str, _stage: str, _document: dict[str, Any]) -> None: ...


def _no_throttles(_api: str, _stage: str, _settings: dict[str, Any]) -> None: ...


def _no_access_log(
    _api: str, _stage: str, _settings: dict[str, Any] | None, _role: str
) -> None: ...


def _no_identities() -> None: ...


ROOT = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root", request_id="operator")
"""The operator."""
