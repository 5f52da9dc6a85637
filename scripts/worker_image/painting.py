"""A tiny painting with all that a task imports; prints the files of its modules as JSON."""

from __future__ import annotations

import io
import json
import site
import sys

import uvicorn.lifespan.on
import uvicorn.loops.asyncio
import uvicorn.protocols.http.h11_impl
from PIL import Image, features

import worker.__main__
import worker.health
from system import runs
from worker.service import api, aws, callbacks, painter, runner, settings, storage


def picture(kind: str) -> bytes:
    """A picture in a format that visitors may upload."""
    data = io.BytesIO()
    Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 90).convert("RGB").save(data, kind)
    return data.getvalue()


def main() -> None:
    """Paint once by each algorithm, and say what was imported."""
    imported = (site, worker, uvicorn, api, callbacks, runner, storage)
    assert all(imported)  # noqa: S101 (they are used by being imported)
    aws.clients(settings.Settings("bucket", 1, "us-east-1", None, "127.0.0.1", 0, None, None))
    for algorithm in runs.ALGORITHMS:
        engine = painter.Painter()
        params = runs.RunParams(algorithm, size=64, quality="draft", colours="photo", seed=1)
        run = {"params": params.document(), "style_weights": [1.0, 1.0]}
        engine.prepare(run)
        pictures = engine.check(picture("JPEG"), [picture("PNG"), picture("WEBP")], [], run)
        painting = engine.paint(pictures, run, 60.0, lambda _: None, lambda: False)
        if not painting.png.startswith(b"\x89PNG") or not features.check("webp"):
            raise SystemExit("the image's packages paint nothing")
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    json.dump(sorted({file for file in files if file}), sys.stdout)


if __name__ == "__main__":
    main()
