"""All cases."""

from __future__ import annotations

from tests.asl import (
    branches,
    choices,
    data_flow,
    errors,
    intrinsics,
    jsonata,
    simple_states,
    tasks,
    variables,
)
from tests.asl.cases import Case

CASES: list[Case] = [
    *simple_states.CASES,
    *data_flow.CASES,
    *choices.CASES,
    *intrinsics.CASES,
    *tasks.CASES,
    *errors.CASES,
    *branches.CASES,
    *jsonata.CASES,
    *variables.CASES,
]
