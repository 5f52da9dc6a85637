"""Get Upload URL: where pictures go, whether they are there, and where results can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from handlers import parts, proxy
from handlers.aws import MISSING, error_code
from handlers.errors import InvalidRequest, RunNotFound, UploadMissing, UploadRefused
from handlers.function import Call, Function
from system import prices, runs
from system.ledger import view

UPLOAD_EXPIRES_S = 900
LINK_EXPIRES_S = 3_600
"""At most: a link also dies with the role session that signed it, so clients can ask for new."""


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Lambda's entry point."""
    return function(event, context, parts.from_environment())


def _admit(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """A new run id, where its pictures go, and where its results will be."""
    content = _picture(payload.get("content"), gallery=False)
    styles = payload.get("styles")
    if not isinstance(styles, Sequence) or isinstance(styles, str):
        raise InvalidRequest("styles must be a list.")
    if not 1 <= len(styles) <= runs.STYLES_MAX:
        raise InvalidRequest(f"A run has 1 to {runs.STYLES_MAX} styles.")
    kinds = [_picture(style, gallery=True) for style in styles]
    run_id = runs.make_run_id(call.parts.token_hex)
    call.log.bind(run_id=run_id)
    return {
        "run_id": run_id,
        "uploads": {
            "content": _post(call, runs.content_key(run_id), str(content)),
            "styles": [
                None if kind is None else _post(call, runs.style_key(run_id, place), kind)
                for place, kind in enumerate(kinds)
            ],
        },
        "max_upload_bytes": call.parts.environment.storage().upload_bytes_max,
        "uploads_expire_at": _iso(call.parts.now() + UPLOAD_EXPIRES_S),
        "links": _links(call, run_id),
        "ceiling_microusd": view.least_ceiling_microusd(call.parts.environment.rates()),
    }


def _check(payload: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The run input, once every picture of the run is there."""
    run_id = runs.check_run_id(payload.get("run_id"))
    styles = runs.parse_styles(payload.get("styles"))
    params = runs.RunParams.parse(payload.get("params", {}))
    _check_upload(call, runs.content_key(run_id), "The content picture")
    for place, style in enumerate(styles):
        if style.gallery is None:
            _check_upload(call, runs.style_key(run_id, place), f"Style picture {place + 1}")
        if params.masks:
            _check_upload(call, runs.mask_key(run_id, place), f"Mask {place + 1}")
    deadline = prices.deadline_s(params.work, params.size)
    return runs.run_input(
        run_id,
        styles,
        params,
        deadline_s=deadline,
        ceiling_microusd=prices.run_ceiling_microusd(call.parts.environment.rates(), deadline),
    )


def _post_upload_url(request: proxy.Request, call: Call) -> dict[str, Any]:
    """One presigned POST for one picture of a run, a new one or the caller's."""
    body = request.body()
    unknown = set(body) - {"run_id", "slot", "content_type"}
    if unknown:
        raise InvalidRequest(f"There is no member {min(unknown)[:40]!r}.")
    content_type = runs.check_content_type(body.get("content_type"))
    if "run_id" in body:
        run_id = runs.check_run_id(body["run_id"])
    else:
        run_id = runs.make_run_id(call.parts.token_hex)
    slot = body.get("slot")
    if not isinstance(slot, str):
        raise InvalidRequest("slot must be content, style-0 to style-3, or mask-0 to mask-3.")
    key = runs.upload_key(run_id, slot)
    if runs.is_mask(key) and content_type != runs.MASK_TYPE:
        raise InvalidRequest(f"A mask is {runs.MASK_TYPE}.")
    call.log.bind(run_id=run_id)
    document = {
        "run_id": run_id,
        "key": key,
        **_post(call, key, content_type),
        "max_upload_bytes": _bytes_max(call, key),
        "expires_at": _iso(call.parts.now() + UPLOAD_EXPIRES_S),
    }
    return proxy.answer(200, document)


def _post_links(request: proxy.Request, call: Call) -> dict[str, Any]:
    """Fresh links of a run that has its content picture."""
    run_id = runs.check_run_id(request.path.get("run_id"))
    call.log.bind(run_id=run_id)
    if _size(call, runs.content_key(run_id)) is None:
        raise RunNotFound(run_id=run_id)
    return proxy.answer(200, {"run_id": run_id, "links": _links(call, run_id)})


def _picture(document: object, *, gallery: bool) -> str | None:
    """The content type of a picture to come; None for a house style."""
    if isinstance(document, Mapping):
        if gallery and set(document) == {"gallery"} and isinstance(document["gallery"], str):
            runs.gallery_key(document["gallery"])
            return None
        if set(document) == {"content_type"}:
            return runs.check_content_type(document["content_type"])
    also = ", or {gallery}" if gallery else ""
    raise InvalidRequest("A picture is {content_type}" + also + ".")


def _post(call: Call, key: str, content_type: str) -> dict[str, Any]:
    """A presigned POST for exactly this key and type, 1 byte to the limit, for 15 minutes.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
    """
    storage = call.parts.environment.storage()
    post: dict[str, Any] = call.parts.client("s3").generate_presigned_post(
        Bucket=storage.bucket,
        Key=key,
        Fields={"Content-Type": content_type},
        Conditions=[
            {"Content-Type": content_type},
            ["content-length-range", 1, _bytes_max(call, key)],
        ],
        ExpiresIn=UPLOAD_EXPIRES_S,
    )
    return {"url": post["url"], "fields": post["fields"]}


def _bytes_max(call: Call, key: str) -> int:
    most = call.parts.environment.storage().upload_bytes_max
    return min(most, runs.MASK_BYTES_MAX) if runs.is_mask(key) else most


def _links(call: Call, run_id: str) -> dict[str, str]:
    # Shown in the page, and under a friendly name when it is saved.
    shown = {"ResponseContentDisposition": f'inline; filename="nst-art-{run_id[:8]}.png"'}
    links = {
        "events": _get(call, runs.events_key(run_id)),
        "preview": _get(call, runs.preview_key(run_id)),
        "result": _get(call, runs.result_key(run_id), shown),
        "expires_at": _iso(call.parts.now() + LINK_EXPIRES_S),
    }
    if call.parts.environment.live_events:
        links["events_live"] = runs.live_events_path(run_id)
    return links


def _get(call: Call, key: str, overrides: Mapping[str, str] | None = None) -> str:
    bucket = call.parts.environment.storage().bucket
    url: str = call.parts.client("s3").generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket, "Key": key, **(overrides or {})},
        ExpiresIn=LINK_EXPIRES_S,
    )
    return url


def _check_upload(call: Call, key: str, name: str) -> None:
    size = _size(call, key)
    if size is None:
        raise UploadMissing(f"{name} was not uploaded; please upload it and start again.")
    most = call.parts.environment.storage().upload_bytes_max
    if size == 0:
        raise UploadRefused(f"{name} is an empty file.")
    if size > most:
        raise UploadRefused(f"{name} has {size} bytes; at most {most} are taken.")


def _size(call: Call, key: str) -> int | None:
    """The size of an object in bytes; None when there is none."""
    bucket = call.parts.environment.storage().bucket
    try:
        head = call.parts.client("s3").head_object(Bucket=bucket, Key=key)
    except Exception as error:
        if error_code(error) in MISSING:
            return None
        raise
    return int(head["ContentLength"])


def _iso(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


function = Function(
    "get_upload_url",
    actions={"admit": _admit, "check": _check},
    routes={
        "POST /api/upload-urls": _post_upload_url,
        "POST /api/runs/{run_id}/links": _post_links,
    },
)
parts.warm("s3")
