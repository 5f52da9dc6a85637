"""A number that many threads add to by compare-and-swap, in S3 or in DynamoDB, through boto3.

Whoever loses updates ends below the number of additions. Used by the benchmark and by the tests.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LOST = frozenset(
    {"PreconditionFailed", "ConditionalRequestConflict", "ConditionalCheckFailedException"}
)


class Counter(Protocol):
    """A shared number."""

    def read(self) -> tuple[int, Any]:
        """The number and what a write must be based on."""

    def write(self, value: int, seen: Any) -> None:
        """Replace what was seen; raises ClientError with a code of LOST when it has changed."""


class S3Counter:
    """A number in an object; the version is its ETag."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def make(self) -> None:
        """Put the first one."""
        self._client.put_object(Bucket=self._bucket, Key="n", Body=b"0", IfNoneMatch="*")

    def read(self) -> tuple[int, Any]:
        """The number and its ETag."""
        found = self._client.get_object(Bucket=self._bucket, Key="n")
        return int(found["Body"].read()), found["ETag"]

    def write(self, value: int, seen: Any) -> None:
        """If-Match."""
        body = str(value).encode()
        self._client.put_object(Bucket=self._bucket, Key="n", Body=body, IfMatch=seen)


class TableCounter:
    """A number in an item, which is its own version."""

    def __init__(self, client: Any, table: str) -> None:
        self._client, self._table = client, table

    def make(self) -> None:
        """Put the first one."""
        self._put(0, ConditionExpression="attribute_not_exists(id)")

    def read(self) -> tuple[int, Any]:
        """The number, twice."""
        found = self._client.get_item(
            TableName=self._table, Key={"id": {"S": "n"}}, ConsistentRead=True
        )
        value = int(found["Item"]["value"]["N"])
        return value, value

    def write(self, value: int, seen: Any) -> None:
        """With a condition on what was seen."""
        self._put(
            value,
            ConditionExpression="#value = :seen",
            ExpressionAttributeNames={"#value": "value"},
            ExpressionAttributeValues={":seen": {"N": str(seen)}},
        )

    def _put(self, value: int, **condition: Any) -> None:
        item = {"id": {"S": "n"}, "value": {"N": str(value)}}
        self._client.put_item(TableName=self._table, Item=item, **condition)


@dataclass(frozen=True)
class Race:
    """What came of it: additions that were acknowledged, the number at the end, lost races."""

    acknowledged: int
    counted: int
    conflicts: int

    @property
    def lost(self) -> int:
        """Updates that were acknowledged and are not there."""
        return self.acknowledged - self.counted


def race(make: Callable[[], Counter], *, threads: int = 16, additions: int = 20) -> Race:
    """Every thread adds one ``additions`` times, as fast as it can, with a client of its own.

    The interpreter switches threads every microsecond meanwhile, to meet the moments between a
    check and a write. Raises what a thread raised.
    """
    conflicts: list[int] = []
    done: list[int] = []
    failed: list[BaseException] = []

    def work(counter: Counter) -> None:
        try:
            for _ in range(additions):
                conflicts.append(_add(counter))
                done.append(1)
        except BaseException as error:  # noqa: BLE001 (handed to the caller below)
            failed.append(error)

    counters = [make() for _ in range(threads)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(counter,)) for counter in counters]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(before)
    if failed:
        raise failed[0]
    return Race(len(done), counters[0].read()[0], sum(conflicts))


def _add(counter: Counter) -> int:
    """Add one; returns how often another was faster."""
    conflicts = 0
    while True:
        value, seen = counter.read()
        try:
            counter.write(value + 1, seen)
        except ClientError as error:
            if error.response["Error"]["Code"] not in LOST:
                raise
            conflicts += 1
        else:
            return conflicts


def client(service: str, url: str, **config: Any) -> Any:
    """A boto3 client with the keys that every emulator knows, which repeats nothing by itself."""
    options: dict[str, Any] = {
        "retries": {"max_attempts": 0},
        "read_timeout": 60,
        "s3": {"addressing_style": "path"},
        **config,
    }
    return boto3.session.Session().client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**options),
    )


def counters(service: str, url: str, name: str) -> Callable[[], Counter]:
    """Make the counter ``name`` in ``s3`` or ``dynamodb``; a call gives a client's view of it."""
    first = client(service, url)
    kind: Any = S3Counter if service == "s3" else TableCounter
    if service == "s3":
        first.create_bucket(Bucket=name)
    else:
        first.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    kind(first, name).make()
    return lambda: kind(client(service, url), name)
