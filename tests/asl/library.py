"""All cases."""

from __future__ import annotations

from tests.asl import (
    catches,
    choices,
    context_object,
    data_flow,
    definitions,
    error_names,
    intrinsics,
    jsonata,
    map_failures,
    maps,
    parallels,
    query_faults,
    retries,
    simple_states,
    tasks,
    thresholds,
    timeouts,
    variables,
)
from tests.asl.cases import Case

CASES: list[Case] = [
    *simple_states.CASES,
    *data_flow.CASES,
    *context_object.CASES,
    *choices.CASES,
    *intrinsics.CASES,
    *tasks.CASES,
    *timeouts.CASES,
    *retries.CASES,
    *catches.CASES,
    *error_names.CASES,
    *parallels.CASES,
    *maps.CASES,
    *map_failures.CASES,
    *thresholds.CASES,
    *jsonata.CASES,
    *query_faults.CASES,
    *variables.CASES,
    *definitions.CASES,
]
