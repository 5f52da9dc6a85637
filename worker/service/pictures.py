"""Fetching the pictures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from system import runs
from worker.service.control import Control
from worker.service.parts import Parts
from worker.service.patience import insist
from worker.service.ports import PictureRefusedError
from worker.service.storage import ObjectMissingError, ObjectTooLargeError


class Fetcher:
    """Reads the pictures of a run input, one after the other."""

    def __init__(self, control: Control, parts: Parts) -> None:
        self._control = control
        self._storage = parts.storage
        self._clock = parts.clock
        self._timings = parts.timings
        self._bytes_max = parts.picture_bytes_max

    def fetch(self, run: Mapping[str, Any]) -> tuple[bytes, list[bytes], list[bytes]]:
        """The content, the styles and their masks, at most ``picture_bytes_max`` each.

        Raises PictureRefusedError, RunStoppedError as soon as the run is to stop, UnansweredError
        when S3 does not answer.
        """
        keys = run["style_keys"]
        if not 1 <= len(keys) <= runs.STYLES_MAX:
            raise ValueError(f"a run has 1 to {runs.STYLES_MAX} styles, not {len(keys)}")
        masks = run.get("mask_keys", [])
        if masks and len(masks) != len(keys):
            raise ValueError(f"a run has a mask for each style or none, not {len(masks)}")
        content = self._one(run["content_key"], "content picture")
        return (
            content,
            [self._one(key, f"style picture {place}") for place, key in enumerate(keys, start=1)],
            [self._one(key, f"mask {place}") for place, key in enumerate(masks, start=1)],
        )

    def _one(self, key: str, name: str) -> bytes:
        def read() -> bytes:
            self._control.check()
            return self._storage.fetch(key, self._bytes_max, self._control.check)

        try:
            return insist(
                read,
                self._timings.report_patience_s,
                self._clock,
                lambda: self._control.pause(self._timings.retry_s),
            )
        except ObjectMissingError as error:
            raise PictureRefusedError(
                f"The {name} is not there any more; please upload it again."
            ) from error
        except ObjectTooLargeError as error:
            raise PictureRefusedError(
                f"The {name} has more than {self._bytes_max / 1024**2:g} MB; please use a"
                " smaller one."
            ) from error
