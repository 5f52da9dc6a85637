"""The calls that a stub task makes: each tried three times, as the SDK does."""

from __future__ import annotations

import json
from typing import Any

from emulator.core.bus import Bus, Caller
from emulator.core.clock import Clock
from emulator.core.errors import AwsError, NoReply


class Client:
    """The calls that a task makes, each tried three times as the SDK does."""

    def __init__(self, bus: Bus, clock: Clock, caller: Caller, bucket: str) -> None:
        self._bus = bus
        self._clock = clock
        self._caller = caller
        self._bucket = bucket

    async def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call; raises AwsError, and NoReply when nothing answers."""
        for attempt in range(3):
            try:
                return await self._bus.call(service, operation, params, self._caller)
            except NoReply:
                if attempt == 2:  # noqa: PLR2004 (the last)
                    raise
                await self._clock.sleep(10.0)
            except AwsError as error:
                if attempt == 2 or (error.status < 500 and "Throttling" not in error.code):  # noqa: PLR2004
                    raise
            await self._clock.sleep(0.5 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    async def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object; None when there is none."""
        try:
            answer = await self.call("s3", "GetObject", Bucket=self._bucket, Key=key)
        except AwsError as error:
            if error.code == "NoSuchKey":
                return None
            raise
        found: dict[str, Any] = json.loads(answer["Body"])
        return found

    async def there(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            await self.call("s3", "HeadObject", Bucket=self._bucket, Key=key)
        except AwsError as error:
            if error.status == 404:  # noqa: PLR2004 (not found)
                return False
            raise
        return True

    async def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        await self.call("s3", "PutObject", Bucket=self._bucket, Key=key, Body=body)
