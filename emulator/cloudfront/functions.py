"""CloudFront Functions: code with a development and a live stage.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_PublishFunction.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator.cloudfront.policies import paged, size_of
from emulator.cloudfront.records import Record, Records
from emulator.core import ids
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NotSupported

CODE_BYTES_MAX = 10_240
RUNTIMES = frozenset({"cloudfront-js-1.0", "cloudfront-js-2.0"})
DEVELOPMENT, LIVE = "DEVELOPMENT", "LIVE"


class Functions:
    """Functions by name; ``published`` hears of new live code (ARN, code or None)."""

    def __init__(
        self,
        clock: Clock,
        in_use: Callable[[str], bool],
        published: Callable[[str, str | None], None],
    ) -> None:
        self._in_use = in_use
        self._published = published
        self.records = Records(clock, "NoSuchFunctionExists", "Function")

    def operations(self) -> Iterator[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]]:
        """The API's operations, by name."""
        yield "CreateFunction", self.create
        yield "DescribeFunction", self.describe
        yield "GetFunction", self.get
        yield "UpdateFunction", self.update
        yield "PublishFunction", self.publish
        yield "DeleteFunction", self.delete
        yield "ListFunctions", self.list

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """Keep a new function in its development stage."""
        name = params["Name"]
        if any(record.id == name for record in self.records):
            raise AwsError("FunctionAlreadyExists", f"The function {name} exists.", 409)
        config = _checked(params)
        record = self.records.add(name, config)
        record.tags = {
            t["Key"]: t.get("Value", "") for t in params.get("Tags", {}).get("Items", [])
        }
        record.more = {
            "code": bytes(params["FunctionCode"]),
            "live": None,
            "created": record.modified,
        }
        return {
            "FunctionSummary": _summary(record, DEVELOPMENT),
            "Location": f"/2020-05-31/function/{name}",
            "ETag": record.etag,
        }

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """The summary of a stage."""
        record = self.records.get(params["Name"])
        stage = params.get("Stage") or DEVELOPMENT
        self._code(record, stage)
        return {"FunctionSummary": _summary(record, stage), "ETag": _etag(record, stage)}

    def get(self, params: dict[str, Any]) -> dict[str, Any]:
        """The code of a stage."""
        record = self.records.get(params["Name"])
        stage = params.get("Stage") or DEVELOPMENT
        return {
            "FunctionCode": self._code(record, stage),
            "ETag": _etag(record, stage),
            "ContentType": "application/octet-stream",
        }

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """Replace the development code."""
        config = _checked(params)
        record = self.records.update(params["Name"], params.get("IfMatch"), config)
        record.more["code"] = bytes(params["FunctionCode"])
        return {"FunctionSummary": _summary(record, DEVELOPMENT), "ETag": record.etag}

    def publish(self, params: dict[str, Any]) -> dict[str, Any]:
        """Make the development code live; distributions that use it serve it at once."""
        record = self.records.matched(params["Name"], params.get("IfMatch"), "Update")
        record.more |= {
            "live": record.more["code"],
            "live_etag": record.etag,
            "live_config": record.config,
            "live_at": self.records.now(),
        }
        self._published(arn(record.id), record.more["live"].decode())
        return {"FunctionSummary": _summary(record, LIVE)}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """Forget a function that no distribution uses."""
        name = params["Name"]
        self.records.matched(name, params.get("IfMatch"), "Delete")
        if self._in_use(arn(name)):
            raise AwsError("FunctionInUse", "It is associated with a distribution.", 409)
        self.records.remove(name, params.get("IfMatch"))
        self._published(arn(name), None)
        return {}

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """A page of summaries of a stage."""
        stage = params.get("Stage") or DEVELOPMENT
        chosen = [r for r in self.records if stage == DEVELOPMENT or r.more["live"] is not None]
        page, marker = paged(chosen, params)
        more = {"NextMarker": marker} if marker else {}
        items = [_summary(record, stage) for record in page]
        return {
            "FunctionList": {
                "MaxItems": size_of(params),
                "Quantity": len(items),
                "Items": items,
                **more,
            }
        }

    def _code(self, record: Record, stage: str) -> bytes:
        if stage not in {DEVELOPMENT, LIVE}:
            raise AwsError("InvalidArgument", f"There is no stage {stage!r}.")
        code: bytes | None = record.more["code" if stage == DEVELOPMENT else "live"]
        if code is None:
            raise AwsError("NoSuchFunctionExists", "The function was not published.", 404)
        return code


def arn(name: str) -> str:
    """The ARN of a function."""
    return ids.arn("cloudfront", f"function/{name}", region="")


def _checked(params: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = params["FunctionConfig"]
    if config["Runtime"] not in RUNTIMES:
        raise AwsError("InvalidArgument", f"There is no runtime {config['Runtime']!r}.")
    if config.get("KeyValueStoreAssociations", {}).get("Items"):
        raise NotSupported("key value stores of CloudFront Functions")
    code = bytes(params["FunctionCode"])
    if len(code) > CODE_BYTES_MAX:
        raise AwsError("FunctionSizeLimitExceeded", "The function's code is too large.", 413)
    try:
        code.decode()
    except UnicodeDecodeError as error:
        raise AwsError("InvalidArgument", "The function's code is not UTF-8 text.") from error
    return config


def _etag(record: Record, stage: str) -> str:
    return record.etag if stage == DEVELOPMENT else str(record.more["live_etag"])


def _summary(record: Record, stage: str) -> dict[str, Any]:
    live = stage == LIVE
    return {
        "Name": record.id,
        "Status": "DEPLOYED" if live else "UNPUBLISHED",
        "FunctionConfig": record.more["live_config"] if live else record.config,
        "FunctionMetadata": {
            "FunctionARN": arn(record.id),
            "Stage": stage,
            "CreatedTime": record.more["created"],
            "LastModifiedTime": record.more["live_at"] if live else record.modified,
        },
    }
