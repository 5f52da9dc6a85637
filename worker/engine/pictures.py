"""Pictures from strangers: bytes in, RGB floats out, or a refusal that says why.

Nothing of a file is trusted: not its name, not its type, not its size. What a file is comes from
its content; its bytes and pixels are counted before anything is decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageCms, ImageOps

from worker.engine.errors import PictureError
from worker.engine.params import Mask, Picture

#: Pillow's names of the formats accepted; TIFF is left out: too many dialects to vouch for.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_READABLE = "JPEG, PNG, WebP, GIF or BMP"
_WIDE_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_MIB = 1024 * 1024
_GREY_MAX = 24 / 255  # what JPEG makes of grey may differ by so much between channels


@dataclass(frozen=True, slots=True)
class Limits:
    """What a picture may be.

    bytes_max: length of the file; pixels_max: width x height; side_min: px of the shorter side;
    aspect_max: longer side over shorter side.
    """

    bytes_max: int = 20 * _MIB
    pixels_max: int = 50_000_000
    side_min: int = 16
    aspect_max: float = 10.0


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """What the header says: Pillow's format name, and width and height in px as stored."""

    format: str
    width: int
    height: int


def inspect(data: bytes, limits: Limits = DEFAULT_LIMITS) -> PictureInfo:
    """Say what the picture is, from its header alone; raises PictureError like `decode`."""
    with _open(data, limits) as image:
        return PictureInfo(image.format or "", image.width, image.height)


def decode(data: bytes, *, side: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Read a picture: (height, width, 3) float32 RGB in 0..1, sRGB, upright, no transparency.

    ``side`` shrinks a larger picture to that longest side in px (never enlarges), which bounds
    the memory: give the largest size you will need. Raises PictureError with one of the codes
    empty, too_many_bytes, not_a_picture, format_not_supported, too_many_pixels, too_small,
    too_elongated, damaged.
    """
    plain = _loaded(data, side, limits, _on_white)
    if side is not None and max(plain.size) > side:
        plain.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(plain, dtype=np.float32) / np.float32(255)


def decode_mask(data: bytes, *, side: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Mask:
    """Read a mask: (height, width) float32 in 0..1, of any format that a picture may have.

    White is 1. Raises PictureError like `decode`, and with the codes mask_transparent and
    mask_coloured: what is meant by such a picture can only be guessed.
    """
    plain = _loaded(data, side, limits, _opaque)
    if side is not None and max(plain.size) > side:
        plain.thumbnail((side, side), Image.Resampling.BOX)
    channels = np.asarray(plain, dtype=np.float32) / np.float32(255)
    if float(np.ptp(channels, axis=2).max()) > _GREY_MAX:
        raise PictureError("mask_coloured", "A mask is black, white and grey; this has colours.")
    mask: Mask = channels[..., 1]
    return mask


def encode(image: Picture, kind: Literal["PNG", "JPEG"] = "PNG", quality: int = 90) -> bytes:
    """Write a picture (height, width, 3) in 0..1 with no metadata at all: no EXIF, no GPS.

    ``quality`` is JPEG's, 1..95.
    """
    pixels = np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8)
    target = io.BytesIO()
    if kind == "PNG":
        Image.fromarray(pixels).save(target, "PNG", compress_level=6)
    else:
        Image.fromarray(pixels).save(target, "JPEG", quality=quality, subsampling=0)
    return target.getvalue()


def _loaded(
    data: bytes, side: int | None, limits: Limits, plain: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Decode every pixel, turn the picture upright, and make it plain."""
    with _open(data, limits) as image:
        try:
            if side is not None:
                image.draft("RGB", (side, side))  # large JPEGs are decoded at 1/2, 1/4 or 1/8
            image.load()
            return plain(_upright(image))
        except (MemoryError, PictureError):
            raise
        except Exception as error:  # Pillow's decoders raise nearly anything on broken data
            raise PictureError(
                "damaged", "The picture is damaged or incomplete. Save it again and retry."
            ) from error


def _open(data: bytes, limits: Limits) -> Image.Image:
    """Read the header and hold it against the limits; no pixel is decoded."""
    if not data:
        raise PictureError("empty", "The file is empty. Choose a picture.")
    if len(data) > limits.bytes_max:
        raise PictureError(
            "too_many_bytes",
            f"The file has {len(data) / _MIB:.1f} MB; at most {limits.bytes_max / _MIB:.0f} MB are"
            " accepted. Save it smaller, as JPEG for example.",
        )
    try:
        with warnings.catch_warnings():
            # Pillow's own alarm at 90 and 180 million pixels; ours is the stricter one.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels("far too many", limits) from error
    except MemoryError:
        raise
    except Exception as error:  # see decode
        raise _unreadable(data) from error
    _check_size(image.width, image.height, limits)
    return image


def _unreadable(data: bytes) -> PictureError:
    """Tell a picture of another format, or a broken one, from what is none at all."""
    starts = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
    if data.startswith(starts) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return PictureError(
            "damaged", "The picture is damaged or incomplete. Save it again and retry."
        )
    others = {
        b"II*\0": "TIFF", b"MM\0*": "TIFF", b"%PDF": "PDF", b"8BPS": "Photoshop", b"<svg": "SVG",
    }  # fmt: skip
    name = others.get(data[:4])
    if data[4:8] == b"ftyp":
        name = "HEIC or AVIF" if data[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "video"
    if name is not None:
        return PictureError(
            "format_not_supported", f"This is a {name} file. Save it as {_READABLE}."
        )
    return PictureError("not_a_picture", f"This file is not a picture. Choose a {_READABLE} file.")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels_max:
        raise _too_many_pixels(f"{width} x {height}", limits)
    if min(width, height) < limits.side_min:
        raise PictureError(
            "too_small",
            f"The picture has {width} x {height} pixels; each side needs at least"
            f" {limits.side_min}. Choose a larger picture.",
        )
    if max(width, height) > limits.aspect_max * min(width, height):
        raise PictureError(
            "too_elongated",
            f"The picture is {width} x {height} pixels: one side may be at most"
            f" {limits.aspect_max:g} times the other. Crop it first.",
        )


def _too_many_pixels(found: str, limits: Limits) -> PictureError:
    return PictureError(
        "too_many_pixels",
        f"The picture has {found} pixels; at most {limits.pixels_max / 1e6:.0f} million are"
        " accepted. Make it smaller first.",
    )


def _upright(image: Image.Image) -> Image.Image:
    """Turn the picture as its EXIF orientation says; broken EXIF is no reason to refuse it."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  (EXIF parsing raises nearly anything)
        return image


def _on_white(image: Image.Image) -> Image.Image:
    """Give 8-bit sRGB with transparency laid on white."""
    profile = image.info.get("icc_profile")
    if image.mode in _WIDE_MODES:
        image = _narrow(image)
    elif image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in _ALPHA_MODES:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(_to_srgb(image.convert("RGB"), profile), mask=alpha)
        return paper
    return _to_srgb(image, profile)


def _opaque(image: Image.Image) -> Image.Image:
    """Give 8-bit sRGB of a picture whose transparency says nothing."""
    if "transparency" in image.info or image.mode in _ALPHA_MODES:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema()[0] != 255:  # noqa: PLR2004
            raise PictureError(
                "mask_transparent", "A mask has no transparency: make it black, white and grey."
            )
    return _on_white(image)


def _narrow(image: Image.Image) -> Image.Image:
    """Map 16-bit grey to 8 bits by value: Pillow's own ``convert("L")`` clips at 255."""
    values = np.asarray(image, dtype=np.float64)
    top = 255.0 if values.max(initial=0) <= 255 and image.mode == "F" else 65535.0  # noqa: PLR2004
    return Image.fromarray(np.rint(np.clip(values / top, 0, 1) * 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert from the embedded colour profile; a profile that cannot be used is left aside."""
    if profile and image.mode in ("RGB", "L", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")
