"""CloudFront's edge: behaviours, cache, security headers, and the page behind every path.

An ASGI application for one listener. The distribution that was loaded first answers for the
settings' host names, each other one for ``<id>.cloudfront.net``.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from emulator.core import ids
from emulator.core.clock import Clock
from emulator.core.errors import AwsError
from emulator.core.streams import paced
from emulator.edge import content, origins
from emulator.edge.cache import INVALIDATION_PATHS_MAX, EdgeCache, Key, Stored, ttl_s
from emulator.edge.distribution import (
    ApiOrigin,
    Behaviour,
    BucketOrigin,
    Distribution,
    from_config,
)
from emulator.edge.errors import EdgeError, page
from emulator.edge.functions import Answered, Asked
from emulator.edge.origins import GatewayHandler, ReadEntry

log = logging.getLogger("emulator.edge")

URL_CHARS_MAX = 8_192
POP = "LOC50-C1"
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OK, _PARTIAL, _NOT_MODIFIED, _ERROR, _UNSATISFIABLE = 200, 206, 304, 400, 416


@dataclass(frozen=True)
class EdgeSettings:
    """How the edge serves.

    ``hosts`` are the names it answers to; another name gets 403, as CloudFront does for a name that
    is no distribution's.
    """

    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "nst-art.localhost")
    cache_bytes_max: int = 256 * 1024 * 1024
    entry_bytes_max: int = 30 * 1024 * 1024


@dataclass(frozen=True)
class _Ask:
    """A request with what it was found to be for; ``uri`` is what is looked up."""

    distribution: Distribution
    behaviour: Behaviour
    uri: str
    request: Request


class EdgeService:
    """The edge; ``gateway`` answers for API origins, ``read`` for bucket origins."""

    def __init__(
        self,
        clock: Clock,
        gateway: GatewayHandler,
        read: ReadEntry,
        settings: EdgeSettings | None = None,
    ) -> None:
        self._clock = clock
        self._gateway = gateway
        self._read = read
        self._settings = settings or EdgeSettings()
        self._cache = EdgeCache(self._settings.cache_bytes_max, self._settings.entry_bytes_max)
        self._distributions: dict[str, Distribution] = {}
        self._newest: dict[str, int] = {}
        """Of each distribution the number of its last change."""
        self.writes = asyncio.Event()
        """Cleared: requests that may change something wait (the system is being deployed)."""
        self.writes.set()
        self._via = f"1.1 {ids.hex_id(32)}.cloudfront.net (CloudFront)"

    def load_distribution(
        self,
        distribution_id: str,
        config: Mapping[str, Any],
        *,
        functions: Mapping[str, str] | None = None,
        header_policies: Mapping[str, Mapping[str, Any]] | None = None,
        cache_policies: Mapping[str, Mapping[str, Any]] | None = None,
        after_s: float = 0.0,
    ) -> None:
        """Serve a distribution from its DistributionConfig (arguments: distribution.from_config).

        Loading the same id again replaces it and forgets what was cached for it. What is refused
        is refused at once; what is taken counts after ``after_s``.
        """
        loaded = from_config(
            distribution_id, config, functions or {}, header_policies or {}, cache_policies or {}
        )

        self._replace(distribution_id, loaded, after_s)

    def remove_distribution(self, distribution_id: str, after_s: float = 0.0) -> None:
        """Stop to serve a distribution."""
        self._replace(distribution_id, None, after_s)

    def _replace(self, distribution_id: str, new: Distribution | None, after_s: float) -> None:
        """Serve it as it is now, unless another change has come before this one counts."""
        number = self._newest[distribution_id] = self._newest.get(distribution_id, 0) + 1

        def replace_it() -> None:
            if self._newest[distribution_id] != number:
                return
            if new is None:
                self._distributions.pop(distribution_id, None)
            else:
                self._distributions[distribution_id] = new
            self._cache.invalidate(distribution_id, ["/*"])

        self._after(after_s, replace_it)

    def _after(self, seconds: float, change: Callable[[], None]) -> None:
        """Make a change, at once where nothing is to be waited for."""
        if seconds <= 0:
            change()
        else:
            self._clock.call_later(seconds, change)

    def invalidate(self, distribution_id: str, paths: list[str], after_s: float = 0.0) -> None:
        """Forget what is cached under ``paths``; AwsError at once for a path that is none."""
        if len(paths) > INVALIDATION_PATHS_MAX:
            raise AwsError("TooManyInvalidationsInProgress", "Too many paths.", 400)
        for path in paths:
            if not path.startswith("/") or "*" in path[:-1]:
                raise AwsError("InvalidArgument", f"The path {path!r} cannot be invalidated.", 400)

        def forget() -> None:
            self._cache.invalidate(distribution_id, paths)

        self._after(after_s, forget)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (lifespan events are not for us)."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        request_id = base64.urlsafe_b64encode(secrets.token_bytes(40)).decode()
        try:
            response = await self._answer(request)
        except EdgeError as error:
            response = Response(page(error, request_id), error.status, media_type="text/html")
            response.headers["x-cache"] = "Error from cloudfront"
            response.headers["server"] = "CloudFront"
        except ClientDisconnect:
            return
        response.headers["via"] = self._via
        response.headers["x-amz-cf-pop"] = POP
        response.headers["x-amz-cf-id"] = request_id
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        distribution = self._distribution(request.headers.get("host", ""))
        path = origins.raw_path(request)
        if len(path) + len(request.scope.get("query_string", b"")) > URL_CHARS_MAX:
            raise EdgeError(414, "The request's URL is too long.")
        behaviour = distribution.behaviour(path)
        if request.method not in behaviour.methods:
            raise EdgeError(
                403,
                "This distribution is not configured to allow the HTTP request method that was "
                "used for this request.",
            )
        if request.method not in _READS:
            await self.writes.wait()
        uri = path
        if behaviour.viewer_request is not None:
            found = behaviour.viewer_request(_asked(request, uri))
            if isinstance(found, Answered):
                generated = Response(found.body, found.status, found.headers)
                generated.headers["x-cache"] = "FunctionGeneratedResponse from cloudfront"
                return generated
            uri = found
        if uri == "/" and distribution.root_object:
            uri = f"/{distribution.root_object}"
        ask = _Ask(distribution, behaviour, uri, request)
        if isinstance(behaviour.origin, BucketOrigin):
            response = await self._from_bucket(ask, behaviour.origin)
        else:
            response = await self._from_api(ask, behaviour.origin)
        for name, value in behaviour.headers.items():
            response.headers[name] = value
        return response

    def _distribution(self, host: str) -> Distribution:
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.lower()
        if name in self._settings.hosts and self._distributions:
            return next(iter(self._distributions.values()))
        label, dot, domain = name.partition(".")
        found = self._distributions.get(label.upper()) if domain == "cloudfront.net" else None
        if found is None or not dot:
            raise EdgeError(403, "There is no distribution for this host name.")
        return found

    async def _from_bucket(self, ask: _Ask, origin: BucketOrigin) -> Response:
        behaviour, request = ask.behaviour, ask.request
        wants_gzip = (
            behaviour.compress
            and behaviour.cache.gzip
            and "range" not in request.headers
            and content.accepts_gzip(request.headers.get("accept-encoding", ""))
        )
        key: Key = (ask.distribution.id, ask.uri, "", "gzip" if wants_gzip else "")
        now = self._clock.now()
        known = self._cache.get(key)
        if known is not None and known.expires_at > now:
            outcome = "Hit" if known.status < _ERROR else "Error"
            return _reply(known, request, outcome, int(now - known.fetched_at))
        arn = ids.arn("cloudfront", f"distribution/{ask.distribution.id}", region="")
        fetched = await origins.from_bucket(self._read, origin, ask.uri, arn, now)
        outcome = "Miss" if fetched.status < _ERROR else "Error"
        if known is not None and _same(known, fetched):
            outcome = "RefreshHit"
        if wants_gzip:
            fetched = content.compressed(fetched)
        control = fetched.header("cache-control")
        ttl = ttl_s(fetched.status, control, behaviour.cache, ask.distribution)
        if ttl > 0:
            self._cache.put(key, replace(fetched, expires_at=now + ttl))
        else:
            self._cache.drop(key)
        return _reply(fetched, request, outcome, 0)

    async def _from_api(self, ask: _Ask, origin: ApiOrigin) -> Response:
        behaviour, request = ask.behaviour, ask.request
        now = self._clock.now()
        query = request.scope.get("query_string", b"").decode("latin-1")
        key: Key = (ask.distribution.id, ask.uri, query if behaviour.forward_all else "", "")
        known = self._cache.get(key) if request.method == "GET" else None
        if known is not None and known.expires_at > now:
            return _reply(known, request, "Error", int(now - known.fetched_at))
        forwarded = origins.api_request(request, origin, self._via, behaviour.forward_all)
        response = await self._gateway(
            origin.api_id, origin.stage, origin.prefix + ask.uri, forwarded
        )
        if isinstance(response, StreamingResponse):
            # It is never whole here: what comes is passed on at once.
            response.body_iterator = paced(
                response.body_iterator, self._clock, idle_s=origin.read_timeout_s
            )
        failed = response.status_code >= _ERROR
        response.headers["x-cache"] = f"{'Error' if failed else 'Miss'} from cloudfront"
        if failed and request.method == "GET":
            self._keep_error(ask, key, response)
        return response

    def _keep_error(self, ask: _Ask, key: Key, response: Response) -> None:
        """CloudFront keeps errors even where the cache policy keeps nothing."""
        control = response.headers.get("cache-control", "")
        ttl = ttl_s(response.status_code, control, ask.behaviour.cache, ask.distribution)
        body = getattr(response, "body", None)
        if ttl <= 0 or not isinstance(body, bytes):
            return
        now = self._clock.now()
        left_out = {"content-length", "x-cache"}
        headers = tuple((n, v) for n, v in response.headers.items() if n not in left_out)
        self._cache.put(key, Stored(response.status_code, headers, body, now, now + ttl))


def _asked(request: Request, uri: str) -> Asked:
    return Asked(
        request.method,
        uri,
        dict(request.query_params),
        {name: value for name, value in request.headers.items() if name != "cookie"},
        request.client.host if request.client else "",
    )


def _same(known: Stored, fetched: Stored) -> bool:
    tag = known.header("etag").removeprefix("W/")
    return bool(tag) and tag == fetched.header("etag").removeprefix("W/")


def _reply(stored: Stored, request: Request, outcome: str, age_s: int) -> Response:
    status, body = stored.status, stored.body
    headers = dict(stored.headers)
    headers["X-Cache"] = f"{outcome} from cloudfront"
    if outcome in {"Hit", "RefreshHit"} or age_s:
        headers["Age"] = str(age_s)
    asked = request.headers
    if content.not_modified(
        stored, asked.get("if-none-match", ""), asked.get("if-modified-since", "")
    ):
        for name in ("Content-Type", "Content-Encoding", "Content-Length"):
            headers.pop(name, None)
        return Response(status_code=_NOT_MODIFIED, headers=headers)
    if (
        status == _OK
        and "range" in asked
        and asked.get("if-range", "")
        in {
            "",
            stored.header("etag"),
        }
    ):
        try:
            part = content.part_of(len(body), asked["range"])
        except ValueError:
            headers = {"Content-Range": f"bytes */{len(body)}", "X-Cache": headers["X-Cache"]}
            return Response(status_code=_UNSATISFIABLE, headers=headers)
        if part is not None:
            headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{len(body)}"
            status, body = _PARTIAL, body[part[0] : part[1]]
    response = Response(body, status_code=status, headers=headers)
    if request.method == "HEAD":
        response.body = b""
    return response
