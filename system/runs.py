"""A run: its id, its keys in the storage bucket, its parameters, its input and digest."""

from __future__ import annotations

import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from system import gallery

RUN_ID_PATTERN = r"^[0-9a-f]{32}$"
STYLES_MAX = 4
ALGORITHMS = ("painted", "instant")
QUALITIES = ("draft", "good", "best")
WORKS = (*QUALITIES, "instant")
"""What has a time and a price of its own: the qualities of a painted run, and an instant one."""
SIZE_MIN, SIZE_MAX = 64, 1024
STRENGTH_MAX = 2.0
COLOURS = ("style", "palette", "photo")
STYLE_SCALE_MIN, STYLE_SCALE_MAX = 0.5, 2.0
SEED_MAX = 2**31 - 1
WEIGHT_MIN, WEIGHT_MAX = 0.01, 1.0
CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp")
"""What an upload may say it is; the worker goes by the content alone."""

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_SLOT = re.compile(rf"content|(style|mask)-[0-{STYLES_MAX - 1}]")
MASK_TYPE = "image/png"
"""What an upload of a mask must say it is: JPEG would make its edges ring."""
MASK_BYTES_MAX = 2 * 1024 * 1024
"""A plane of few values: as PNG, 1024 x 1024 px without noise have a tenth of it at most."""


class InvalidRunError(ValueError):
    """Something about a run is not as it must be; the message is a sentence for the visitor."""


def make_run_id(token_hex: Callable[[int], str] = secrets.token_hex) -> str:
    """A new run id: 128 random bits as 32 lower-case hexadecimal digits."""
    return token_hex(16)


def is_run_id(value: object) -> bool:
    """Whether a value is a run id."""
    return isinstance(value, str) and _RUN_ID.fullmatch(value) is not None


def check_run_id(value: object) -> str:
    """The value, if it is a run id; raises InvalidRunError."""
    if not isinstance(value, str) or not _RUN_ID.fullmatch(value):
        raise InvalidRunError("A run id is 32 lower-case hexadecimal digits.")
    return value


# Keys in the storage bucket. Every key of a run is made here, from a checked run id.


def upload_key(run_id: str, slot: str) -> str:
    """Where a picture is uploaded: ``content``, ``style-0`` to ``-3``, ``mask-0`` to ``-3``."""
    if not _SLOT.fullmatch(slot):
        last = STYLES_MAX - 1
        raise InvalidRunError(
            f"A picture is content, style-0 to style-{last}, or mask-0 to mask-{last}."
        )
    return f"runs/{check_run_id(run_id)}/{slot}"


def content_key(run_id: str) -> str:
    """The content picture."""
    return upload_key(run_id, "content")


def style_key(run_id: str, place: int) -> str:
    """The style picture at ``place`` (from 0) of the list."""
    return upload_key(run_id, f"style-{place}")


def mask_key(run_id: str, place: int) -> str:
    """The mask of the style at ``place`` (from 0) of the list."""
    return upload_key(run_id, f"mask-{place}")


def is_mask(key: str) -> bool:
    """Whether an upload's key is that of a mask."""
    return key.rpartition("/")[2].startswith("mask-")


def gallery_key(gallery_id: str) -> str:
    """A house style; raises InvalidRunError for an id that is not in the gallery."""
    if gallery_id not in gallery.ids():
        raise InvalidRunError(f"The gallery has {', '.join(sorted(gallery.ids()))}.")
    return f"gallery/{gallery_id}.jpg"


def events_key(run_id: str) -> str:
    """The event log."""
    return f"runs/{check_run_id(run_id)}/events.jsonl"


def live_events_path(run_id: str) -> str:
    """Where the API streams a run's events, in deployments that do."""
    return f"/api/runs/{check_run_id(run_id)}/events"


def preview_key(run_id: str) -> str:
    """The newest preview."""
    return f"runs/{check_run_id(run_id)}/preview.jpg"


def result_key(run_id: str) -> str:
    """The painting."""
    return f"runs/{check_run_id(run_id)}/result.png"


def start_order_key(run_id: str) -> str:
    """The start order (private: it has the callback token)."""
    return f"orders/{check_run_id(run_id)}/start.json"


def watch_key(run_id: str) -> str:
    """The second callback token (private)."""
    return f"orders/{check_run_id(run_id)}/watch.json"


def cancel_key(run_id: str) -> str:
    """The mark that the visitor stopped the run."""
    return f"orders/{check_run_id(run_id)}/cancel"


def over_key(run_id: str) -> str:
    """The mark that the run is over: no task may be started for it any more."""
    return f"orders/{check_run_id(run_id)}/over"


@dataclass(frozen=True)
class RunParams:
    """How to paint; ``RunParams.parse`` is the only way in from outside.

    ``size``: longest side in pixels, 64 to 1024. ``quality``: a compute budget, so that the price
    is known before. ``strength``: 0 to 2, 1 is balanced. ``colours``: the style's, the photograph's
    palette, or the photograph's at every place. ``style_scale``: how large the strokes are, 0.5 to
    2. ``masks``: each style has a mask, uploaded at its place. ``seed``: 0 to 2**31 - 1. The
    algorithm ``instant`` takes no account of quality and seed.
    """

    algorithm: str = "painted"
    size: int = 512
    quality: str = "good"
    strength: float = 1.0
    colours: str = "style"
    style_scale: float = 1.0
    masks: bool = False
    seed: int = 0

    @classmethod
    def parse(cls, document: object) -> RunParams:
        """Parameters from JSON; what is left out has its default. Raises InvalidRunError.

        ``keep_colours`` is what clients sent before there were ``colours``, and what runs of that
        time have in their input: true is ``photo``, false ``style``.
        """
        if not isinstance(document, Mapping):
            raise InvalidRunError("params must be an object.")
        document = _with_colours(document)
        defaults = asdict(cls())
        unknown = sorted(str(name) for name in document if name not in defaults)
        if unknown:
            raise InvalidRunError(f"There is no parameter {unknown[0][:40]!r}.")
        given = {**defaults, **document}
        return cls(
            algorithm=_choice(given, "algorithm", ALGORITHMS),
            size=_whole(given, "size", SIZE_MIN, SIZE_MAX),
            quality=_choice(given, "quality", QUALITIES),
            strength=_number(given["strength"], "strength", 0.0, STRENGTH_MAX),
            colours=_choice(given, "colours", COLOURS),
            style_scale=_number(
                given["style_scale"], "style_scale", STYLE_SCALE_MIN, STYLE_SCALE_MAX
            ),
            masks=_flag(given, "masks"),
            seed=_whole(given, "seed", 0, SEED_MAX),
        )

    @property
    def work(self) -> str:
        """Which of ``WORKS`` it is."""
        return self.algorithm if self.algorithm == "instant" else self.quality

    def document(self) -> dict[str, Any]:
        """As JSON, every parameter named."""
        return asdict(self)


@dataclass(frozen=True)
class Style:
    """A style of a run: a house style (``gallery`` is its id) or an upload, and its weight."""

    gallery: str | None = None
    weight: float = 1.0

    @classmethod
    def parse(cls, document: object) -> Style:
        """``{"gallery"?, "weight"?}``; raises InvalidRunError."""
        if not isinstance(document, Mapping) or not set(document) <= {"gallery", "weight"}:
            raise InvalidRunError("A style is an object with gallery and weight, both optional.")
        chosen = document.get("gallery")
        if chosen is not None:
            if not isinstance(chosen, str):
                raise InvalidRunError("gallery must be the id of a house style.")
            gallery_key(chosen)
        weight = _number(document.get("weight", 1.0), "weight", WEIGHT_MIN, WEIGHT_MAX)
        return cls(chosen, weight)

    def key(self, run_id: str, place: int) -> str:
        """Where the picture is: in the gallery, or uploaded at its place in the list."""
        return style_key(run_id, place) if self.gallery is None else gallery_key(self.gallery)


def parse_styles(document: object) -> list[Style]:
    """1 to 4 styles; raises InvalidRunError."""
    if not isinstance(document, Sequence) or isinstance(document, str | bytes):
        raise InvalidRunError("styles must be a list.")
    if not 1 <= len(document) <= STYLES_MAX:
        raise InvalidRunError(f"A run has 1 to {STYLES_MAX} styles.")
    return [Style.parse(style) for style in document]


def check_content_type(value: object) -> str:
    """The type that an upload says it has; raises InvalidRunError."""
    if not isinstance(value, str) or value not in CONTENT_TYPES:
        raise InvalidRunError(f"content_type must be one of {', '.join(CONTENT_TYPES)}.")
    return value


def run_input(
    run_id: str,
    styles: Sequence[Style],
    params: RunParams,
    *,
    deadline_s: int,
    ceiling_microusd: int,
) -> dict[str, Any]:
    """The run input: all that a task needs to know, with the digest that names it.

    ``mask_keys`` is there only with masks.
    """
    document: dict[str, Any] = {
        "run_id": check_run_id(run_id),
        "content_key": content_key(run_id),
        "style_keys": [style.key(run_id, place) for place, style in enumerate(styles)],
        "style_weights": [style.weight for style in styles],
        "params": params.document(),
        "deadline_s": deadline_s,
        "ceiling_microusd": ceiling_microusd,
    }
    if params.masks:
        document["mask_keys"] = [mask_key(run_id, place) for place in range(len(styles))]
    return {**document, "digest": digest(document)}


def canonical(document: Any) -> str:
    """The one JSON text of a document: sorted keys, no spaces, ASCII, no NaN.

    A whole number is written as one (``1``, not ``1.0``): JSON does not tell the two apart, and
    neither do the workflows that carry documents. Raises ValueError for numbers that JSON does not
    have.
    """
    return json.dumps(
        _whole_numbers(document), sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of everything but ``digest`` itself."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    return hashlib.sha256(canonical(rest).encode()).hexdigest()


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_numbers(item) for item in value]
    return value


def _choice(given: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
    value = given[name]
    if not isinstance(value, str) or value not in allowed:
        raise InvalidRunError(f"{name} must be one of {', '.join(allowed)}.")
    return value


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = given[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 512.0 from 512, and a workflow may write either
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidRunError(f"{name} must be a whole number from {least} to {most}.")
    return value


def _number(value: object, name: str, least: float, most: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidRunError(f"{name} must be a number from {least:g} to {most:g}.")
    # The comparison comes first: a whole number may be too large to be a float at all.
    if not least <= value <= most or not math.isfinite(value):
        raise InvalidRunError(f"{name} must be a number from {least:g} to {most:g}.")
    return float(value)


def _flag(given: Mapping[str, Any], name: str) -> bool:
    value = given[name]
    if not isinstance(value, bool):
        raise InvalidRunError(f"{name} must be true or false.")
    return value


def _with_colours(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters with ``colours`` in place of ``keep_colours``."""
    if "keep_colours" not in document:
        return document
    if "colours" in document:
        raise InvalidRunError("keep_colours is the older name of colours: give colours alone.")
    rest = {name: value for name, value in document.items() if name != "keep_colours"}
    kept = _flag(document, "keep_colours")
    return {**rest, "colours": "photo" if kept else "style"}
