"""All cases."""

from __future__ import annotations

from tests.asl import branches, choices, data_flow, errors, intrinsics, simple_states, tasks
from tests.asl.cases import Case

CASES: list[Case] = [
    *simple_states.CASES,
    *data_flow.CASES,
    *choices.CASES,
    *intrinsics.CASES,
    *tasks.CASES,
    *errors.CASES,
    *branches.CASES,
]
