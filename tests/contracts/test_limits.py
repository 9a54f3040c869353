"""What each API takes, to the pixel, to the byte and by format; inclusive or strict as in contracts.md section 8."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picwish, task_record
from cutline.errors import InputRefused, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from tests.support.pictures import padded, picture

EVERY_FORMAT = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "AVIF")


@dataclass(frozen=True)
class Expected:
    """The first and last side and the last byte taken, the formats, and what the API says one step further."""

    limits: PictureLimits
    code: Callable[[Reason], Any]
    min_px: int
    max_px: int
    max_bytes: int
    formats: frozenset[str]
    too_small: Any
    too_large: Any
    too_heavy: Any
    other_format: Any


def formats(text: str) -> frozenset[str]:
    return frozenset(text.split())


APIS = {
    "jdc": Expected(
        jd_matting.LIMITS, lambda reason: jd_matting.ERRORS[reason][0],
        1, 4096, 10 * MIB, formats("JPEG PNG BMP GIF WEBP"),
        None, 12004, 12004, 12003,
    ),
    "jds": Expected(
        jd_selfie.LIMITS, lambda reason: jd_selfie.ERRORS[reason][0],
        50, 1024, 2 * MIB - 1, formats("JPEG BMP PNG GIF"),
        1004, 1004, 1004, 1005,
    ),
    "pw": Expected(
        picwish.LIMITS, lambda reason: task_record.STATES.get(reason) or picwish.ERRORS[reason][0], 1, 4096, 15 * MIB,
        formats("JPEG BMP PNG WEBP TIFF AVIF"), None, -7, 413, -7,
    ),
    "aid": Expected(
        aidge.LIMITS, lambda reason: aidge.ERRORS[reason][0], 100, 3000, 10 * MIB, formats("JPEG PNG BMP WEBP"),
        700, 700, 700, 700,
    ),
    "ail": Expected(
        ailabtools.LIMITS, lambda reason: ailabtools.ERRORS[reason].code, 51, 2999, 5 * MIB, formats("JPEG BMP PNG"),
        "ERROR_LOW_RESOLUTION", "FILE_RESOLUTION_EXCEEDS_LIMITS", "FILE_SIZE_EXCEEDS_LIMIT", "UNSUPPORTED_FILE_TYPES",
    ),
}  # fmt: skip


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> Expected:
    return APIS[request.param]


def refusal(api: Expected, data: bytes) -> Any:
    with pytest.raises(InputRefused) as refused:
        decode_image(data, api.limits)
    return api.code(refused.value.reason)


def both_ways(side: int, other: int) -> list[tuple[int, int]]:
    return [(side, other), (other, side)]


def test_the_first_and_the_last_side_are_taken(api: Expected) -> None:
    for side in (api.min_px, api.min_px + 1, api.max_px - 1, api.max_px):
        for width, height in both_ways(side, api.min_px):
            taken = decode_image(picture(width, height), api.limits)
            assert (taken.width, taken.height) == (width, height)


def test_one_pixel_further_is_refused(api: Expected) -> None:
    for width, height in both_ways(api.max_px + 1, api.min_px):
        assert refusal(api, picture(width, height)) == api.too_large
    for width, height in both_ways(api.min_px - 1, api.max_px) if api.too_small else []:
        assert refusal(api, picture(width, height)) == api.too_small


def test_the_last_byte_is_taken_and_one_more_is_refused(api: Expected) -> None:
    jpeg = picture(api.min_px, api.min_px, "JPEG")
    assert decode_image(padded(jpeg, api.max_bytes), api.limits).width == api.min_px
    assert refusal(api, padded(jpeg, api.max_bytes + 1)) == api.too_heavy


@pytest.mark.parametrize("image_format", EVERY_FORMAT)
def test_formats_are_recognised_by_the_bytes(api: Expected, image_format: str) -> None:
    data = picture(api.min_px, api.min_px, image_format)
    if image_format in api.formats:
        assert decode_image(data, api.limits).format == image_format
    else:
        assert refusal(api, data) == api.other_format
