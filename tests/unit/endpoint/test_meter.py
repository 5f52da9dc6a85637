"""The meter of the endpoint's requests."""

from __future__ import annotations

import pytest

from emulator.endpoint import meter
from emulator.endpoint.meter import Meter


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's clock, to be set."""
    now = [100.0]
    monkeypatch.setattr(meter.time, "monotonic", lambda: now[0])
    return now


def test_requests_are_counted_by_service(machine: list[float]) -> None:
    counted = Meter()
    for service, seconds in (("s3", 1.0), ("iam", 2.0), ("s3", 0.5)):
        with counted.answering(service):
            machine[0] += seconds
        machine[0] += 10
    read = counted.read()
    assert read["requests"] == 3
    assert read["seconds"] == pytest.approx(3.5)
    assert read["services"]["s3"] == {"requests": 2, "seconds": 1.5}


def test_time_in_which_two_are_answered_is_busy_once(machine: list[float]) -> None:
    counted = Meter()
    with counted.answering("s3"):
        machine[0] += 1
        with counted.answering("ec2"):
            machine[0] += 2
        machine[0] += 1
    assert (counted.read()["seconds"], counted.read()["busy_s"]) == (6.0, 4.0)


def test_a_request_that_fails_counts_as_well(machine: list[float]) -> None:
    counted = Meter()

    def fail() -> None:
        with counted.answering("s3"):
            machine[0] += 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert counted.read()["busy_s"] == 1.0
