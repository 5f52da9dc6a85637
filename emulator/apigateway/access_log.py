"""Access logs of a stage: one line for each request, into CloudWatch Logs.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html and, for the
variables, https://docs.aws.amazon.com/apigateway/latest/developerguide/\
api-gateway-variables-for-access-logging.html
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.apigateway import java
from emulator.apigateway.errors import GatewayError
from emulator.apigateway.exchange import Exchange
from emulator.core.bus import Bus, Caller
from emulator.core.credentials import session_arn
from emulator.core.errors import AwsError, NotSupported

log = logging.getLogger("emulator.apigateway")

_VARIABLE = re.compile(r"\$context((?:\.[A-Za-z]+)+)")
_LOG_GROUP = re.compile(r"^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:(?P<group>[^:*]+)(?::\*)?$")
_OF_REQUESTS = frozenset(
    {
        *("accountId", "apiId", "awsEndpointRequestId", "domainName", "domainPrefix"),
        *("extendedRequestId", "httpMethod", "identity.sourceIp", "identity.userAgent", "path"),
        *("protocol", "requestId", "requestTime", "requestTimeEpoch", "resourceId"),
        *("resourcePath", "stage"),
    }
)
_OF_ANSWERS = frozenset(
    {
        *("status", "responseLength", "responseLatency", "integrationErrorMessage"),
        *("error.message", "error.messageString", "error.responseType"),
    }
)
_INTEGRATION_FAILURES = frozenset(
    {"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "API_CONFIGURATION_ERROR", "DEFAULT_5XX"}
)
SERVICE = "apigateway.amazonaws.com"
NOTHING = "-"
"""What stands for a variable without a value."""


class Sink(Protocol):
    """Where log lines go."""

    async def put(
        self,
        group: str,
        stream: str,
        lines: Iterable[tuple[float, str]],
        *,
        account: str = ...,
        region: str = ...,
    ) -> None:
        """Add ``(epoch seconds, text)`` lines to a stream."""


@dataclass(frozen=True)
class AccessLog:
    """A stage's access log: where its lines go, what a line is, and who writes it."""

    group: str
    line: str
    role_arn: str


def access_log(settings: Mapping[str, Any] | None, role_arn: str) -> AccessLog | None:
    """Read a stage's ``accessLogSettings``; None for a stage without.

    ``role_arn`` is the account's CloudWatch role. Raises AwsError BadRequestException as API
    Gateway does, NotSupported for a destination or a variable that is not emulated.
    """
    given = settings or {}
    destination, line = given.get("destinationArn"), str(given.get("format", ""))
    if not destination or not line:
        return None
    if not role_arn:
        raise _refused("CloudWatch Logs role ARN must be set in account settings to enable logging")
    found = _LOG_GROUP.match(str(destination))
    if found is None:
        raise NotSupported(f"access logs to {destination!r}")
    if "\n" in line.rstrip("\n"):
        raise _refused(
            "Access Log format must be single line, new line character is allowed only at end of "
            "the format"
        )
    names = {name[1:] for name in _VARIABLE.findall(line)}
    if not names & {"requestId", "extendedRequestId"}:
        raise _refused(
            "Access Log format must contain $context.requestId or $context.extendedRequestId"
        )
    unknown = sorted(names - _OF_REQUESTS - _OF_ANSWERS)
    if unknown:
        raise NotSupported(f"$context.{unknown[0]} in an access log")
    return AccessLog(found["group"], line.rstrip("\n"), role_arn)


def text(
    line: str, exchange: Exchange, answer: tuple[int, int], error: GatewayError | None, ms: int
) -> str:
    """A line with its variables filled in.

    ``answer`` is the answer's status and its body's bytes, ``ms`` how long it took.
    """
    context = exchange.context()
    context["status"], context["responseLength"] = answer
    context["responseLatency"] = ms
    if error is not None:
        context["error"] = {
            "message": error.message,
            "messageString": json.dumps(error.message),
            "responseType": error.response_type,
        }
        if error.response_type in _INTEGRATION_FAILURES:
            context["integrationErrorMessage"] = error.message
    return _VARIABLE.sub(lambda found: _value(context, found[1][1:]), line)


async def write(
    bus: Bus, sink: Sink, kept: AccessLog, caller: Caller, line: tuple[float, str]
) -> None:
    """Write a line as the account's role; where that may not, nothing is written."""
    role = kept.role_arn
    if not await bus.trusts(role, SERVICE, caller.source_arn):
        log.warning("no access log: API Gateway may not assume the role %s", role)
        return
    writer = Caller(
        caller.account,
        caller.region,
        session_arn(role, "BackplaneAssumeRoleSession"),
        role_arn=role,
    )
    place = f"arn:aws:logs:{caller.region}:{caller.account}:log-group:{kept.group}"
    try:
        await bus.require("logs", writer, "logs:PutLogEvents", f"{place}:log-stream:*")
    except AwsError as error:
        log.warning("no access log: %s", error)
        return
    # API Gateway's streams have names that say nothing
    stream = hashlib.md5(kept.group.encode(), usedforsecurity=False).hexdigest()
    await sink.put(kept.group, stream, [line], account=caller.account, region=caller.region)


def _value(context: Mapping[str, Any], path: str) -> str:
    value: Any = context
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return NOTHING if value in {None, ""} else java.text_of(value)


def _refused(message: str) -> AwsError:
    return AwsError("BadRequestException", message)
