"""Paint one picture in this process, so that another one can count what it takes.

``python -m benchmarks.nst.paint RECIPE CONTENT STYLE OUTPUT`` writes a PNG and prints one line of
JSON; RECIPE is a quality of the engine, ``instant`` or ``tutorial``.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, cast

from PIL import Image

from benchmarks.nst.pictures import SIZE
from worker.engine import EngineParams, Picture, Quality, decode, encode, stylize

INSTANT, TUTORIAL, CROWSONKB = "instant", "tutorial", "crowsonkb"


def main() -> None:
    """Paint and say how many evaluations it took, in which number format."""
    recipe, content, style, output = sys.argv[1:]
    pictures = [decode(Path(path).read_bytes()) for path in (content, style)]
    image, facts = paint(recipe, *pictures)
    Path(output).write_bytes(encode(image))
    print(json.dumps(facts))


def paint(recipe: str, content: Picture, style: Picture) -> tuple[Picture, dict[str, Any]]:
    """Give the painting and its facts: evaluations, dtype."""
    if recipe == TUTORIAL:
        from benchmarks.nst import tutorial  # noqa: PLC0415
        from worker.engine import pyramid  # noqa: PLC0415

        image, made = tutorial.stylize(pyramid.to_tensor(content), pyramid.to_tensor(style))
        return pyramid.to_picture(image), {"evaluations": made, "dtype": "float32"}
    if recipe == CROWSONKB:
        from benchmarks.nst import crowsonkb  # noqa: PLC0415

        image, made = crowsonkb.stylize(_pillow(content), _pillow(style), SIZE)
        return decode(_png(image)), {"evaluations": made, "dtype": "bfloat16"}
    if recipe == INSTANT:
        params = EngineParams(size=SIZE, algorithm="instant")
    else:
        params = EngineParams(size=SIZE, quality=cast("Quality", recipe))
    result = stylize(content, [style], params)
    return result.image, {"evaluations": result.steps, "dtype": result.dtype}


def _pillow(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(encode(picture)))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
