"""Money, prices, runs, problems, settings, gallery: the core that everything agrees on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from handlers import errors
from system import gallery, money, prices, problems, runs
from system.ledger import view
from system.settings import Environment, SettingsError

ROOT = Path(__file__).resolve().parents[3]
RUN = "0123456789abcdef" * 2
RATE = prices.rates(region="us-east-1", architecture="X86_64", cpu_units=2048, memory_mib=4096)


@pytest.mark.parametrize(
    ("microusd", "text"),
    [
        (9_970_000, "$9.97"),
        (10_000_000, "$10.00"),
        (0, "$0.00"),
        (9_979_999, "$9.97"),
        (4_200, "$0.0042"),
        (1, "$0.000001"),
        (10_000, "$0.01"),
        (-500_000, "-$0.50"),
        (-500_001, "-$0.51"),
        (1_234_567_890_000, "$1,234,567.89"),
    ],
)
def test_money_is_shown_and_never_promises_a_cent_too_much(microusd: int, text: str) -> None:
    assert money.display(microusd) == text


def test_dollars_are_read_exactly_or_not_at_all() -> None:
    assert money.parse_usd("0.015") == 15_000
    assert money.parse_usd(" $10 ") == 10_000_000
    for wrong in ("", "-1", "1e3", "0.0000001", "ten", "1,5", "9999999", "٣"):
        with pytest.raises(ValueError, match="is"):
            money.parse_usd(wrong)


def test_the_price_of_a_task_by_hand() -> None:
    """AWS's page: 2 vCPU at $0.04048 and 4 GB at $0.004445 an hour, and $0.005 for the address."""
    cost = prices.task_cost_microusd(
        3_600, cpu_units=2048, memory_mib=4096, architecture="X86_64", region="us-east-1"
    )
    assert cost == 80_960 + 17_780 + 5_000
    arm = prices.task_cost_microusd(
        3_600, cpu_units=1024, memory_mib=2048, architecture="ARM64", region="eu-west-1"
    )
    assert arm == 32_380 + 7_120 + 5_000
    frankfurt = prices.task_cost_microusd(
        3_600, cpu_units=1024, memory_mib=1024, architecture="X86_64", region="eu-central-1"
    )
    assert frankfurt == 46_560 + 5_110 + 5_000


def test_fargate_bills_whole_seconds_and_a_minute_at_least() -> None:
    def cost(seconds: float) -> int:
        return prices.task_cost_microusd(
            seconds, cpu_units=2048, memory_mib=4096, architecture="X86_64", region="us-east-1"
        )

    assert cost(0) == cost(1) == cost(60)
    assert cost(60.001) == cost(61) > cost(60)


@given(
    pulling=st.floats(0, prices.PULL_ALLOWANCE_S),
    running=st.floats(0, 900 + prices.STOP_ALLOWANCE_S),
    work=st.sampled_from(runs.WORKS),
    size=st.integers(runs.SIZE_MIN, runs.SIZE_MAX),
)
def test_a_run_that_keeps_its_times_never_costs_more_than_its_ceiling(
    pulling: float, running: float, work: str, size: int
) -> None:
    deadline = prices.deadline_s(work, size)
    running = min(running, deadline + prices.STOP_ALLOWANCE_S)
    real = prices.run_cost_microusd(RATE, pulling + running, running)
    assert real <= prices.run_ceiling_microusd(RATE, deadline)
    assert prices.overhead_microusd(RATE) < real


def test_deadlines() -> None:
    at_512 = [prices.deadline_s(q, 512) for q in runs.QUALITIES]
    assert at_512 == [40, 90, 180]
    assert prices.deadline_s("draft", 64) == prices.DEADLINE_MIN_S == 30
    assert prices.deadline_s("best", 2048) == prices.DEADLINE_MAX_S == 900
    assert prices.deadline_s("good", 724) == 180
    assert prices.deadline_s("instant", 512) == prices.DEADLINE_MIN_S
    assert prices.deadline_s("instant", 1024) == 32
    assert set(prices.DEADLINE_AT_512_S) == set(runs.WORKS)
    with pytest.raises(KeyError):
        prices.deadline_s("heroic", 512)


def test_nothing_is_sold_where_there_is_no_price() -> None:
    with pytest.raises(prices.UnknownPriceError, match="us-east-1"):
        prices.rates(region="mars-1", architecture="X86_64", cpu_units=1, memory_mib=1)
    with pytest.raises(prices.UnknownPriceError, match="ARM64"):
        prices.rates(region="us-east-1", architecture="RISCV", cpu_units=1, memory_mib=1)
    date.fromisoformat(prices.AS_OF)
    for region in prices.REGIONS.values():
        values = [*vars(region).values()]
        amounts = [a for v in values for a in (v.values() if isinstance(v, dict) else [v])]
        assert all(isinstance(a, Fraction) and 0 < a < 1 for a in amounts)


def test_the_transitions_are_those_of_the_workflow() -> None:
    """Counted again from the definition: its longest path and every retry."""
    text = (ROOT / "system/workflows/run-nst.asl.json").read_text()
    states = json.loads(text.replace("${problems}", "{}"))["States"]
    retries = sum(r["MaxAttempts"] for s in states.values() for r in s.get("Retry", []))
    longest = len(states) - 1  # every state but one of the two ends
    assert longest + retries <= prices.TRANSITIONS <= longest + retries + 4


def test_run_ids() -> None:
    made = {runs.make_run_id() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(runs.RUN_ID_PATTERN, run) for run in made)
    for wrong in ("", "a" * 31, "A" * 32, "a" * 33, "a" * 32 + "\n", 'a"' * 16, None, 7):
        assert not runs.is_run_id(wrong)
        with pytest.raises(runs.InvalidRunError):
            runs.check_run_id(wrong)


def test_keys_are_those_of_the_contract() -> None:
    contract = (ROOT / "docs/contracts.md").read_text()
    keys = {
        runs.content_key(RUN),
        runs.style_key(RUN, 0).replace("style-0", "style-{0..3}"),
        runs.mask_key(RUN, 3).replace("mask-3", "mask-{0..3}"),
        runs.events_key(RUN),
        runs.preview_key(RUN),
        runs.result_key(RUN),
        runs.start_order_key(RUN),
        runs.watch_key(RUN),
        runs.cancel_key(RUN),
    }
    for key in keys:
        assert f"`{key.replace(RUN, '{run_id}')}`" in contract
    for slot in (
        "style-4",
        "mask-4",
        "mask",
        "style-",
        "../x",
        "result.png",
        "content/",
        "style-0\n",
    ):
        with pytest.raises(runs.InvalidRunError):
            runs.upload_key(RUN, slot)
    with pytest.raises(runs.InvalidRunError):
        runs.style_key(RUN, 4)
    with pytest.raises(runs.InvalidRunError):
        runs.events_key("../" + RUN)


def test_parameters_have_defaults_and_limits() -> None:
    assert runs.RunParams.parse({}) == runs.RunParams()
    given_ = {"size": 64, "quality": "best", "strength": 2, "seed": 2**31 - 1}
    parsed = runs.RunParams.parse(given_ | {"colours": "palette", "algorithm": "painted"})
    assert runs.RunParams.parse({"size": 512.0}).document()["size"] == 512
    assert parsed.document() == {
        "algorithm": "painted",
        "size": 64,
        "quality": "best",
        "strength": 2.0,
        "colours": "palette",
        "style_scale": 1.0,
        "masks": False,
        "seed": 2**31 - 1,
    }


@pytest.mark.parametrize(("kept", "colours"), [(True, "photo"), (False, "style")])
def test_the_older_name_of_colours_means_what_it_meant(kept: bool, colours: str) -> None:
    """Clients of that time send it, and runs of that time have it in their input."""
    parsed = runs.RunParams.parse({"keep_colours": kept, "seed": 3})
    assert parsed == runs.RunParams(colours=colours, seed=3)
    assert "keep_colours" not in parsed.document()


def test_an_instant_run_is_work_of_its_own_whatever_its_quality() -> None:
    assert runs.RunParams.parse({"quality": "best"}).work == "best"
    instant = runs.RunParams.parse({"algorithm": "instant", "quality": "best"})
    assert instant.work == "instant"
    assert instant.document()["algorithm"] == "instant"
    assert set(runs.WORKS) == {*runs.QUALITIES, "instant"}


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"size": 63}, "size"),
        ({"size": 1025}, "size"),
        ({"size": 512.5}, "size"),
        ({"size": float("inf")}, "size"),
        ({"size": True}, "size"),
        ({"size": "512"}, "size"),
        ({"quality": "heroic"}, "quality"),
        ({"quality": ["good"]}, "quality"),
        ({"strength": -0.1}, "strength"),
        ({"strength": 10**400}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"keep_colours": 1}, "keep_colours"),
        ({"keep_colours": True, "colours": "photo"}, "keep_colours"),
        ({"colours": "mine"}, "colours"),
        ({"colours": True}, "colours"),
        ({"masks": 1}, "masks"),
        ({"style_scale": 0.49}, "style_scale"),
        ({"style_scale": 2.01}, "style_scale"),
        ({"style_scale": "1"}, "style_scale"),
        ({"algorithm": "magic"}, "algorithm"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ([], "params"),
        (None, "params"),
    ],
)
def test_a_wrong_parameter_is_named(params: Any, word: str) -> None:
    with pytest.raises(runs.InvalidRunError, match=word):
        runs.RunParams.parse(params)


@pytest.mark.parametrize(
    "styles",
    [
        [],
        [{}] * 5,
        "abcd",
        [{"gallery": "unknown"}],
        [{"gallery": 7}],
        [{"weight": 0}],
        [{"weight": float("inf")}],
        [{"url": "x"}],
        [7],
        None,
    ],
)
def test_wrong_styles_are_refused(styles: Any) -> None:
    with pytest.raises(runs.InvalidRunError):
        runs.parse_styles(styles)


def test_the_api_contract_has_the_same_limits() -> None:
    contract = yaml.safe_load((ROOT / "system/contract/openapi.yaml").read_text())
    schemas = contract["components"]["schemas"]
    params = schemas["Params"]["properties"]
    older = params.pop("keep_colours")
    assert "default" not in older, "who sends colours alone must not send it unknowingly"
    assert {name: p["default"] for name, p in params.items()} == runs.RunParams().document()
    assert params["colours"]["enum"] == list(runs.COLOURS)
    assert params["algorithm"]["enum"] == list(runs.ALGORITHMS)
    assert params["quality"]["enum"] == list(runs.QUALITIES)
    limits = {name: (p.get("minimum"), p.get("maximum")) for name, p in params.items()}
    assert limits["size"] == (runs.SIZE_MIN, runs.SIZE_MAX)
    assert limits["seed"] == (0, runs.SEED_MAX)
    assert limits["strength"] == (0, runs.STRENGTH_MAX)
    assert limits["style_scale"] == (runs.STYLE_SCALE_MIN, runs.STYLE_SCALE_MAX)
    slots = schemas["UploadRequest"]["properties"]["slot"]["enum"]
    assert [runs.upload_key(RUN, slot).rpartition("/")[2] for slot in slots] == slots
    assert len(slots) == 1 + 2 * runs.STYLES_MAX
    assert schemas["ContentType"]["enum"] == list(runs.CONTENT_TYPES)
    style = schemas["StartRequest"]["properties"]["styles"]
    assert style["maxItems"] == runs.STYLES_MAX
    weight = style["items"]["properties"]["weight"]
    assert (weight["minimum"], weight["maximum"]) == (runs.WEIGHT_MIN, runs.WEIGHT_MAX)
    assert weight["default"] == runs.Style().weight
    assert view.SIZES[-1] == runs.SIZE_MAX, "the page offers the sizes that have a price"


def test_the_run_input_and_its_digest() -> None:
    styles = runs.parse_styles([{"weight": 1}, {"gallery": "ink-wash"}])
    made = runs.run_input(RUN, styles, runs.RunParams(), deadline_s=240, ceiling_microusd=9)
    assert made["style_keys"] == [f"runs/{RUN}/style-0", "gallery/ink-wash.jpg"]
    assert made["digest"] == runs.digest(made)
    other = runs.run_input(RUN, styles, runs.RunParams(seed=1), deadline_s=240, ceiling_microusd=9)
    assert other["digest"] != made["digest"]
    carried = json.loads(json.dumps(made).replace("1.0", "1"))
    assert runs.digest(carried) == made["digest"], "a workflow may write 1 for 1.0"


def test_the_run_input_has_masks_only_where_there_are_any() -> None:
    styles = runs.parse_styles([{"weight": 1}, {"gallery": "ink-wash"}])
    limits = {"deadline_s": 240, "ceiling_microusd": 9}
    plain = runs.run_input(RUN, styles, runs.RunParams(), **limits)
    assert "mask_keys" not in plain, "the same run has the same digest as ever"
    masked = runs.run_input(RUN, styles, runs.RunParams(masks=True), **limits)
    assert masked["mask_keys"] == [f"runs/{RUN}/mask-0", f"runs/{RUN}/mask-1"]
    assert masked["digest"] == runs.digest(masked) != plain["digest"]


def test_the_gallery() -> None:
    assert set(gallery.HOUSE_STYLES) <= gallery.ids()
    assert gallery.parse('{"styles": [{"id": "a-b"}]}') == {"a-b"}
    assert gallery.parse('["a", "b"]') == {"a", "b"}
    for wrong in ("{}", "[]", '["A/.."]', '["a", "a"]', '[{"name": "a"}]', "x"):
        with pytest.raises(ValueError, match=r"gallery|Expecting"):
            gallery.parse(wrong)


def error_names() -> list[str]:
    """The error names in the table of contracts.md, with their statuses."""
    text = (ROOT / "docs/contracts.md").read_text()
    table = text.split("## Errors of functions")[1].split("A **problem document**")[0]
    return re.findall(r"^\| `(\w+)` \| (\d+|-) ", table, re.MULTILINE)


def test_every_error_of_the_contract_is_a_problem_and_every_functions_one_is_a_class() -> None:
    found = error_names()
    assert len(found) >= 17
    for name, status in found:
        kind = problems.KINDS[name]
        assert kind.code == problems.code_of(name)
        assert status in {"-", str(kind.status)}
    raised = {name for name, _ in found} - {
        "PictureRefused",
        "WorkerFailed",
        "TaskStopped",
        "WorkerLost",
    }
    assert set(errors.BY_NAME) == raised
    assert set(problems.table()) == {name for name, _ in found} | {"InternalError"}


def test_problem_documents() -> None:
    made = problems.document("BudgetExhausted", "No.", run_id=RUN, correlation_id="c")
    assert made == {
        "type": "urn:nst:problem:budget-exhausted",
        "title": "The budget is spent",
        "status": 402,
        "detail": "No.",
        "code": "budget-exhausted",
        "run_id": RUN,
        "correlation_id": "c",
    }
    unknown = problems.document("KeyError", "'secret'")
    assert (unknown["code"], unknown["status"]) == ("internal-error", 500)
    assert "secret" not in unknown["detail"]
    assert len(problems.document("WorkerFailed", "x" * 9_999)["detail"]) == 2_000
    for kind in problems.KINDS.values():
        assert len(kind.detail) > 20
        assert kind.detail.isascii()
        assert "{%" not in kind.detail


def test_settings_name_what_is_missing_or_wrong() -> None:
    with pytest.raises(SettingsError, match="STORAGE_BUCKET must be set"):
        Environment({}).storage()
    with pytest.raises(SettingsError, match="MAX_UPLOAD_BYTES"):
        Environment({"STORAGE_BUCKET": "b", "MAX_UPLOAD_BYTES": "1e9"}).storage()
    assert Environment({"STORAGE_BUCKET": "b"}).storage().upload_bytes_max == 20 * 1024 * 1024
    task = {"CLUSTER": "c", "TASK_DEFINITION": "t", "SUBNETS": "a, b", "SECURITY_GROUPS": "s"}
    assert Environment(task).task().subnets == ("a", "b")
    with pytest.raises(SettingsError, match="SUBNETS"):
        Environment({**task, "SUBNETS": "a,,b"}).task()
    with pytest.raises(SettingsError, match="FARGATE, FARGATE_SPOT"):
        Environment({**task, "CAPACITY_PROVIDER": "EC2"}).task()
    rates = {
        "AWS_REGION": "us-east-1",
        "TASK_ARCHITECTURE": "X86_64",
        "TASK_CPU_UNITS": "2048",
        "TASK_MEMORY_MIB": "4096",
    }
    assert Environment(rates).rates() == RATE
    for name, value in (("AWS_REGION", "mars-1"), ("TASK_CPU_UNITS", "0"), ("TASK_CPU_UNITS", "²")):
        with pytest.raises(SettingsError):
            Environment({**rates, name: value}).rates()


CORE = ["money", "prices", "runs", "events", "problems", "settings", "gallery", "artifacts"]
CORE += [
    f"ledger.{name}" for name in ("state", "transitions", "codec", "store", "s3_store", "view")
]


def test_the_core_imports_the_standard_library_only() -> None:
    program = (
        f"import sys; import {', '.join('system.' + name for name in CORE)}; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    foreign = set(done.stdout.split()) - sys.stdlib_module_names - {"system", "__main__"}
    assert not foreign
