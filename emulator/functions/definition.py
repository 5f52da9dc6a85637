"""Functions as moto's control plane has them, read on its lane."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.credentials import session_arn
from emulator.core.errors import AwsError, NotSupported
from emulator.functions import hot_reload
from emulator.functions.moto_functions import kept

LATEST = "$LATEST"

NAME = re.compile(
    r"^(?:arn:aws:lambda:(?P<region>[a-z0-9-]+):(?P<arn_account>\d{12}):function:"
    r"|(?P<account>\d{12}):function:)?"
    r"(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?$"
)
RUNTIME = re.compile(r"^python3\.\d+$")


@dataclass(frozen=True)
class FunctionRef:
    """A function as a caller names it."""

    account: str
    region: str
    name: str
    qualifier: str | None

    @property
    def arn(self) -> str:
        """The ARN, with the qualifier that was asked for."""
        tail = f":{self.qualifier}" if self.qualifier else ""
        return ids.arn(
            "lambda", f"function:{self.name}{tail}", region=self.region, account=self.account
        )


@dataclass(frozen=True)
class Function:
    """One version of a function: all a sandbox is made of.

    Two of them are equal when a sandbox of the one can serve the other; the code's bytes stand for
    themselves by ``code_sha256``.
    """

    account: str
    region: str
    name: str
    version: str
    role: str
    handler: str
    runtime: str
    timeout_s: float
    memory_mb: int
    environment: Mapping[str, str]
    code_sha256: str
    log_group: str
    storage_mb: int
    source: Path | None
    """The directory that is the code (hot reload); None: ``code`` is."""
    code: bytes = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names this version: account, region, name, version."""
        return (self.account, self.region, self.name, self.version)

    @property
    def arn(self) -> str:
        """The function's ARN, unqualified."""
        return ids.arn("lambda", f"function:{self.name}", region=self.region, account=self.account)

    def caller(self, request_id: str) -> Caller:
        """A session of its role, as which it calls and Lambda calls for it."""
        return Caller(
            self.account,
            self.region,
            session_arn(self.role, self.name),
            request_id=request_id,
            role_arn=self.role,
        )


@dataclass(frozen=True)
class AsyncPolicy:
    """What becomes of an asynchronous event: retries, its greatest age, where its end is told."""

    retries_max: int
    age_s_max: float
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True)
class Found:
    """A function with what applies to calls of it; ``arn`` is the one it was called by.

    ``also`` are further versions behind a weighted alias, each with its share (0 to 1) of calls.
    """

    function: Function
    arn: str
    reserved: int | None
    reserved_by_all: int
    policy: AsyncPolicy
    also: tuple[tuple[float, Function], ...] = ()

    @property
    def arn_of_version(self) -> str:
        """The ARN with a qualifier, ``$LATEST`` where the caller named none."""
        base = ":".join(self.arn.split(":")[:7])
        return f"{base}:{self.arn[len(base) + 1 :] or LATEST}"

    def routed(self, draw: float) -> Found:
        """The version that a call goes to; ``draw`` is a random number from 0 to 1."""
        for weight, function in self.also:
            if draw < weight:
                return replace(self, function=function)
            draw -= weight
        return self


def parse(name: str, qualifier: str | None, caller: Caller) -> FunctionRef:
    """A function's name, partial ARN or ARN (each with a qualifier or without).

    Raises ValidationException for what is none of them, InvalidParameterValueException for two
    different qualifiers.
    """
    match = NAME.match(name)
    if match is None:
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{name[:300]}' at 'functionName' failed to "
            "satisfy constraint: it must be a function's name, partial ARN or ARN",
        )
    inside = match["qualifier"]
    if inside and qualifier and inside != qualifier:
        raise AwsError(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    return FunctionRef(
        account=match["arn_account"] or match["account"] or caller.account,
        region=match["region"] or caller.region,
        name=match["name"],
        qualifier=inside or qualifier,
    )


def find(ref: FunctionRef, default: AsyncPolicy) -> Found:
    """Look a function up; to be run on moto's lane.

    Raises ResourceNotFoundException, and NotSupported for what no sandbox here can run.
    """
    from moto.awslambda.exceptions import (  # noqa: PLC0415 (slow import)
        UnknownAliasException,
        UnknownFunctionException,
    )
    from moto.awslambda.models import lambda_backends  # noqa: PLC0415 (slow import)

    try:
        backend = lambda_backends[ref.account][ref.region]
        known = backend.get_function(ref.name, ref.qualifier)
        latest = backend.get_function(ref.name)
    except (UnknownFunctionException, UnknownAliasException, KeyError) as error:
        raise AwsError(
            "ResourceNotFoundException",
            f"Function not found: {ref.arn}",
            404,
            {"Type": "User", "Message": f"Function not found: {ref.arn}"},
        ) from error
    everyone = [_number(f.reserved_concurrency) for f in backend.list_functions()]
    return Found(
        function=_function(known, ref),
        arn=ref.arn,
        # What a function has reserved belongs to all of its versions.
        reserved=_number(latest.reserved_concurrency),
        reserved_by_all=sum(r for r in everyone if r is not None),
        policy=_policy(known, latest, default),
        also=tuple(
            (weight, _function(backend.get_function(ref.name, version), ref))
            for version, weight in _weights(backend, ref)
        ),
    )


def _function(known: Any, ref: FunctionRef) -> Function:
    _refuse(known)
    name, code = str(known.function_name), bytes(known.code_bytes)
    return Function(
        account=ref.account,
        region=ref.region,
        name=name,
        version=str(known.version),
        role=str(known.role),
        handler=str(known.handler or ""),
        runtime=str(known.run_time),
        timeout_s=float(known.timeout),
        memory_mb=int(known.memory_size),
        environment={str(k): str(v) for k, v in (known.environment_vars or {}).items()},
        code_sha256=str(known.code_sha_256),
        log_group=str(kept(known, "LoggingConfig").get("LogGroup") or f"/aws/lambda/{name}"),
        storage_mb=int(known.ephemeral_storage),
        source=hot_reload.directory(code),
        code=code,
    )


def _weights(backend: Any, ref: FunctionRef) -> list[tuple[str, float]]:
    aliases = {a.name: a for a in backend.list_aliases(ref.name)} if ref.qualifier else {}
    routing = getattr(aliases.get(ref.qualifier), "routing_config", None) or {}
    weights = routing.get("AdditionalVersionWeights") or {}
    return [(str(version), float(weight)) for version, weight in weights.items()]


def _refuse(known: Any) -> None:
    if known.package_type != "Zip":
        raise NotSupported(f"the Lambda package type {known.package_type!r}")
    if not RUNTIME.match(str(known.run_time)):
        raise NotSupported(f"the Lambda runtime {known.run_time!r}")
    if known.layers:
        raise NotSupported("a Lambda function with layers")


def _policy(known: Any, latest: Any, default: AsyncPolicy) -> AsyncPolicy:
    dead_letters = kept(known, "DeadLetterConfig").get("TargetArn") or None
    # An event invoke configuration is one version's or alias's own.
    for config in known.event_invoke_config if known is latest else ():
        given = config.config
        ends = given.get("DestinationConfig") or {}
        return AsyncPolicy(
            retries_max=int(given.get("MaximumRetryAttempts", default.retries_max)),
            age_s_max=float(given.get("MaximumEventAgeInSeconds", default.age_s_max)),
            on_success=(ends.get("OnSuccess") or {}).get("Destination"),
            on_failure=(ends.get("OnFailure") or {}).get("Destination"),
            dead_letters=dead_letters,
        )
    return replace(default, dead_letters=dead_letters)


def _number(reserved: Any) -> int | None:
    return None if reserved is None else int(reserved)
