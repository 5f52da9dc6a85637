"""DynamoDB as the ledger uses it, in memory: two calls, two conditions, atomic."""

from __future__ import annotations

import threading
from typing import Any

from tests.unit.system.fake_s3 import client_error


class FakeDynamoDb:
    """Items by table and key. A condition that the ledger does not use is a mistake of the test."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def get_item(self, **params: Any) -> dict[str, Any]:
        assert params["ConsistentRead"] is True
        found = self.items.get((params["TableName"], params["Key"]["id"]["S"]))
        return {} if found is None else {"Item": dict(found)}

    def put_item(self, **params: Any) -> dict[str, Any]:
        at = params["TableName"], params["Item"]["id"]["S"]
        with self._lock:
            there = self.items.get(at)
            if not _holds(params, there):
                raise client_error("ConditionalCheckFailedException", 400, "PutItem")
            self.items[at] = dict(params["Item"])
        return {}


def _holds(params: dict[str, Any], there: dict[str, Any] | None) -> bool:
    names = params.get("ExpressionAttributeNames", {})
    condition = params.get("ConditionExpression")
    if condition is None:
        return True
    if condition == "attribute_not_exists(#key)":
        assert names == {"#key": "id"}
        return there is None
    assert condition == "#version = :expected", condition
    assert names == {"#version": "version"}
    expected = params["ExpressionAttributeValues"][":expected"]
    return there is not None and there["version"] == expected
