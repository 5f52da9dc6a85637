"""Which home of the ledger the functions use, and what each of them costs a cold start."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from handlers import parts
from handlers.parts import Parts
from handlers.read_budget import function as read_budget
from handlers.update_budget import function as update_budget
from system import artifacts, prices
from system.ledger.dynamodb_store import DynamoDbLedgerStore
from system.ledger.s3_store import S3LedgerStore
from system.ledger.store import Patience
from system.settings import Environment, SettingsError
from tests.unit.handlers.fakes import RUN, VARIABLES, Checked, Context
from tests.unit.system.fake_dynamodb import FakeDynamoDb

IN_TABLE = {
    **{name: value for name, value in VARIABLES.items() if name != "BUDGET_BUCKET"},
    "BUDGET_STORE": "dynamodb",
    "BUDGET_TABLE": "nst-ledger",
}


def parts_of(variables: dict[str, str], **fakes: Any) -> Parts:
    return Parts(
        Environment(variables),
        lambda service: Checked(service, fakes[service]),
        lambda: 1_793_000_000.0,
        Patience(sleep=lambda _: None),
    )


@pytest.mark.parametrize("said", [{}, {"BUDGET_STORE": ""}, {"BUDGET_STORE": "s3"}])
def test_the_bucket_is_the_ledgers_home_unless_a_setting_says_otherwise(
    said: dict[str, str],
) -> None:
    assert isinstance(parts_of({**VARIABLES, **said}, s3=None).ledger(), S3LedgerStore)


def test_a_setting_moves_it_to_a_table() -> None:
    assert isinstance(parts_of(IN_TABLE, dynamodb=None).ledger(), DynamoDbLedgerStore)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"BUDGET_STORE": "sqlite"}, "BUDGET_STORE"),
        ({"BUDGET_STORE": "S3"}, "BUDGET_STORE"),
        ({"BUDGET_TABLE": " "}, "BUDGET_TABLE"),
    ],
)
def test_a_home_that_is_not_there_is_refused_by_name(change: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        parts_of({**IN_TABLE, **change}, dynamodb=None).ledger()


def test_the_functions_keep_a_budget_in_a_table() -> None:
    """Every call is checked against DynamoDB's API model."""
    made = parts_of(IN_TABLE, dynamodb=FakeDynamoDb())

    def update(action: str, **payload: Any) -> Any:
        return update_budget({"action": action, **payload}, Context(), made)

    limits = {"runs_in_flight_max": 2, "spend_per_day_max_microusd": 10**6}
    assert update("initialise", limit_microusd=10**6, **limits) == {"outcome": "initialised"}
    assert update("reserve", run_id=RUN, digest="d" * 64, ceiling_microusd=50_000)["fresh"]
    view = read_budget({"action": "check"}, Context(), made)
    assert (view["reserved_microusd"], view["available_microusd"]) == (50_000, 950_000)
    assert update("release", run_id=RUN) == {"outcome": "released"}


def test_a_ledger_in_a_table_makes_a_run_dearer_by_what_the_table_bills() -> None:
    bucket, table = Environment(VARIABLES).rates(), Environment(IN_TABLE).rates()
    assert (bucket.task_s, bucket.running_s) == (table.task_s, table.running_s)
    more = prices.overhead_microusd(table) - prices.overhead_microusd(bucket)
    # 16 writes of 128 units at 0.625 and 40 reads of 32 units at 0.125 micro-dollars
    assert more == 1_280 + 160


@pytest.mark.parametrize(("store", "warmed"), [("s3", "s3"), ("dynamodb", "dynamodb")])
def test_the_init_phase_makes_the_client_of_the_ledgers_home_and_no_other(
    store: str, warmed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
    made: list[str] = []
    environment = Environment({**VARIABLES, "BUDGET_STORE": store, "BUDGET_TABLE": "t"})
    monkeypatch.setattr(parts, "from_environment", lambda: Parts(environment, made.append))
    parts.warm(parts.LEDGER)
    assert made == [warmed]


def test_with_s3_a_cold_start_loads_nothing_of_dynamodb() -> None:
    program = (
        "import sys; from handlers import read_budget, update_budget, parts; "
        "from handlers.parts import Parts; from system.settings import Environment; "
        "Parts(Environment({'BUDGET_BUCKET': 'b'}), lambda service: None).ledger(); "
        "print([name for name in sys.modules if 'dynamo' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=artifacts.ROOT,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert "system/ledger/dynamodb_store.py" in artifacts.files("update_budget")
