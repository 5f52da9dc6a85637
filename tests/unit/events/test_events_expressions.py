"""Schedule expressions; expectations from AWS's examples and the calendar."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from emulator.core.errors import AwsError
from emulator.events.expressions import parse


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def names(expression, start, count=1, zone="UTC"):
    times, moment, found = parse(expression, zone), at(start), []
    for _ in range(count):
        moment = times.after(moment, 0.0)
        found.append(datetime.fromtimestamp(moment, UTC).isoformat()[:16])
    return found


@pytest.mark.parametrize(
    ("expression", "start", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-03-01T10:00", ["2026-03-02T10:00", "2026-03-03T10:00"]),
        ("cron(15 12 * * ? *)", "2026-03-01T10:00", ["2026-03-01T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-03-06T18:00", ["2026-03-09T18:00"]),
        ("cron(0 8 1 * ? *)", "2026-03-01T08:00", ["2026-04-01T08:00"]),
        ("cron(0/15 * * * ? *)", "2026-03-01T10:01", ["2026-03-01T10:15", "2026-03-01T10:30"]),
        ("cron(0/30 20-2 ? * 2 *)", "2026-03-01T10:01", None),
        ("cron(0 9 ? * 2#1 *)", "2026-03-01T10:00", ["2026-03-02T09:00", "2026-04-06T09:00"]),
        ("cron(0 9 ? * FRIL *)", "2026-03-01T10:00", ["2026-03-27T09:00"]),
        ("cron(0 9 ? * 6L *)", "2026-03-01T10:00", ["2026-03-27T09:00"]),
        ("cron(0 9 ? * L *)", "2026-03-01T10:00", ["2026-03-07T09:00"]),
        ("cron(0 9 L * ? *)", "2026-02-01T10:00", ["2026-02-28T09:00", "2026-03-31T09:00"]),
        ("cron(0 9 LW * ? *)", "2026-02-01T10:00", ["2026-02-27T09:00"]),
        ("cron(0 9 1W * ? *)", "2026-02-10T10:00", ["2026-03-02T09:00"]),
        ("cron(0 9 15W * ? *)", "2026-03-01T10:00", ["2026-03-16T09:00"]),
        ("cron(0 0 29 FEB ? *)", "2026-03-01T10:00", ["2028-02-29T00:00"]),
        ("cron(0 12 ? JAN,JUL SUN 2027-2028)", "2026-03-01T10:00", ["2027-01-03T12:00"]),
        ("cron(0 12 ? * SAT-MON *)", "2026-03-04T00:00", ["2026-03-07T12:00", "2026-03-08T12:00"]),
    ],
)
def test_cron_names_the_right_times(expression, start, expected):
    if expected is None:
        with pytest.raises(AwsError, match="Invalid Schedule Expression"):
            parse(expression)
        return
    assert names(expression, start, len(expected)) == expected


def test_cron_follows_its_time_zone_and_leaves_out_the_hour_that_is_not_there():
    zone = "Europe/Berlin"
    assert names("cron(30 2 * * ? *)", "2026-03-28T00:00", 3, zone) == [
        "2026-03-28T01:30",
        "2026-03-30T00:30",
        "2026-03-31T00:30",
    ]
    # The hour that comes twice in autumn counts once.
    assert names("cron(30 2 * * ? *)", "2026-10-24T12:00", 2, zone) == [
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ]


def test_a_cron_of_the_past_names_no_time():
    assert parse("cron(0 0 1 1 ? 2020)").after(at("2026-01-01T00:00"), 0.0) is None


def test_a_rate_counts_from_its_start():
    times = parse("rate(5 minutes)")
    assert times.after(99.0, 100.0) == 100.0
    assert times.after(100.0, 100.0) == 400.0
    assert times.after(1000.0, 100.0) == 1300.0


def test_at_is_once_and_local():
    times = parse("at(2026-07-01T12:00:00)", "America/New_York")
    moment = at("2026-07-01T16:00")
    assert times.after(moment - 1, 0.0) == moment
    assert times.after(moment, 0.0) is None


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(five minutes)", "every day",
        "cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)",
        "cron(0 24 * * ? *)", "cron(0 10 32 * ? *)", "cron(0 10 ? * 8 *)", "cron(0/0 10 * * ? *)",
        "cron(0 10 * FOO ? *)", "cron(0 10 * * ? 1900)", "at(2026-13-01T00:00:00)", "at(soon)",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(expression):
    with pytest.raises(AwsError) as refused:
        parse(expression)
    assert refused.value.code == "ValidationException"


def test_an_unknown_time_zone_is_refused():
    with pytest.raises(AwsError, match="not a time zone"):
        parse("rate(1 minute)", "Mars/Olympus")
