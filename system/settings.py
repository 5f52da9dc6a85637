"""The functions' environment, read once and typed; ``docs/contracts.md`` lists the variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from system import prices

BudgetStore = Literal["s3", "dynamodb"]
BUDGET_STORES: tuple[BudgetStore, ...] = ("s3", "dynamodb")

CapacityProvider = Literal["FARGATE", "FARGATE_SPOT"]
CAPACITY_PROVIDERS: tuple[CapacityProvider, ...] = ("FARGATE", "FARGATE_SPOT")

UPLOAD_BYTES_DEFAULT = 20 * 1024 * 1024
UPLOAD_BYTES_MAX = 100 * 1024 * 1024


class SettingsError(Exception):
    """A variable of the environment is missing or wrong; the message names it."""


@dataclass(frozen=True)
class StorageSettings:
    """Where pictures, logs and orders are, and how large an upload may be."""

    bucket: str
    upload_bytes_max: int


@dataclass(frozen=True)
class TaskSettings:
    """How a run's task is started."""

    cluster: str
    task_definition: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    capacity_provider: CapacityProvider = "FARGATE"


class Environment:
    """Typed reading of an environment. Every method raises SettingsError.

    A function asks for what it uses and for no more, so that a variable which it does not need may
    be missing.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    @property
    def region(self) -> str:
        """The AWS region."""
        return self._required("AWS_REGION")

    @property
    def endpoint_url(self) -> str | None:
        """The emulator's endpoint; None on AWS."""
        return self._variables.get("AWS_ENDPOINT_URL") or None

    @property
    def budget_store(self) -> BudgetStore:
        """Where the ledger is kept: ``s3`` (the default) or ``dynamodb``."""
        text = self._variables.get("BUDGET_STORE", "").strip() or "s3"
        for known in BUDGET_STORES:
            if text == known:
                return known
        raise SettingsError(f"BUDGET_STORE must be one of {', '.join(BUDGET_STORES)}")

    @property
    def live_events(self) -> bool:
        """Whether the API has a stream of each run's events (``LIVE_EVENTS``)."""
        text = self._variables.get("LIVE_EVENTS", "").strip() or "false"
        if text not in {"true", "false"}:
            raise SettingsError("LIVE_EVENTS must be true or false")
        return text == "true"

    @property
    def budget_bucket(self) -> str:
        """The bucket of the ledger, when S3 keeps it."""
        return self._required("BUDGET_BUCKET")

    @property
    def budget_table(self) -> str:
        """The table of the ledger, when DynamoDB keeps it."""
        return self._required("BUDGET_TABLE")

    @property
    def run_state_machine_arn(self) -> str:
        """The state machine run-nst."""
        return self._required("RUN_STATE_MACHINE_ARN")

    def storage(self) -> StorageSettings:
        """The storage bucket and the upload limit."""
        return StorageSettings(
            self._required("STORAGE_BUCKET"),
            self._whole("MAX_UPLOAD_BYTES", 1, UPLOAD_BYTES_MAX, UPLOAD_BYTES_DEFAULT),
        )

    def task(self) -> TaskSettings:
        """How to start a task."""
        return TaskSettings(
            cluster=self.cluster,
            task_definition=self._required("TASK_DEFINITION"),
            subnets=self._list("SUBNETS"),
            security_groups=self._list("SECURITY_GROUPS"),
            capacity_provider=self._capacity_provider(),
        )

    def _capacity_provider(self) -> CapacityProvider:
        text = self._variables.get("CAPACITY_PROVIDER", "").strip() or "FARGATE"
        for known in CAPACITY_PROVIDERS:
            if text == known:
                return known
        raise SettingsError(f"CAPACITY_PROVIDER must be one of {', '.join(CAPACITY_PROVIDERS)}")

    @property
    def cluster(self) -> str:
        """The ECS cluster."""
        return self._required("CLUSTER")

    def rates(self, cpu_units: int | None = None, memory_mib: int | None = None) -> prices.Rates:
        """What this deployment's task costs, or one of another size."""
        try:
            return prices.rates(
                region=self.region,
                architecture=self._required("TASK_ARCHITECTURE"),
                cpu_units=cpu_units or self._whole("TASK_CPU_UNITS", 256, 16_384),
                memory_mib=memory_mib or self._whole("TASK_MEMORY_MIB", 512, 122_880),
                ledger_in_dynamodb=self.budget_store == "dynamodb",
            )
        except prices.UnknownPriceError as error:
            raise SettingsError(str(error)) from error

    def _required(self, name: str) -> str:
        value = self._variables.get(name, "").strip()
        if not value:
            raise SettingsError(f"the environment variable {name} must be set")
        return value

    def _list(self, name: str) -> tuple[str, ...]:
        items = tuple(item.strip() for item in self._required(name).split(","))
        if not all(items):
            raise SettingsError(f"{name} must be a list with commas between its items")
        return items

    def _whole(self, name: str, least: int, most: int, default: int | None = None) -> int:
        text = self._variables.get(name, "").strip()
        if not text and default is not None:
            return default
        text = text or self._required(name)
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise SettingsError(f"{name} must be a whole number from {least} to {most}")
        return int(text)
