"""What is done to calls of Lambda's control plane before moto gets them.

Code that lies in S3 is fetched from our S3 (moto looks into its own, which is empty), the bucket
"hot-reload" becomes a pointer to a directory, and what no sandbox or data plane here would honour
is refused by name when it is asked for, not when it fails to happen.
"""

from __future__ import annotations

import base64
from typing import Any

from emulator.core.bus import Bus, Caller, Service
from emulator.core.errors import AwsError, NotSupported
from emulator.functions import hot_reload

REFUSED = frozenset(
    {
        "CreateEventSourceMapping",
        "CreateFunctionUrlConfig",
        "InvokeWithResponseStream",
        "PutProvisionedConcurrencyConfig",
    }
)
"""Operations whose effect is not there: nobody polls, no URL answers, nothing streams."""

_EVENT_CONFIG = frozenset({"PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"})


async def prepare(
    operation: str, params: dict[str, Any], bus: Bus, caller: Caller
) -> dict[str, Any]:
    """The parameters as moto should get them.

    Raises NotSupported, and InvalidParameterValueException for code that is not in S3.
    """
    if operation in REFUSED:
        raise NotSupported(f"lambda:{operation}")
    if operation in _EVENT_CONFIG and params.get("Qualifier", "$LATEST") != "$LATEST":
        raise NotSupported(f"lambda:{operation} for a version or an alias")
    if (params.get("LoggingConfig") or {}).get("LogFormat") == "JSON":
        raise NotSupported("Lambda's LogFormat JSON")
    if operation == "CreateFunction":
        code = params.get("Code") or {}
        return {**params, "Code": await _fetched(code, bus, caller)}
    if operation == "UpdateFunctionCode":
        return await _fetched(params, bus, caller)
    return params


async def _fetched(code: dict[str, Any], bus: Bus, caller: Caller) -> dict[str, Any]:
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not bucket or not key:
        return code
    rest = {k: v for k, v in code.items() if not k.startswith("S3")}
    if bucket == hot_reload.BUCKET:
        return {**rest, "ZipFile": hot_reload.package(str(key))}
    asked = {"Bucket": bucket, "Key": key}
    if code.get("S3ObjectVersion"):
        asked["VersionId"] = code["S3ObjectVersion"]
    try:
        found = await bus.call("s3", "GetObject", asked, caller)
    except AwsError as error:
        raise AwsError(
            "InvalidParameterValueException",
            f"Error occurred while GetObject. S3 Error Code: {error.code}. "
            f"S3 Error Message: {error.message}",
        ) from error
    return {**rest, "ZipFile": bytes(found["Body"])}


def on_the_wire(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters as the REST API has them in its body: code is base64 there."""
    code = params.get("Code")
    if isinstance(code, dict):
        return {**params, "Code": on_the_wire(code)}
    if isinstance(params.get("ZipFile"), bytes):
        return {**params, "ZipFile": base64.b64encode(params["ZipFile"]).decode()}
    return params


class FunctionsControl:
    """moto's Lambda as the bus gets it."""

    def __init__(self, moto: Service, bus: Bus) -> None:
        self._moto = moto
        self._bus = bus

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""
        prepared = await prepare(operation, params, self._bus, caller)
        return await self._moto.call(operation, prepared, caller)
