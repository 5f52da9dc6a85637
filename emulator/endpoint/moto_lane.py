"""moto, in this process, on one lane.

moto gives us the breadth of AWS's control planes and is not thread-safe: everything that touches
its state runs on one thread, one thing after another. Importing its service modules is slow (two
seconds in all); ``warm`` does it ahead, while the rest of the emulator starts.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from emulator.core import ids
from emulator.core.bus import Caller
from emulator.core.errors import AwsError, NotSupported
from emulator.core.models import service_model, share_reading
from emulator.endpoint import moto_gaps

T = TypeVar("T")

BODY_BYTES_MAX = 80 * 1024 * 1024
"""Lambda takes zips of 50 MB, base64 makes 67 MB of it; nothing sends more to a control plane."""


@dataclass(frozen=True)
class MotoReply:
    """What moto answered on the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MotoLane:
    """One thread that owns moto."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="moto")
        self._wsgi: Any = None
        # moto reads these when it is imported: managed policies are what Terraform attaches to
        # execution roles, and browsers must see our buckets' CORS rules, not moto's open ones.
        os.environ.setdefault("MOTO_ACCOUNT_ID", ids.ACCOUNT)
        os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
        # AWS's quota, of which 100 stay free of reservations.
        os.environ.setdefault("MOTO_LAMBDA_CONCURRENCY_QUOTA", "1000")
        self._watchers: dict[str, list[Callable[[], None]]] = {}
        share_reading()

    async def run(self, fn: Callable[[], T]) -> T:
        """Run ``fn`` on the lane and return what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, fn)

    def watch(self, service: str, changed: Callable[[], None]) -> None:
        """Tell of calls that may change what ``service`` keeps, before and after each."""
        self._watchers.setdefault(service, []).append(changed)

    async def warm(self, names: Iterable[str], *, beside: bool = False) -> None:
        """Import moto's modules ahead (moto's names: ``awslambda``, ``iam``), one by one.

        On the lane, since two threads that import moto's core at once meet half-made modules; or
        ``beside`` it, when that core is there, so that the lane can work meanwhile.
        """
        for name in names:
            if beside:
                await asyncio.to_thread(_import, name)
            else:
                await self.run(lambda name=name: _import(name))  # type: ignore[misc]

    async def http(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        service: str = "",
    ) -> MotoReply:
        """Pass an HTTP request on to moto; ``target`` is the raw path with its query.

        ``service`` is whom the request is for, as far as it is known.
        """
        if len(body) > BODY_BYTES_MAX:
            raise AwsError("RequestEntityTooLargeException", "The request is too large.", 413)
        kept = list(headers)
        with self._telling(service, reads=method in _READING_METHODS):
            return await self.run(lambda: self._request(method, target, kept, body))

    async def call(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> dict[str, Any]:
        """Call an operation with the SDK's parameters; answers the SDK's response.

        Raises AwsError as the service answers, NotSupported for what moto does not know.
        """
        with self._telling(service, reads=operation.startswith(_READING_NAMES)):
            return await self.run(lambda: self._call(service, operation, params, caller))

    def close(self) -> None:
        """End the lane's thread; what is under way finishes first.

        moto's state is the process's: it is emptied, so that a next emulator finds none of it.
        """
        self._thread.submit(_empty)
        self._thread.shutdown(wait=True)

    @contextmanager
    def _telling(self, service: str, *, reads: bool) -> Iterator[None]:
        # Also CloudFormation makes, changes and deletes what any service keeps.
        everyone = service in {"", "cloudformation"}
        told = [
            changed
            for name, watchers in self._watchers.items()
            if (name == service and not reads) or everyone
            for changed in watchers
        ]
        for changed in told:
            changed()
        try:
            yield
        finally:
            for changed in told:
                changed()

    def _request(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> MotoReply:
        from werkzeug.test import EnvironBuilder, run_wsgi_app  # noqa: PLC0415 (slow import)

        if self._wsgi is None:
            from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 (slow import)
                DomainDispatcherApplication,
                create_backend_app,
            )

            self._wsgi = DomainDispatcherApplication(create_backend_app)
        path, _, query = target.partition("?")
        moto_gaps.mend(path, next((v for k, v in headers if k.lower() == "x-amz-target"), ""))
        sent = [(k, v) for k, v in headers if k.lower() not in {"host", "content-length"}]
        environ = EnvironBuilder(
            path=path,
            query_string=query,
            base_url="http://localhost",
            method=method,
            headers=sent,
            data=body,
        ).get_environ()
        chunks, status, answered = run_wsgi_app(self._wsgi, environ, buffered=True)
        return MotoReply(
            status=int(status.split(" ", 1)[0]),
            headers=list(answered.items()),
            body=b"".join(chunks),
        )

    def _call(
        self, service: str, operation: str, params: dict[str, Any], caller: Caller
    ) -> dict[str, Any]:
        from botocore import parsers, serialize, validate  # noqa: PLC0415 (slow import)

        model = service_model(_SDK_NAMES.get(service, service))
        if operation not in model.operation_names:
            raise NotSupported(f"{service}:{operation}")
        operation_model = model.operation_model(operation)
        protocol = model.resolved_protocol
        if operation_model.input_shape is not None:
            report = validate.ParamValidator().validate(params, operation_model.input_shape)
            if report.has_errors():
                raise _invalid(service, report)
        serializer = serialize.create_serializer(protocol, include_validation=False)
        request = serializer.serialize_to_request(params, operation_model)
        scope = f"{caller.access_key}/20200101/{caller.region}/{model.signing_name}/aws4_request"
        headers = [
            *((k, str(v)) for k, v in request["headers"].items()),
            (
                "Authorization",
                f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=internal",
            ),
        ]
        body = request["body"]
        if isinstance(body, dict):
            from urllib.parse import urlencode  # noqa: PLC0415

            body = urlencode(body)
        if isinstance(body, str):
            body = body.encode()
        reply = self._request(
            request["method"], _target(request["url_path"], request["query_string"]), headers, body
        )
        parsed = parsers.create_parser(protocol).parse(
            {
                "status_code": reply.status,
                "headers": _lower(reply.headers),
                "body": reply.body,
            },
            operation_model.output_shape,
        )
        if reply.status >= 300:  # noqa: PLR2004
            error = parsed.get("Error", {})
            raise AwsError(
                error.get("Code") or "InternalFailure",
                error.get("Message") or "",
                reply.status if reply.status < 500 else 400,  # noqa: PLR2004
            )
        parsed.pop("ResponseMetadata", None)
        return cast("dict[str, Any]", parsed)


class MotoService:
    """One of moto's services as the bus wants it."""

    def __init__(self, name: str, lane: MotoLane) -> None:
        self._name = name
        self._lane = lane

    async def call(self, operation: str, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer one API call; raises AwsError."""
        return await self._lane.call(self._name, operation, params, caller)


_READING_METHODS = frozenset({"GET", "HEAD"})
_READING_NAMES = ("Get", "List", "Describe")

_SDK_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch"}


def _invalid(service: str, report: Any) -> AwsError:
    """What a service answers to parameters that no SDK of ours would send (workflows may)."""
    missing = [
        details["required_name"]
        for kind, _name, details in report._errors  # noqa: SLF001 (its text is for people)
        if kind == "missing required field"
    ]
    if not missing:
        return AwsError("ValidationException", report.generate_report())
    name: str = missing[0]
    if service == "sqs":
        message = f"The request must contain the parameter {name}."
        return AwsError("MissingParameter", message)
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value null at '{name[:1].lower()}{name[1:]}' failed to "
        "satisfy constraint: Member must not be null",
    )


def _import(name: str) -> None:
    importlib.import_module(f"moto.{name}.models")
    importlib.import_module(f"moto.{name}.responses")


def _empty() -> None:
    """Let go of every backend; moto's own reset would make them anew, a third of a second."""
    base = sys.modules.get("moto.core.base_backend")
    if base is not None:
        for backends in base.BackendDict._instances:  # noqa: SLF001 - there is no other way
            backends.clear()
        base.BackendDict._instances.clear()  # noqa: SLF001


def _target(path: str, query: Any) -> str:
    if not query:
        return path
    from urllib.parse import urlencode  # noqa: PLC0415

    return path + "?" + (query if isinstance(query, str) else urlencode(query, doseq=True))


def _lower(headers: list[tuple[str, str]]) -> Any:
    from botocore.awsrequest import HeadersDict  # noqa: PLC0415

    return HeadersDict(headers)
