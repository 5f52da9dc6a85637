"""What is kept of paintings: it holds for the same pictures, maker and judge, and for no others."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nst import __main__ as benchmark
from benchmarks.nst import measure, peers, pictures, previous, recipes, records, work
from benchmarks.nst.folder import Folder
from benchmarks.nst.measure import Cost, Marks
from benchmarks.nst.paint import BEST, CROWSONKB, GOOD, INSTANT, LITE, PREVIOUS, TUTORIAL
from benchmarks.nst.pictures import CONTENTS, GRID, GRID_STYLES, PAIRS, SIZE
from benchmarks.nst.recipes import Job, jobs, maker, own
from worker.engine import Picture, encode

COST = Cost(cpu_s=700.0, peak_mib=900, evaluations=300, dtype="float32")


@pytest.fixture
def sources() -> tuple[Picture, Picture]:
    rng = np.random.default_rng(0)
    return rng.random((48, 64, 3), dtype=np.float32), rng.random((64, 48, 3), dtype=np.float32)


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    return tmp_path / "records"


@pytest.fixture
def painters(monkeypatch, sources) -> list[str]:
    """Paint and judge without an engine; give what was painted, as a list that grows."""
    painted: list[str] = []

    def run(recipe, files, size=SIZE, threads=2, root=None) -> Cost:
        painted.append(f"{recipe} {size} {threads}")
        files[2].write_bytes(encode(sources[0] if recipe == GOOD else sources[0] * 0.5))
        return COST

    monkeypatch.setattr(measure, "run", run)
    monkeypatch.setattr(measure, "judge", lambda *_, **__: Marks(likeness=0.5, mottling=1.0))
    monkeypatch.setattr(work, "sources", lambda _, size=SIZE: sources)
    monkeypatch.setattr(peers, "sources", lambda _, size=SIZE: sources)
    return painted


def test_every_photograph_is_painted_in_every_style_and_the_six_pairs_first() -> None:
    assert len(set(GRID)) == len(GRID) == 36
    assert {pair.content for pair in PAIRS} == set(CONTENTS)
    assert {pair.style for pair in PAIRS} == set(GRID_STYLES)
    wanted = jobs((SIZE,), (INSTANT, GOOD, BEST))
    assert [job.pair for job in wanted if job.recipe == GOOD][:6] == list(PAIRS)
    assert sum(job.recipe == GOOD for job in wanted) == 36
    assert sum(job.recipe == BEST for job in wanted) == 6
    large = jobs((1024, 2048), (INSTANT, GOOD, BEST))
    assert [(job.recipe, job.size) for job in large] == [(GOOD, 1024)] * 6 + [(GOOD, 2048)] * 6
    assert len(jobs((SIZE,), (GOOD,), 2)) == 2


def test_a_peer_that_is_not_installed_is_not_painted(monkeypatch) -> None:
    def version(package: str) -> str:
        raise recipes.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(recipes.metadata, "version", version)
    assert LITE not in own()
    assert GOOD in own()


def test_a_painting_is_made_once_and_again_when_its_engine_or_picture_is_another(
    painters, sources, tmp_path, monkeypatch
) -> None:
    folder = Folder(tmp_path)
    job = Job(PAIRS[0], GOOD)
    assert work.remaining([job], folder) == [job]
    made = work.paint(job, folder)
    assert (made.cost, made.marks.likeness) == (COST, 0.5)
    assert work.remaining([job], Folder(tmp_path)) == []
    assert Folder(tmp_path).found(job, *sources) == made
    assert not folder.has(job, sources[1], sources[0])
    monkeypatch.setattr(recipes, "maker", lambda _: "another engine")
    assert work.remaining([job], folder) == [job]


def test_a_painting_that_was_overwritten_is_made_again(painters, sources, tmp_path) -> None:
    folder = Folder(tmp_path)
    job = Job(PAIRS[0], GOOD)
    work.paint(job, folder)
    folder.painting(job).write_bytes(encode(sources[1]))
    assert work.remaining([job], folder) == [job]
    folder.painting(job).unlink()
    assert work.remaining([job], folder) == [job]


def test_another_judge_gives_new_marks_without_a_new_painting(
    painters, sources, tmp_path, monkeypatch
) -> None:
    folder = Folder(tmp_path)
    job = Job(PAIRS[0], GOOD)
    work.paint(job, folder)
    monkeypatch.setattr(measure, "judge", lambda *_, **__: Marks(likeness=0.9))
    before = folder.found(job, *sources)
    monkeypatch.setattr(recipes, "judge", lambda: "another judge")
    after = folder.found(job, *sources)
    assert before is not None
    assert after is not None
    assert (before.marks.likeness, after.marks.likeness) == (0.5, 0.9)
    assert after.cost == COST
    assert painters == [f"{GOOD} {SIZE} 2"]


def test_the_engine_s_fingerprint_sees_a_change_in_its_files(tmp_path, monkeypatch) -> None:
    for part in ("engine", "weights"):
        (tmp_path / "worker" / part).mkdir(parents=True)
    source = tmp_path / "worker" / "engine" / "losses.py"
    source.write_text("WEIGHT = 1\n")
    at_once = source.with_name("instant.py")
    at_once.write_text("SHIFTS = 1\n")
    monkeypatch.setattr(recipes, "ROOT", tmp_path)
    found = []
    for text in ("WEIGHT = 1\n", "WEIGHT = 2\n", "WEIGHT = 1\n"):
        source.write_text(text)
        recipes._engine.cache_clear()
        found.append(maker(GOOD))
    assert found[0] == found[2] != found[1]
    before = maker(INSTANT)
    at_once.write_text("SHIFTS = 2\n")
    recipes._engine.cache_clear()
    assert maker(INSTANT) != before
    assert maker(GOOD) == found[0], "other recipes are not made by it"
    recipes._engine.cache_clear()


def test_the_estimate_learns_from_what_was_painted(painters, sources, tmp_path) -> None:
    folder = Folder(tmp_path)
    wanted = [Job(pair, GOOD) for pair in PAIRS]
    guess = work.estimate(wanted, folder)
    assert guess == 6 * (recipes.EXPECTED_CPU_S[GOOD] + recipes.JUDGE_CPU_S)
    work.paint(wanted[0], folder)
    assert work.estimate(wanted, folder) == 6 * (COST.cpu_s + recipes.JUDGE_CPU_S)
    larger = [Job(PAIRS[0], GOOD, 1024)]
    assert work.estimate(larger, folder) > recipes.EXPECTED_CPU_S[GOOD] * 4


def test_a_record_holds_for_its_own_pictures_alone(kept, painters, sources, tmp_path) -> None:
    content, style = sources
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(content))
    job = Job(PAIRS[0], TUTORIAL)
    records.keep(job, content, style, painting, (COST, "a commit"))
    assert records.known(job, content, style) == (COST, Marks(likeness=0.5, mottling=1.0))
    assert records.known(job, style, content) is None
    assert records.known(Job(PAIRS[1], TUTORIAL), content, style) is None
    assert records.known(Job(PAIRS[0], TUTORIAL, 1024), content, style) is None
    assert records.known(Job(PAIRS[0], CROWSONKB), content, style) is None
    written = json.loads((kept / "tutorial.json").read_text())["paintings"][PAIRS[0].name]
    assert written["made_by"] == "a commit"


def test_marks_are_taken_anew_from_the_same_painting_only(
    kept, painters, sources, tmp_path, monkeypatch
) -> None:
    content, style = sources
    painting = tmp_path / "painting.png"
    painting.write_bytes(encode(content))
    job = Job(PAIRS[0], TUTORIAL)
    assert not records.again(job, content, style, painting)
    records.keep(job, content, style, painting, (COST, "a commit"))
    monkeypatch.setattr(measure, "judge", lambda *_, **__: Marks(likeness=0.9))
    assert records.again(job, content, style, painting)
    found = records.known(job, content, style)
    assert found is not None
    assert found[1].likeness == 0.9
    painting.write_bytes(encode(style))
    assert not records.again(job, content, style, painting)


def test_records_are_made_once_on_one_thread_and_what_was_measured_besides_stays(
    kept, painters, sources, tmp_path
) -> None:
    records.write(TUTORIAL, {"paintings": {}, "float32": {"cpu_s": 1}})
    folder = Folder(tmp_path / "results")
    peers.make(TUTORIAL, folder, count=2)
    peers.make(TUTORIAL, folder, count=3)
    assert painters == [f"{TUTORIAL} {SIZE} 1"] * 3
    found = records.read(TUTORIAL)
    assert list(found["paintings"]) == sorted(pair.name for pair in PAIRS[:3])
    assert found["float32"] == {"cpu_s": 1}
    assert [each.job for each in work.recorded(folder)] == [
        Job(pair, TUTORIAL) for pair in PAIRS[:3]
    ]


def test_a_record_of_one_pair_alone_can_be_made(kept, painters, tmp_path) -> None:
    folder, last = Folder(tmp_path / "results"), PAIRS[-1].name
    peers.make(TUTORIAL, folder, 1024, only=[last])
    assert painters == [f"{TUTORIAL} 1024 1"]
    assert list(records.read(TUTORIAL)["paintings"]) == [f"{last}-1024"]


def test_the_previous_engine_is_checked_out_and_leaves_nothing_behind(
    tmp_path, monkeypatch
) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.check_output(command, cwd=tmp_path, text=True)

    monkeypatch.setattr(previous, "ROOT", tmp_path)
    git("init", "--quiet")
    engine, paint = tmp_path / "engine.py", tmp_path / "benchmarks/nst/paint.py"
    paint.parent.mkdir(parents=True)
    for version in ("old", "new"):
        engine.write_text(version)
        paint.write_text(version)
        git("add", ".")
        git("commit", "--quiet", "--message", version)
    with previous.checkout("HEAD~1") as tree:
        assert (tree / "engine.py").read_text() == "old"
        assert (tree / "benchmarks/nst/paint.py").read_text() == "new"  # it asks for a size
        assert engine.read_text() == "new"
    assert not tree.exists()
    assert len(git("worktree", "list").splitlines()) == 1


def test_the_previous_engine_is_recorded_as_its_good_over_all_pairs(
    kept, painters, sources, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(previous, "checkout", lambda: peers.contextlib.nullcontext(tmp_path))
    peers.make(PREVIOUS, Folder(tmp_path / "results"), count=1)
    assert painters == [f"{GOOD} {SIZE} 1"]
    assert set(peers.pairs(PREVIOUS)) == set(GRID)
    assert peers.pairs(PREVIOUS, 1024) == PAIRS
    record = records.read(PREVIOUS)["paintings"][PAIRS[0].name]
    assert record["made_by"] == previous.COMMIT


def test_the_committed_records_are_of_the_pictures_that_are_measured() -> None:
    kept = {job: records.known(job, *work.sources(job.pair, job.size)) for job in work.recordable()}
    for recipe in recipes.RECORDED:
        mine = [record for job, record in kept.items() if job.recipe == recipe and record]
        assert len(mine) == len(records.read(recipe)["paintings"]) > 0
        assert all(marks.held_out_covariance is not None for _, marks in mine)


def test_a_run_goes_on_where_it_stopped_and_a_try_leaves_the_docs_alone(
    kept, painters, tmp_path, monkeypatch, capsys
) -> None:
    written: list[str] = []
    monkeypatch.setattr(benchmark, "write_section", lambda name, _: written.append(name))
    monkeypatch.setattr(recipes, "_version", lambda _: "absent")
    run = ["--out", str(tmp_path), "--pairs", "2", "--recipes", "good"]
    benchmark.main([*run, "--plan"])
    assert painters == []
    benchmark.main(run)
    assert len(painters) == 2
    benchmark.main(run)
    assert len(painters) == 2
    assert "2 paintings, 0 to be made" in capsys.readouterr().out
    assert written == []
    assert (tmp_path / "contact-sheet.jpg").exists()
    benchmark.main(["--out", str(tmp_path)])
    assert len(painters) == 3 * 36 + 6
    assert written == ["nst"]


def test_face_boxes_are_of_photographs_that_are_painted() -> None:
    assert set(pictures.FACES) <= set(CONTENTS)
    for left, top, right, bottom in pictures.FACES.values():
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
