"""Where a ledger can live, for one suite: a store, its client, and a way behind its back."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from handlers.aws import Clients
from system.ledger.dynamodb_store import DynamoDbLedgerStore
from system.ledger.s3_store import KEY, S3LedgerStore
from system.ledger.store import LedgerStore
from system.settings import Environment
from tests.unit.system.fake_dynamodb import FakeDynamoDb
from tests.unit.system.fake_s3 import FakeS3, client_error

NUMBERS = itertools.count()
WRITES = frozenset({"put_object", "put_item"})
FAULTS = {
    "s3": {"conflict": ("ConditionalRequestConflict", 409), "busy": ("SlowDown", 503)},
    "dynamodb": {
        "conflict": ("ConditionalCheckFailedException", 400),
        "busy": ("ProvisionedThroughputExceededException", 400),
    },
}
OTHERS = {"refused": ("AccessDeniedException", 403), "broken": ("InternalError", 500)}


@dataclass
class Faulty:
    """A client whose writes fail as told, one fault a write, and which remembers them.

    ``"busy"``, ``"conflict"``, ``"refused"``, ``"broken"`` come before the effect,
    ``"lost reply"`` and ``"broken after"`` come after it.
    """

    service: str
    client: Any
    faults: list[str | None] = field(default_factory=list)
    writes: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self.client, name)
        return (lambda **params: self._write(name, call, params)) if name in WRITES else call

    def _write(self, name: str, call: Callable[..., Any], params: dict[str, Any]) -> Any:
        self.writes.append(params)
        fault = self.faults.pop(0) if self.faults else None
        known = {**FAULTS[self.service], **OTHERS}
        if fault in known:
            raise client_error(*known[fault], name)
        answer = call(**params)
        if fault == "lost reply":
            raise ReadTimeoutError(endpoint_url="https://aws")
        if fault == "broken after":
            raise client_error("InternalError", 500, name)
        assert fault is None, fault
        return answer


@dataclass
class Home:
    """One place that keeps a ledger; ``conditional`` says whether a write's parameters are."""

    client: Faulty
    store: LedgerStore
    plant: Callable[[bytes], None]
    """Put bytes there behind the store's back."""
    raw: Callable[[], bytes]
    conditional: Callable[[dict[str, Any]], bool]
    another: Callable[[], LedgerStore]
    """A store over the same place with a client of its own."""


def in_s3(client: Any, bucket: str, more: Callable[[], Any]) -> Home:
    faulty = Faulty("s3", client)

    def raw() -> bytes:
        return bytes(client.get_object(Bucket=bucket, Key=KEY)["Body"].read())

    return Home(
        client=faulty,
        store=S3LedgerStore(faulty, bucket),
        plant=lambda body: client.put_object(Bucket=bucket, Key=KEY, Body=body),
        raw=raw,
        conditional=lambda put: ("IfMatch" in put) != ("IfNoneMatch" in put),
        another=lambda: S3LedgerStore(more(), bucket),
    )


def in_dynamodb(client: Any, table: str, more: Callable[[], Any]) -> Home:
    faulty = Faulty("dynamodb", client)

    def plant(body: bytes) -> None:
        version = hashlib.sha256(body).hexdigest()
        item = {"id": {"S": "ledger"}, "version": {"S": version}, "state": {"B": body}}
        client.put_item(TableName=table, Item=item)

    def raw() -> bytes:
        answer = client.get_item(TableName=table, Key={"id": {"S": "ledger"}}, ConsistentRead=True)
        return bytes(answer["Item"]["state"]["B"])

    return Home(
        client=faulty,
        store=DynamoDbLedgerStore(faulty, table),
        plant=plant,
        raw=raw,
        conditional=lambda put: bool(put.get("ConditionExpression")),
        another=lambda: DynamoDbLedgerStore(more(), table),
    )


@contextlib.contextmanager
def home(kind: str, aws_url: str | None) -> Iterator[Home]:
    """A fresh home: ``s3`` or ``dynamodb``, of fakes, or over HTTP at ``aws_url``."""
    if aws_url is None:
        fake: Any = FakeS3() if kind == "s3" else FakeDynamoDb()
        made = in_s3 if kind == "s3" else in_dynamodb
        yield made(fake, "budget", lambda: fake)
        return
    name = f"budget-{next(NUMBERS)}"
    with contextlib.ExitStack() as ends:

        def client() -> Any:
            return closing(ends, sdk_client(kind, aws_url))

        first = client()
        if kind == "s3":
            first.create_bucket(Bucket=name)
            yield in_s3(first, name, client)
        else:
            make_table(first, name)
            yield in_dynamodb(first, name, client)


def closing(ends: contextlib.ExitStack, client: Any) -> Any:
    ends.callback(client.close)
    return client


def sdk_client(service: str, aws_url: str, *, connections: int = 10) -> Any:
    """The functions' own client, with keys that every emulator knows."""
    clients = Clients(Environment({"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": aws_url}))
    clients._session = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    if connections == 10:  # the SDK's own
        return clients(service)
    return clients._session.client(
        service,
        endpoint_url=aws_url,
        config=Config(
            max_pool_connections=connections, s3={"addressing_style": "path"}, read_timeout=60
        ),
    )


def make_table(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
