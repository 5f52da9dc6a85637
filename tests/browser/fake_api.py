"""A small fake of the public API and of its bucket, on two origins, for work on the page alone.

It speaks the contract (``system/contract/openapi.yaml``) and tells a run's story as a script says;
the tests proper run against the real stack. ``python -m tests.browser.fake_api`` serves it by hand.
"""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image, ImageFilter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from system import money, problems, runs

ROOT = Path(__file__).resolve().parents[2]
UPLOAD_BYTES_MAX = 20 * 1024 * 1024
CEILINGS = {
    quality: {str(size): base * max(size, 512) // 512 for size in (256, 512, 768, 1024)}
    for quality, base in (("draft", 13_000), ("good", 21_000), ("best", 48_000))
}
STATES = ("starting", "checking", "running")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' {bucket}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass
class FakeRun:
    """A run: its uploads, how far its story is told, and what came of it."""

    started_at: float | None = None
    styles: int = 0
    state: str = "starting"
    uploads: dict[str, bytes] = field(default_factory=dict)
    stopped: bool = False
    token: str = "1"


@dataclass
class Fake:
    """The fake's knobs and what it has seen.

    ``step_s``: seconds for each of ``steps``; ``ends``: how runs end; ``problem``: why; ``hold``:
    the step at which the story waits until it is None.
    """

    spent_microusd: int = 1_250_000
    limit_microusd: int = 10_000_000
    reserved_microusd: int = 0
    reason: str | None = None
    step_s: float = 0.2
    steps: int = 12
    hold: int | None = None
    ends: str = "succeeded"
    problem: dict[str, Any] | None = None
    expire_links: bool = False
    runs: dict[str, FakeRun] = field(default_factory=dict)
    api_url: str = ""
    bucket_url: str = ""
    seen: list[str] = field(default_factory=list)
    started: list[dict[str, Any]] = field(default_factory=list)

    # The API

    async def budget(self, _: Request) -> Response:
        return JSONResponse(self._budget())

    async def admit(self, request: Request) -> Response:
        if self.reason:
            return self._problem(
                {"budget-exhausted": "BudgetExhausted", "too-many-runs": "TooManyRuns"}.get(
                    self.reason, "DailyLimitReached"
                )
            )
        body = await request.json()
        for picture in [body["content"], *body["styles"]]:
            if "gallery" not in picture and picture["content_type"] not in runs.CONTENT_TYPES:
                return self._problem("InvalidRequest")
        run_id = runs.make_run_id()
        self.runs[run_id] = FakeRun(styles=len(body["styles"]))
        posts = [
            None if "gallery" in style else self._post(run_id, f"style-{place}")
            for place, style in enumerate(body["styles"])
        ]
        return JSONResponse(
            {
                "run_id": run_id,
                "uploads": {"content": self._post(run_id, "content"), "styles": posts},
                "max_upload_bytes": UPLOAD_BYTES_MAX,
                "uploads_expire_at": "2099-01-01T00:00:00Z",
                "links": self._links(run_id),
                "ceiling_microusd": 13_000,
                "budget": self._budget(),
            },
            201,
        )

    async def start(self, request: Request) -> Response:
        body = await request.json()
        run = self.runs.get(body["run_id"])
        if run is None:
            return self._problem("RunNotFound")
        if "content" not in run.uploads:
            return self._problem("UploadMissing")
        self.started.append(body)
        if run.started_at is None:
            run.started_at = time.monotonic()
            self.reserved_microusd += 21_000
        return JSONResponse(
            {"run_id": body["run_id"], "state": "starting", "ceiling_microusd": 21_000}, 202
        )

    async def state(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["run_id"])
        if run is None or run.started_at is None:
            return self._problem("RunNotFound")
        events = self._story(request.path_params["run_id"], run)
        final = events[-1]["state"] if events and events[-1].get("state") in FINAL else None
        if final and run.state != final:
            run.state = final
            self.reserved_microusd -= 21_000
            self.spent_microusd += 9_400
        cause = self.problem if final == "failed" else None
        return JSONResponse(
            {
                "run_id": request.path_params["run_id"],
                "state": final or "running",
                "started_at": 1.0,
                "stopped_at": 2.0 if final else None,
                "cause": cause,
            }
        )

    async def links(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["run_id"])
        if run is None:
            return self._problem("RunNotFound")
        self.seen.append("links")
        run.token = secrets.token_hex(4)
        run_id = request.path_params["run_id"]
        return JSONResponse({"run_id": run_id, "links": self._links(run_id)})

    async def stop(self, request: Request) -> Response:
        run = self.runs.get(request.path_params["run_id"])
        if run is None:
            return self._problem("RunNotFound")
        self.seen.append("stop")
        run.stopped = True
        return JSONResponse({"run_id": request.path_params["run_id"], "state": "stopping"}, 202)

    # The bucket

    async def upload(self, request: Request) -> Response:
        async with request.form() as form:
            names = list(form)
            file, key = form["file"], str(form["key"])
            if names[-1] != "file" or isinstance(file, str):
                return self._s3_error(400, "InvalidArgument")
            body = await file.read()
        if not 0 < len(body) <= UPLOAD_BYTES_MAX:
            return self._s3_error(400, "EntityTooLarge" if body else "EntityTooSmall")
        _, run_id, slot = key.split("/")
        self.runs[run_id].uploads[slot] = body
        return Response(status_code=204)

    async def object(self, request: Request) -> Response:
        run_id, name = request.path_params["run_id"], request.path_params["name"]
        run = self.runs.get(run_id)
        if run is None:
            return self._s3_error(403, "AccessDenied")
        if self.expire_links and request.query_params["token"] != run.token:
            return self._s3_error(403, "AccessDenied", "Request has expired")
        events = self._story(run_id, run)
        done = {event["type"] for event in events}
        if name == "events.jsonl" and events:
            text = "".join(json.dumps(event) + "\n" for event in events)
            return self._tagged(request, text.encode(), "application/x-ndjson")
        if name == "preview.jpg" and "preview" in done:
            last = max(event["version"] for event in events if event["type"] == "preview")
            return Response(self._picture(run, last, "JPEG"), media_type="image/jpeg")
        if name == "result.png" and "result" in done:
            return Response(self._picture(run, 99, "PNG"), media_type="image/png")
        return self._s3_error(403, "AccessDenied")

    # What they say

    def _story(self, run_id: str, run: FakeRun) -> list[dict[str, Any]]:
        if run.started_at is None:
            return []
        told: list[dict[str, Any]] = []

        def tell(kind: str, **fields: Any) -> None:
            stamp = f"2026-11-23T12:00:{len(told) % 60:02d}.000Z"
            told.append({"id": len(told) + 1, "at": stamp, "type": kind, **fields})

        reached = int((time.monotonic() - run.started_at) / self.step_s)
        if self.hold is not None:
            reached = min(reached, self.hold)
        for place, state in enumerate(STATES):
            if reached >= place + 1:
                more = {"steps": self.steps, "dtype": "float32"} if state == "running" else {}
                tell("state", state=state, **more)
        for step in range(1, min(self.steps, reached - len(STATES)) + 1):
            size = 128 if step < self.steps / 2 else 256
            left = (self.steps - step) * self.step_s
            tell(
                "progress", step=step, steps=self.steps, size=size, loss=1 / step, style_loss=0.5,
                content_loss=0.5, elapsed_s=step * self.step_s, eta_s=left,
            )  # fmt: skip
            if step % 3 == 1:
                tell("preview", key=runs.preview_key(run_id), version=step // 3 + 1)
        if run.stopped:
            tell("state", state="cancelled")
        elif reached > len(STATES) + self.steps:
            if self.ends == "succeeded":
                tell("result", key=runs.result_key(run_id), stopped_early=False)
            tell("state", state=self.ends, **({"problem": self.problem} if self.problem else {}))
        return told

    def _picture(self, run: FakeRun, version: int, kind: str) -> bytes:
        """The content, painted a little more with every version."""
        image = Image.open(io.BytesIO(run.uploads["content"])).convert("RGB")
        image.thumbnail((512, 512))
        rough = image.filter(ImageFilter.ModeFilter(5)).filter(ImageFilter.EDGE_ENHANCE_MORE)
        blur = max(0, 5 - version)
        pixels = np.asarray(rough.filter(ImageFilter.GaussianBlur(blur)))[..., [2, 0, 1]]
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, kind)
        return out.getvalue()

    def _budget(self) -> dict[str, Any]:
        available = self.limit_microusd - self.spent_microusd - self.reserved_microusd
        amounts = {
            "limit": self.limit_microusd,
            "spent": self.spent_microusd,
            "reserved": self.reserved_microusd,
            "available": available,
            "run_ceiling": 13_000,
        }
        return {
            **{f"{name}_microusd": amount for name, amount in amounts.items()},
            "display": {name: money.display(amount) for name, amount in amounts.items()},
            "ceilings_microusd": CEILINGS,
            "runs_left": available // 13_000,
            "runs_in_flight": 0,
            "runs_in_flight_max": 4,
            "accepting": self.reason is None,
            "reason": self.reason,
            "period": "2026-11",
            "renews_at": "2026-12-01T00:00:00Z",
        }

    def _post(self, run_id: str, slot: str) -> dict[str, Any]:
        fields = {"key": runs.upload_key(run_id, slot), "policy": "eyJ9", "x-amz-signature": "00"}
        return {"url": f"{self.bucket_url}/upload", "fields": fields}

    def _links(self, run_id: str) -> dict[str, str]:
        token = self.runs[run_id].token
        names = {"events": "events.jsonl", "preview": "preview.jpg", "result": "result.png"}
        return {
            **{k: f"{self.bucket_url}/runs/{run_id}/{v}?token={token}" for k, v in names.items()},
            "expires_at": "2099-01-01T00:00:00Z",
        }

    def _tagged(self, request: Request, body: bytes, kind: str) -> Response:
        tag = f'"{len(body)}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(body, media_type=kind, headers={"ETag": tag})

    def _problem(self, name: str) -> Response:
        document = problems.document(name)
        return JSONResponse(document, document["status"], media_type=problems.CONTENT_TYPE)

    def _s3_error(self, status: int, code: str, message: str = "no") -> Response:
        xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return Response(xml, status, media_type="application/xml")

    # Serving it

    def site(self) -> Starlette:
        """The page and the API, as the CDN shows them."""
        api = [
            Route("/budget", self.budget),
            Route("/runs", self.admit, methods=["POST"]),
            Route("/run-nst", self.start, methods=["POST"]),
            Route("/runs/{run_id}", self.state),
            Route("/runs/{run_id}/links", self.links, methods=["POST"]),
            Route("/runs/{run_id}/stop", self.stop, methods=["POST"]),
        ]
        return Starlette(routes=[Mount("/api", routes=api), Route("/{path:path}", self._file)])

    def bucket(self) -> Starlette:
        """The bucket, with CORS for the page's origin alone."""
        cors = Middleware(
            CORSMiddleware,
            allow_origins=[self.api_url],
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=["content-type", "if-none-match", "range"],
            expose_headers=["ETag"],
        )
        routes = [
            Route("/upload", self.upload, methods=["POST"]),
            Route("/runs/{run_id}/{name}", self.object),
        ]
        return Starlette(routes=routes, middleware=[cors])

    async def _file(self, request: Request) -> Response:
        path = request.path_params["path"] or "index.html"
        places = [ROOT / "web/src" / path]
        if path.startswith("gallery/"):
            name = path.removeprefix("gallery/")
            places += [ROOT / "web/gallery" / name, ROOT / "web/gallery/thumbs" / name]
        for place in places:
            if place.is_file() and ROOT / "web" in place.resolve().parents:
                kind = "text/javascript" if place.suffix == ".js" else None
                headers = {
                    "Content-Security-Policy": CSP.format(bucket=self.bucket_url),
                    "X-Content-Type-Options": "nosniff",
                    "Cache-Control": "no-cache",
                }
                return FileResponse(place, media_type=kind, headers=headers)
        return Response("not found", 404)


FINAL = {"succeeded", "failed", "cancelled"}


@contextlib.contextmanager
def serving(fake: Fake) -> Iterator[Fake]:
    """Serve a fake on two free ports; its URLs are in ``api_url`` and ``bucket_url``."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    site, bucket = (listening.getsockname()[1] for listening in sockets)
    fake.api_url, fake.bucket_url = f"http://127.0.0.1:{site}", f"http://localhost:{bucket}"
    servers = [
        uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        for app in (fake.site(), fake.bucket())
    ]
    threads = [
        threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        for server, listening in zip(servers, sockets, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        while not all(server.started for server in servers):
            time.sleep(0.01)
        yield fake
    finally:
        for server in servers:
            server.should_exit = server.force_exit = True
        for thread in threads:
            thread.join(10)


if __name__ == "__main__":
    with serving(Fake(step_s=0.6)) as served:
        print(served.api_url, flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
