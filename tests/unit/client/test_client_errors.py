from __future__ import annotations

import pytest

from system import problems
from system.client import errors


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("InvalidRequest", errors.InvalidInputError),
        ("BudgetExhausted", errors.RefusedError),
        ("DailyLimitReached", errors.RefusedError),
        ("TooManyRuns", errors.RefusedError),
        ("BudgetUnavailable", errors.RefusedError),
        ("RunConflict", errors.InvalidInputError),
        ("UploadMissing", errors.InvalidInputError),
        ("RunNotFound", errors.NotFoundError),
        ("NoCapacity", errors.ServerFailedError),
        ("InternalError", errors.ServerFailedError),
    ],
)
def test_every_problem_has_its_exception(name: str, kind: type[errors.ClientError]) -> None:
    document = problems.document(name)
    found = errors.from_problem(document["status"], document)
    assert type(found) is kind
    assert str(found) == f"{document['title']}: {document['detail']}"
    assert found.code == document["code"]


def test_what_a_server_says_cannot_steer_a_terminal() -> None:
    said = {"title": "Oh\x1b[2J", "detail": "x" * 5_000}
    found = errors.from_problem(500, said)
    assert "\x1b" not in str(found)
    assert len(str(found)) < 1_100


@pytest.mark.parametrize("document", [{}, {"title": 7, "detail": None, "code": []}])
def test_a_document_that_says_nothing_is_still_a_sentence(document: dict[str, object]) -> None:
    found = errors.from_problem(502, document)
    assert isinstance(found, errors.ServerFailedError)
    assert "502" in str(found)
    assert found.code == "internal-error"


def test_a_run_that_ended_says_why_or_has_a_sentence() -> None:
    problem = problems.document("PictureRefused", "The picture is cut off.")
    assert "The picture is cut off." in str(errors.RunFailedError(problem))
    assert str(errors.RunFailedError(None)) == errors.RunFailedError.default
    assert str(errors.RunStoppedError({})) == errors.RunStoppedError.default
