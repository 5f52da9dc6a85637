"""The ledger's JSON: the same state back, and nothing else is ever taken for a ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.ledger import codec, transitions
from system.ledger.errors import LedgerCorruptError
from system.ledger.state import CLOSED_MAX, PAST_MAX, TOP_UPS_MAX, Ledger

NOW = 1_793_000_000.0
RUN, DIGEST = "1" * 32, "d" * 64


def ledger() -> Ledger:
    made = transitions.new_ledger(
        NOW, limit_microusd=10_000, runs_in_flight_max=4, spend_per_day_max_microusd=9_000
    )
    for n, cost in enumerate((300, 900, None)):
        made, _ = transitions.reserve(
            made, NOW, run_id=f"{n:032x}", digest=DIGEST, ceiling_microusd=500, lease_s=60
        )
        made, _ = transitions.settle(made, NOW, run_id=f"{n:032x}", cost_microusd=cost)
        made = transitions.acknowledge_overrun(made, NOW)
    made, _ = transitions.reserve(
        made, NOW, run_id=RUN, digest=DIGEST, ceiling_microusd=700, lease_s=60
    )
    made = transitions.top_up(made, NOW, request_id="r", amount_microusd=5)
    return transitions.roll_over(made, NOW + 40 * 86_400)


def resealed(document: dict[str, Any]) -> bytes:
    """The document with a checksum that fits: what a forger with our code would write."""
    rest = {k: v for k, v in document.items() if k != "checksum"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "checksum": hashlib.sha256(text.encode()).hexdigest()}).encode()


def test_a_ledger_comes_back_as_it_was() -> None:
    assert codec.decode(codec.encode(ledger())) == ledger()
    assert codec.encode(ledger()) == codec.encode(ledger())


@given(place=st.integers(0, 10_000), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_fails_closed(place: int, byte: int) -> None:
    body = bytearray(codec.encode(ledger()))
    place %= len(body)
    if body[place] == byte:
        return
    body[place] = byte
    with pytest.raises(LedgerCorruptError):
        codec.decode(bytes(body))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_else_fails_closed(body: bytes) -> None:
    with pytest.raises(LedgerCorruptError):
        codec.decode(body)


@given(cut=st.integers(0, 3_000))
@settings(deadline=None)
def test_a_truncated_ledger_fails_closed(cut: int) -> None:
    body = codec.encode(ledger())
    with pytest.raises(LedgerCorruptError):
        codec.decode(body[: cut % len(body)])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("schema", 2),
        ("schema", True),
        ("limit_microusd", -1),
        ("limit_microusd", 1.5),
        ("limit_microusd", "10"),
        ("limit_microusd", True),
        ("limit_microusd", None),
        ("spent_microusd", -5),
        ("available_microusd", 1),
        ("reserved_microusd", 1),
        ("runs_in_flight_max", 101),
        ("period", "2026-13"),
        ("period", "2027-01\n"),
        ("day", "tomorrow"),
        ("open", {}),
        ("open", [[1, 2]]),
        ("open", [["x" * 32, DIGEST, 1, 1, 2, "2026-12", "2026-12-05"]]),
        ("closed", [[RUN, DIGEST, "lost", 0, 0, 1]]),
        ("closed", [[RUN, DIGEST, "released", 5, 0, 1]]),
        ("closed", [[RUN, DIGEST, "settled", 5, 6, 1]]),
        ("closed", [[RUN, DIGEST, "settled", 5, 0, 1]]),
        ("past", [["2026-12", 1, 1]]),
        ("top_ups", [1]),
        ("sequence", 0),
        ("surprise", 1),
    ],
)
def test_a_member_that_cannot_be_fails_closed_even_with_a_checksum(
    member: str, value: object
) -> None:
    document = json.loads(codec.encode(ledger()))
    assert codec.decode(resealed(document)) == ledger()
    with pytest.raises(LedgerCorruptError):
        codec.decode(resealed({**document, member: value}))


def test_a_missing_member_and_a_doubled_one_fail_closed() -> None:
    document = json.loads(codec.encode(ledger()))
    del document["overrun_microusd"]
    with pytest.raises(LedgerCorruptError):
        codec.decode(resealed(document))
    body = codec.encode(ledger())
    with pytest.raises(LedgerCorruptError):
        codec.decode(body.replace(b'"sequence":1', b'"sequence":1,"sequence":1', 1))


def test_too_large_a_ledger_is_refused_unread() -> None:
    with pytest.raises(LedgerCorruptError, match="bytes"):
        codec.decode(b" " * (codec.BYTES_MAX + 1))


def test_a_state_that_breaks_an_invariant_is_never_written() -> None:
    with pytest.raises(LedgerCorruptError):
        codec.encode(replace(ledger(), spent_microusd=-1))
    twice = ledger().open * 2
    with pytest.raises(LedgerCorruptError, match="twice"):
        codec.encode(replace(ledger(), open=twice))


def test_its_size_is_bounded_and_the_oldest_are_forgotten_first() -> None:
    made = transitions.new_ledger(
        NOW,
        limit_microusd=10**9,
        runs_in_flight_max=100,
        spend_per_day_max_microusd=10**9,
    )
    for n in range(CLOSED_MAX + 20):
        run = f"{n:032x}"
        made, _ = transitions.reserve(
            made, NOW + n, run_id=run, digest=DIGEST, ceiling_microusd=10, lease_s=60
        )
        made, _ = transitions.settle(made, NOW + n, run_id=run, cost_microusd=9)
        made = transitions.top_up(made, NOW + n, request_id=f"r{n}", amount_microusd=1)
    assert len(made.closed) == CLOSED_MAX
    assert len(made.top_ups) == TOP_UPS_MAX
    assert made.tombstone(f"{19:032x}") is None
    assert made.tombstone(f"{20:032x}") is not None
    assert made.spent_microusd == 9 * (CLOSED_MAX + 20)
    for month in range(PAST_MAX + 10):
        made = transitions.roll_over(made, NOW + (month + 1) * 31 * 86_400)
    assert len(made.past) == PAST_MAX
    assert len(codec.encode(made)) < 150_000


def test_a_period_is_kept_while_a_reservation_must_settle_in_it() -> None:
    made = transitions.new_ledger(
        NOW, limit_microusd=100, runs_in_flight_max=1, spend_per_day_max_microusd=100
    )
    first = made.period
    made, _ = transitions.reserve(
        made, NOW, run_id=RUN, digest=DIGEST, ceiling_microusd=50, lease_s=60
    )
    for month in range(PAST_MAX + 10):
        made = transitions.roll_over(made, NOW + (month + 1) * 31 * 86_400)
    made, settled = transitions.settle(made, NOW, run_id=RUN, cost_microusd=40)
    assert settled.charged_microusd == 40
    assert {p.period: p.spent_microusd for p in made.past}[first] == 40
    assert made.spent_microusd == 0
    codec.encode(made)
