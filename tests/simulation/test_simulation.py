"""The simulation itself: the same seed is the same world, a failure becomes a short story."""

from __future__ import annotations

from decimal import Decimal

from click.testing import CliRunner

from emulator.simulation import cli
from emulator.simulation.bill import besides_microusd, ceiling_microusd, longest_transitions
from emulator.simulation.plan import Plan, Visit, draw
from emulator.simulation.play import play
from emulator.simulation.shrink import shrink
from tests.mutations.mutations import MUTATIONS


def mutation(name: str):
    return next(m for m in MUTATIONS if m.name == name)


def test_a_seed_is_the_same_world_every_time() -> None:
    for seed in (3, 7, 11):
        first, second = play(draw(seed)), play(draw(seed))
        assert first.story() == second.story()
        assert first.trace
        assert (first.calls, first.virtual_s) == (second.calls, second.virtual_s)


def test_seeds_differ() -> None:
    assert len({draw(seed).story() for seed in range(50)}) == 50


def test_a_plan_has_up_to_twenty_runs_and_faults_of_many_kinds() -> None:
    plans = [draw(seed) for seed in range(400)]
    assert all(1 <= plan.runs <= 20 for plan in plans)
    effects = {trouble.rule.effect for plan in plans for trouble in plan.troubles}
    assert len(effects) == 13
    assert any(plan.calm for plan in plans)
    assert len({plan.epoch for plan in plans}) == 3


def test_a_failure_shrinks_to_what_it_needs_and_replays() -> None:
    bug = mutation("money is freed while the task stops")
    plan = draw(0)
    with bug.patch():
        failure = play(plan).name
        assert failure
        small = shrink(plan, failure, lambda p: play(p).name)
        report = play(small)
        assert report.name == failure
        assert small.runs == 1
        assert len(small.happenings) < len(plan.happenings)
        assert play(small).story() == report.story()
    story = report.story()
    assert "VIOLATED money is freed only for tasks that are over" in story
    assert len(story.splitlines()) < 40


def test_shrinking_needs_the_same_failure() -> None:
    visits = tuple(Visit(float(n), n, "draft", 64, stop_after=1.0) for n in range(1, 9))
    plan = Plan(1, 0.0, visits)

    def failure_of(given: Plan) -> str | None:
        numbers = {h.number for h in given.happenings if isinstance(h, Visit)}
        return "both" if {3, 6} <= numbers else "one" if numbers else None

    small = shrink(plan, "both", failure_of)
    assert [h.number for h in small.happenings if isinstance(h, Visit)] == [3, 6]
    assert all(h.stop_after is None for h in small.happenings if isinstance(h, Visit))


def test_the_bill_counts_from_awss_price_list_by_itself() -> None:
    # 2 vCPU, 4 GB and an address for 330 s: by hand from the hourly prices.
    by_hand = (2 * 0.04048 + 4 * 0.004445 + 0.005) / 3600 * 330 * 1e6
    assert ceiling_microusd(30, Decimal(2), Decimal(4)) == int(by_hand)
    assert besides_microusd(0, 0, 0) == 283
    assert besides_microusd(40, 0, 0) == 1283


def test_the_longest_way_through_a_workflow_counts_every_retry() -> None:
    states = {
        "A": {"Type": "Task", "Retry": [{"MaxAttempts": 3}, {"MaxAttempts": 5}]},
        "B": {"Type": "Pass"},
        "Good": {"Type": "Succeed"},
        "Bad": {"Type": "Fail"},
    }
    assert longest_transitions(states) == 2 + 3 + 5


def test_the_command_lives_many_worlds_and_says_so() -> None:
    ended = CliRunner().invoke(cli.simulate, ["--seeds", "4", "--first", "20"])
    assert ended.exit_code == 0, ended.output
    assert "4 worlds" in ended.output
    assert "0 failed" in ended.output


def test_the_command_tells_the_story_of_a_failure() -> None:
    with mutation("a failure has no sentence").patch():
        ended = CliRunner().invoke(cli.simulate, ["--seeds", "1"])
    assert ended.exit_code == 1
    assert "a visitor can read how a run ended" in ended.output


def test_the_command_replays_a_seed() -> None:
    ended = CliRunner().invoke(cli.simulate, ["--replay", "2"])
    assert ended.exit_code == 0
    assert ended.output.startswith("seed 2\n")
    assert "all is well" in ended.output
