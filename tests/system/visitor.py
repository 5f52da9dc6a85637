"""A visitor of the public API: what a web client does, step by step, with nothing hidden."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import numpy as np
from PIL import Image

from tests.system.running import Running, wait_until

TINY = {"algorithm": "painted", "size": 64, "quality": "draft", "strength": 1.0, "seed": 1}
SLOW = {"size": 1024, "quality": "best"}
"""Paints for far longer than any test looks at it, whatever the machine, and is then stopped."""
FINAL = {"succeeded", "failed", "cancelled"}


def picture(width: int = 96, height: int = 64, seed: int = 0, kind: str = "PNG") -> bytes:
    """A small picture with some structure, encoded."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def throttled(answer: httpx.Response) -> bool:
    """Whether the stage's throttle answered, and not the budget's limit of runs in flight."""
    return answer.status_code == 429 and answer.json()["code"] == "too-many-requests"


class Visitor:
    """Speaks to one stack through its edge."""

    def __init__(self, stack: Running) -> None:
        self.stack = stack
        self.http = stack.http()

    def budget(self) -> dict[str, Any]:
        answer = self.http.get("/api/budget")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        assert (
            body["limit_microusd"]
            == body["available_microusd"] + body["reserved_microusd"] + body["spent_microusd"]
        )
        return body

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """The answer to a POST; a visitor whom the stage throttles waits for its turn."""

        def asked() -> httpx.Response | None:
            answer = self.http.post(path, json=body)
            return None if throttled(answer) else answer

        answer: httpx.Response = wait_until(f"the stage to take POST {path}", asked)
        return answer

    def admit(self, content: str = "image/png", *styles: str) -> dict[str, Any]:
        answer = self.post(
            "/api/runs",
            {
                "content": {"content_type": content},
                "styles": [{"content_type": s} for s in styles or ("image/png",)],
            },
        )
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def upload(self, post: dict[str, Any], body: bytes) -> httpx.Response:
        return httpx.post(
            post["url"],
            data=post["fields"],
            files={"file": ("picture", body)},
            headers={"Origin": self.stack.web_url},
            timeout=60,
        )

    def start(
        self, run_id: str, styles: list[dict[str, Any]] | None = None, **params: Any
    ) -> httpx.Response:
        body = {"run_id": run_id, "styles": styles or [{}], "params": {**TINY, **params}}
        return self.post("/api/run-nst", body)

    def begin(self, content: bytes | None = None, style: bytes | None = None, **params: Any) -> Any:
        """Admit, upload and start a run; the admission, with the run accepted."""
        admission = self.admit()
        uploads = admission["uploads"]
        for post, body in (
            (uploads["content"], picture(seed=1) if content is None else content),
            (uploads["styles"][0], picture(64, 64, seed=2) if style is None else style),
        ):
            answer = self.upload(post, body)
            assert answer.status_code in {200, 201, 204}, answer.text
        answer = self.start(admission["run_id"], **params)
        assert answer.status_code == 202, answer.text
        return admission

    def state(self, run_id: str) -> dict[str, Any] | None:
        answer = self.http.get(f"/api/runs/{run_id}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def _patience(self, seconds: float) -> float:
        """Seconds to wait for something of a run that takes no time itself."""
        return seconds + self.stack.timings.run_s

    def finish(self, run_id: str, timeout_s: float = 90.0) -> dict[str, Any]:
        """Wait for the run's final state."""

        def final() -> dict[str, Any] | None:
            now = self.state(run_id)
            return now if now and now["state"] in FINAL else None

        found: dict[str, Any] = wait_until(f"run {run_id} to end", final, self._patience(timeout_s))
        return found

    def settled(self, run_id: str) -> dict[str, Any]:
        """Wait until nothing is reserved any more, and give the budget."""

        def free() -> dict[str, Any] | None:
            budget = self.budget()
            return budget if budget["reserved_microusd"] == 0 else None

        found: dict[str, Any] = wait_until(
            f"the money of run {run_id} to be settled", free, self._patience(30)
        )
        return found

    def events(self, admission: dict[str, Any]) -> list[dict[str, Any]]:
        answer = httpx.get(admission["links"]["events"])
        if answer.status_code != 200:
            return []
        return [json.loads(line) for line in answer.text.splitlines()]

    def running(self, admission: dict[str, Any]) -> list[dict[str, Any]]:
        """Wait until the engine has made its first step."""

        def stepped() -> list[dict[str, Any]]:
            events = self.events(admission)
            return events if any(e["type"] == "progress" for e in events) else []

        found: list[dict[str, Any]] = wait_until(
            "the first step of the engine", stepped, self._patience(60)
        )
        return found
