"""Pictures from strangers: each is read right or refused with a reason."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from worker.engine import Limits, PictureError, decode, decode_mask, encode, inspect

RED, GREEN = (255, 0, 0), (0, 128, 0)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def plain(colour: Any = RED, size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


def refusal(data: bytes, **options: Any) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decode(data, **options)
    assert caught.value.message.endswith(".")
    assert caught.value.message == str(caught.value)
    return caught.value


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


def noisy(size: tuple[int, int] = (120, 90)) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_reads_every_accepted_format(kind: str) -> None:
    picture = decode(saved(plain(), kind))
    assert picture.shape == (30, 40, 3)
    assert picture.dtype == np.float32
    assert np.abs(picture - (1, 0, 0)).max() < 0.03


def test_tells_format_and_size_without_decoding() -> None:
    info = inspect(png_header(640, 480) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    assert (info.format, info.width, info.height) == ("PNG", 640, 480)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"Dear sir, please find my picture attached.", "not_a_picture"),
        (b"PK\x03\x04" + bytes(100), "not_a_picture"),
        (b"<html><img src=x onerror=alert(1)></html>", "not_a_picture"),
        (saved(plain(), "TIFF"), "format_not_supported"),
        (b"%PDF-1.7 and so on", "format_not_supported"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "format_not_supported"),
        (b"\xff\xd8\xff\xe0 and then nothing", "damaged"),
        (b"GIF89a", "damaged"),
        (saved(plain(size=(1, 1))), "too_small"),
        (saved(plain(size=(400, 15))), "too_small"),
        (saved(plain(size=(400, 30))), "too_elongated"),
    ],
)
def test_refuses_with_a_reason(data: bytes, code: str) -> None:
    assert refusal(data).code == code


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_000, 10_000), (2**31 - 1, 2**31 - 1)])
def test_refuses_a_bomb_by_its_header(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: Any) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decoded)
    body = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    assert refusal(png_header(*size) + body).code == "too_many_pixels"


def test_refuses_too_many_bytes_before_looking() -> None:
    assert refusal(bytes(101), limits=Limits(bytes_max=100)).code == "too_many_bytes"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_refuses_what_was_cut_short(kind: str, part: float) -> None:
    whole = saved(noisy(), kind)
    assert refusal(whole[: int(len(whole) * part)]).code == "damaged"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_the_picture_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.new("RGB", (48, 32))
    stored.paste(RED, (0, 0, 24, 16))
    picture = decode(saved(stored, "PNG", exif=exif))
    assert picture.shape == ((48, 32, 3) if orientation > 4 else (32, 48, 3))
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1)}
    at = {**corner, 7: (-1, -1), 8: (-1, 0)}[orientation]
    assert picture[at].tolist() == [1, 0, 0]


def test_broken_exif_is_no_reason_to_refuse() -> None:
    assert decode(saved(plain(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).shape == (
        30,
        40,
        3,
    )


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (plain(128, mode="L"), (0.5, 0.5, 0.5)),
        (plain(1, mode="1"), (1, 1, 1)),
        (plain((200, 0), mode="LA"), (1, 1, 1)),
        (plain((255, 0, 0, 0), mode="RGBA"), (1, 1, 1)),
        (plain((0, 0, 0, 128), mode="RGBA"), (0.5, 0.5, 0.5)),
        (plain(GREEN).convert("P", palette=Image.Palette.ADAPTIVE), (0, 0.5, 0)),
    ],
    ids=["grey", "bilevel", "grey-alpha", "clear", "half-clear", "palette"],
)
def test_modes_become_rgb_on_white(image: Image.Image, expected: tuple[float, ...]) -> None:
    assert np.abs(decode(saved(image)) - expected).max() < 0.01


def test_palette_with_a_clear_colour_lies_on_white() -> None:
    image = plain(0, mode="P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.paste(1, (0, 0, 20, 30))
    picture = decode(saved(image, "GIF", transparency=0))
    assert picture[5, 35].tolist() == [1, 1, 1]
    assert np.abs(picture[5, 5] * 255 - (200, 100, 50)).max() < 1


def test_rgb_with_a_clear_colour_lies_on_white() -> None:
    assert decode(saved(plain(), "PNG", transparency=RED))[5, 5].tolist() == [1, 1, 1]


@pytest.mark.parametrize("value", [0, 300, 32768, 65535])
def test_sixteen_bit_grey_keeps_its_values(value: int) -> None:
    values = np.full((30, 40), value, dtype=np.uint16)
    picture = decode(saved(Image.fromarray(values)))
    assert np.abs(picture - value / 65535).max() < 1 / 255


def test_cmyk_becomes_rgb() -> None:
    picture = decode(saved(plain((0, 255, 255, 0), mode="CMYK"), "JPEG", quality=95))
    assert np.abs(picture - (1, 0, 0)).max() < 0.05


def test_colours_of_another_profile_are_converted() -> None:
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    lab = saved(plain(), "PNG", icc_profile=linear)
    assert decode(lab).shape == (30, 40, 3)


@pytest.mark.parametrize("profile", [b"no profile", bytes(200)])
def test_a_useless_profile_is_left_aside(profile: bytes) -> None:
    assert decode(saved(plain(), "PNG", icc_profile=profile))[0, 0].tolist() == [1, 0, 0]


def test_same_profile_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = decode(saved(plain(GREEN), "PNG", icc_profile=srgb))
    assert np.abs(picture * 255 - GREEN).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame(kind: str) -> None:
    data = saved(plain(RED), kind, save_all=True, append_images=[plain(GREEN)], duration=100)
    assert np.abs(decode(data) - (1, 0, 0)).max() < 0.03


def test_a_polyglot_is_only_a_picture() -> None:
    tail = b"PK\x03\x04<script>alert(1)</script>"
    picture = decode(saved(plain()) + tail)
    assert tail not in encode(picture)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_results_carry_no_metadata(kind: Any) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    written = encode(decode(saved(plain(), "JPEG", exif=exif)), kind)
    with Image.open(io.BytesIO(written)) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert b"camera" not in written


def test_shrinks_to_the_size_needed() -> None:
    assert decode(saved(plain(size=(900, 600)), "JPEG"), side=90).shape == (60, 90, 3)
    assert decode(saved(plain()), side=90).shape == (30, 40, 3)


@settings(max_examples=40, deadline=None)
@given(
    pixels=st.integers(16, 40).flatmap(
        lambda h: st.integers(16, 40).flatmap(
            lambda w: st.binary(min_size=h * w * 3, max_size=h * w * 3).map(
                lambda raw: np.frombuffer(raw, np.uint8).reshape(h, w, 3)
            )
        )
    )
)
def test_png_round_trip_is_exact(pixels: Any) -> None:
    picture = decode(saved(Image.fromarray(pixels)))
    again = decode(encode(picture))
    assert (np.rint(picture * 255) == pixels).all()
    assert (again == picture).all()


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_broken_bytes_are_read_or_refused_and_never_crash(
    kind: str, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(saved(noisy((32, 24)), kind))
    for place, value in flips:
        data[int(place * len(data))] = value
    try:
        picture = decode(bytes(data), limits=Limits(pixels_max=1_000_000))
    except PictureError as error:
        assert error.code  # noqa: PT017 - either outcome is right
    else:
        assert picture.ndim == 3
        assert np.isfinite(picture).all()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        decode(data)


def ramp(width: int = 48, height: int = 32) -> np.ndarray:
    return np.tile(np.linspace(0, 255, width, dtype=np.uint8), (height, 1))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(ramp()), "PNG"),
        (Image.fromarray(ramp()), "JPEG"),
        (Image.fromarray(ramp()).convert("RGB"), "PNG"),
        (Image.fromarray(ramp()).convert("RGBA"), "PNG"),
        (Image.fromarray(ramp()).convert("P"), "PNG"),
        (Image.fromarray(ramp().astype(np.uint16) * 257), "PNG"),
    ],
)
def test_a_mask_is_grey_in_whatever_way_it_is_saved(image: Image.Image, kind: str) -> None:
    mask = decode_mask(saved(image, kind))
    assert mask.dtype == np.float32
    assert np.abs(mask - ramp() / 255).max() < 0.02
    assert max(decode_mask(saved(image, kind), side=24).shape) == 24


def test_a_mask_of_black_and_white_has_shares_of_none_and_all() -> None:
    mask = decode_mask(saved(Image.fromarray(ramp() > 127)))
    assert set(np.unique(mask)) == {0, 1}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (saved(plain(RED)), "mask_coloured"),
        (saved(plain((255, 255, 255, 0), mode="RGBA")), "mask_transparent"),
        (b"", "empty"),
        (saved(noisy().convert("L"))[:400], "damaged"),
    ],
)
def test_a_mask_whose_meaning_could_only_be_guessed_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        decode_mask(data)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")
