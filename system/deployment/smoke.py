"""The smoke test of a deployment: the whole flow once, through the public address alone."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from system import website
from system.client.client import NstClient
from system.client.errors import ClientError
from system.deployment.terraform import DeploymentError
from system.money import display

TINY = {"size": 64, "quality": "draft", "seed": 1}
HTTP_S_MAX = 30
SETTLE_S_MAX = 60.0
PNG = b"\x89PNG"


def smoke_test(address: str) -> Iterator[str]:
    """Check page, API and one painting; gives a line for each check, raises DeploymentError."""
    with httpx.Client(base_url=address, timeout=HTTP_S_MAX) as http:
        page = http.get("/")
        _check(page.status_code == httpx.codes.OK and "<html" in page.text, "the page is served")
        yield "the page is served"
        missing = http.get("/api/nope")
        _check(missing.status_code == httpx.codes.NOT_FOUND, "an unknown call is a 404")
        problem = missing.headers.get("content-type", "").startswith("application/problem+json")
        _check(problem, "an unknown call is a problem document")
        yield "an unknown call is a problem document"
    try:
        yield from _painting(address)
    except ClientError as error:
        raise DeploymentError(f"The painting failed: {error}") from error


def _painting(address: str) -> Iterator[str]:
    photo, style = website.GALLERY / "tidal-waves.jpg", "ink-wash"
    with NstClient(address) as client:
        budget = client.budget()
        yield f"the budget answers: {display(budget['available_microusd'])} available"
        admission = client.admit("image/jpeg", [{"gallery": style}])
        _check(admission.content is not None, "an upload is offered")
        client.upload(admission.content, photo)
        client.start(admission.run_id, [{"gallery": style}], TINY)
        for event in client.events(admission.run_id, admission.links):
            del event
        state = client.settled(admission.run_id, SETTLE_S_MAX)
        _check(state.state == "succeeded", f"the run succeeds (it is {state.state}: {state.cause})")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.png"
            client.download(admission.run_id, path)
            _check(path.read_bytes().startswith(PNG), "the result is a PNG")
        yield "a painting came out"
        after = client.budget()
        total = sum(after[f"{part}_microusd"] for part in ("spent", "reserved", "available"))
        _check(total == after["limit_microusd"], "limit = available + reserved + spent")
        _check(after["spent_microusd"] > budget["spent_microusd"], "it was paid for")
        yield f"it cost {display(after['spent_microusd'] - budget['spent_microusd'])}"


def _check(right: object, what: str) -> None:
    if not right:
        raise DeploymentError(f"Not so: {what}.")
