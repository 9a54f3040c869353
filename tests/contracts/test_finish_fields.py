"""Shadow and background in the request of every API that has fields, and what is refused there."""

import base64
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from cutline.contracts import aidge, ailabtools, drops, jd_matting, jd_selfie, picwish, rembg, removebg
from cutline.contracts.wire import Job, Progress, Request, Source
from cutline.errors import InputRefused, Reason
from cutline.pipeline.finish.options import Background, BackgroundPicture, Blur, Gradient, Shadow
from cutline.pipeline.options import METADATA_MODES
from tests.support.calls import Part, call, json_call, json_of, multipart, multipart_call

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
WOOD = b"\x89PNG\r\n\x1a\nwood" + bytes(64)
ENCODED = base64.b64encode(PICTURE).decode()
Fields = dict[str, str]
_GENERAL = "/api/cutout/general/"


def _form(path: str, name: str) -> Callable[[Fields, bytes], Request]:
    def made(fields: Fields, file: bytes) -> Request:
        texts = [Part(f'; name="{key}"', value.encode()) for key, value in fields.items()]
        files = [Part(f'; name="{name}"; filename="a.png"', PICTURE)]
        files += [Part('; name="background_file"; filename="b.png"', file)] if file else []
        return multipart_call(multipart(*files, *texts), path=path)

    return made


FORMS: dict[str, tuple[ModuleType, Callable[[Fields, bytes], Request]]] = {
    "picwish": (picwish, _form("/api/tasks/visual/segmentation", "image_file")),
    "ailab costume": (ailabtools, _form(f"{_GENERAL}apparel-background-removal", "image")),
    "ailab things": (ailabtools, _form(f"{_GENERAL}commodity-background-removal", "image")),
    "ailab hd": (ailabtools, _form(ailabtools.HD_ROUTE, "image")),
    "rembg": (rembg, _form("/api/remove", "file")),
}
ALL = {
    **FORMS,
    "aidge": (aidge, lambda fields, _: json_call({"imageBase64": ENCODED, **fields})),
    "jd": (jd_matting, lambda fields, _: call(PICTURE, query=tuple(fields.items()))),
    "jd selfie": (jd_selfie, lambda fields, _: call(json.dumps({"image": ENCODED, **fields}).encode())),
}
REMOVE_BG = (removebg, _form("/v1.0/removebg", "image_file"))
GREY = (0x80, 0x80, 0x80)
BACKGROUNDS: dict[str, Background] = {
    "808080": GREY,
    "ffffff,808080,90deg": Gradient((255, 255, 255), GREY, 90),
    "blur": Blur(),
    "https://shop.example/wood.jpg": BackgroundPicture("https://shop.example/wood.jpg"),
    "upload:u/shop/0123": BackgroundPicture("upload:u/shop/0123"),
}


def finish_of(job: Job) -> tuple[Shadow, Any]:
    asked = job.options if hasattr(job.options, "shadow") else job.cut
    background = asked.background  # type: ignore[union-attr]
    is_rgba = isinstance(background, tuple) and len(background) == len("RGBA")
    return asked.shadow, background[:3] if is_rgba else background  # type: ignore[union-attr,index]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", BACKGROUNDS)
def test_every_api_takes_both(name: str, text: str) -> None:
    contract, request = ALL[name]
    job = contract.parse(request({"shadow": "drop 60% 20deg", "background": text}, b""))
    assert finish_of(job) == (Shadow("drop", 0.6, angle=20), BACKGROUNDS[text])
    assert job.backdrop == (Source(url=text) if ":" in text else None)
    bare = contract.parse(request({}, b""))
    assert (finish_of(bare), bare.backdrop) == ((Shadow(), None), None)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_takes_the_background_as_a_file(name: str) -> None:
    contract, request = FORMS[name]
    job = contract.parse(request({"background_fit": "contain"}, WOOD))
    assert job.backdrop == Source(data=WOOD)
    assert finish_of(job) == (Shadow(), BackgroundPicture(fit="contain"))
    with pytest.raises(InputRefused, match="background_file"):
        contract.parse(request({"background": "blur"}, WOOD))
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.IMAGE_TOO_LARGE):
        contract.parse(request({}, bytes(contract.LIMITS.max_bytes + 15 * 2**20 + 1)))


@pytest.mark.parametrize("name", [*ALL, "remove.bg"])
@pytest.mark.parametrize("mode", METADATA_MODES)
def test_every_api_takes_metadata(name: str, mode: str) -> None:
    contract, request = {**ALL, "remove.bg": REMOVE_BG}[name]
    job = contract.parse(request({"metadata": mode}, b""))
    assert (job.options if hasattr(job.options, "metadata") else job.cut).metadata == mode
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.PARAMETER_INVALID) as caught:
        contract.parse(request({"metadata": "some"}, b""))
    assert "none, keep, all" in json.dumps(json_of(contract.refuse(request({}, b""), caught.value)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"shadow": "soft"}, "none, keep, drop, auto"),
        ({"background": "greenish"}, "a colour such as ffffff"),
        ({"background": "blur", "background_fit": "stretch"}, "cover, contain"),
    ],
)
def test_an_unknown_value_is_refused_in_the_apis_own_words(name: str, fields: Fields, named: str) -> None:
    contract, request = ALL[name]
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.PARAMETER_INVALID) as caught:
        contract.parse(request(fields, b""))
    answer = contract.refuse(request(fields, b""), caught.value)
    assert named in json.dumps(json_of(answer)), answer.body
    assert "INTERNAL" not in answer.body.decode()
    assert answer.status in (200, 400, 422)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("picwish", {"bg_color": "ffffff"}),
        ("picwish", {"profile": "ebay"}),
        ("ailab costume", {"return_form": "whiteBK"}),
        ("ailab things", {"return_form": "whitebk"}),
        ("rembg", {"bgc": "1,2,3,4"}),
        ("aidge", {"backGroundType": "WHITE_BACKGROUND"}),
    ],
)
def test_two_backgrounds_are_refused(name: str, fields: Fields) -> None:
    contract, request = ALL[name]
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.PARAMETER_INVALID):
        contract.parse(request({**fields, "background": "blur"}, b""))


@pytest.mark.parametrize("name", ALL)
def test_sixteen_bits_are_for_transparent_cut_outs(name: str) -> None:
    contract, request = ALL[name]
    assert contract.parse(request({"depth": "8"}, b"")).cut.depth == 8
    refused = [{"depth": "12"}, {"depth": "16", "shadow": "drop"}, {"depth": "16", "background": "blur"}]
    if name in ("ailab costume", "rembg", "jd selfie"):
        refused.append({"depth": "16"})
    else:
        assert contract.parse(request({"depth": "16", "background": "transparent"}, b"")).cut.depth == 16
    if name == "picwish":
        refused += [{"depth": "16", **more} for more in ({"format": "webp"}, {"profile": "ebay"}, {"output_type": "3"})]
    for fields in refused:
        with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.PARAMETER_INVALID):
            contract.parse(request(fields, b""))


@pytest.mark.parametrize("text", ["blur", "ffffff,808080,90deg"])
def test_remove_bgs_own_colour_takes_what_is_no_colour_of_the_vendors(text: str) -> None:
    contract, request = REMOVE_BG
    assert finish_of(contract.parse(request({"bg_color": text}, b""))) == (Shadow(), BACKGROUNDS[text])
    for refused in ("ffffff,", "blurred", "https://shop.example/a,b", "ffffff,808080,900deg"):
        with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.PARAMETER_INVALID):
            contract.parse(request({"bg_color": refused}, b""))


def test_a_profile_takes_a_shadow_and_metadata_and_a_drop_takes_all() -> None:
    contract, request = ALL["picwish"]
    assert contract.parse(request({"profile": "ebay", "metadata": "keep"}, b"")).cut.metadata == "keep"
    assert drops.parse("in/shop/auto/x.jpg", {"metadata": "all"}).cut.metadata == "all"
    assert contract.parse(request({"profile": "ebay", "shadow": "keep"}, b"")).cut.shadow == Shadow("keep")
    metadata = {"shadow": "auto", "background": "https://shop.example/wood.jpg", "background-fit": "contain"}
    drop = drops.parse("in/shop/auto/x.jpg", metadata)
    assert (drop.cut.shadow, drop.cut.background) == (
        Shadow("auto"),
        BackgroundPicture("https://shop.example/wood.jpg", "contain"),
    )


def test_every_api_has_words_for_a_background_that_is_not_there() -> None:
    for contract, request in ALL.values():
        refusal = InputRefused(Reason.BACKDROP_UNREACHABLE, "HTTP status 404")
        answer = contract.refuse(request({}, b""), refusal, Progress(contract.parse(request({}, b""))))
        assert answer.status < 500, contract
        if contract is not picwish:  # whose failed task has only a state
            assert "HTTP status 404" in answer.body.decode()
