"""Checks answers against botocore's model of the API: members, types, enums, required ones."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import botocore.loaders
import botocore.model


@lru_cache(maxsize=1)
def _model() -> Any:
    document = botocore.loaders.Loader().load_service_model("stepfunctions", "service-2")
    return botocore.model.ServiceModel(document)


def conforming(operation: str, answer: dict[str, Any]) -> None:
    """Assert that ``answer`` is what the API's model says of ``operation``."""
    shape = _model().operation_model(operation).output_shape
    _check(shape, answer, operation)


def _check(shape: Any, value: Any, where: str) -> None:
    kind = shape.type_name
    if kind == "structure":
        assert isinstance(value, dict), where
        assert set(value) <= set(shape.members), (where, set(value) - set(shape.members))
        assert set(shape.required_members) <= set(value), where
        for key, item in value.items():
            _check(shape.members[key], item, f"{where}.{key}")
    elif kind == "list":
        assert isinstance(value, list), where
        for index, item in enumerate(value):
            _check(shape.member, item, f"{where}[{index}]")
    elif kind == "map":
        assert isinstance(value, dict), where
        for key, item in value.items():
            _check(shape.value, item, f"{where}[{key}]")
    elif kind == "string":
        assert isinstance(value, str), (where, value)
        assert not shape.enum or value in shape.enum, (where, value)
    elif kind in {"timestamp", "double", "float"}:
        assert isinstance(value, int | float), (where, value)
    elif kind in {"integer", "long"}:
        assert isinstance(value, int), (where, value)
        assert not isinstance(value, bool), (where, value)
    elif kind == "boolean":
        assert isinstance(value, bool), (where, value)
