"""remove.bg by itself: requests as its clients send them, answers as they were recorded (contracts.md 6.1)."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from cutline.contracts import rembg, removebg
from cutline.contracts.removebg_fields import FORMATS, KINDS, SIZES, FieldRefused, RemoveBgOptions, read_options
from cutline.contracts.wire import Job, Outcome, Progress, Quota, Request, Scheme, Source
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.pipeline.finish.options import Shadow
from cutline.pipeline.layout.framing import Box, Framing, Length
from cutline.pipeline.options import MEGAPIXEL, SingleFileMetadata
from tests.support.calls import Part, call, json_of, multipart, multipart_call

PATH = "/v1.0/removebg"
PNG = b"\x89PNG\r\n\x1a\n..."
METADATA = SingleFileMetadata("image/png", person=True, box=Box(10, 20, 110, 320), max_size=(500, 333))
OUTCOME = Outcome(500, 333, inline={"image": PNG}, quota=Quota(9, qps=500 / 60), metadata=METADATA)
ACCEPT_OF_AXIOS = "application/json, text/plain, */*"


def asked(accept: str = "*/*", **fields: Any) -> Request:
    body = json.dumps({"image_url": "https://example.com/a.jpg", **fields}).encode()
    return call(body, path=PATH, headers={"content-type": "application/json", "accept": accept})


def options_of(**fields: Any) -> RemoveBgOptions:
    options = removebg.parse(asked(**fields)).options
    assert isinstance(options, RemoveBgOptions)
    return options


def refusal(request: Request) -> Any:
    with pytest.raises(InputRefused) as refused:
        removebg.parse(request)
    response = removebg.refuse(request, refused.value)
    (fault,) = json_of(response)["errors"]
    return response.status, fault


def answer(request: Request, outcome: Outcome = OUTCOME) -> Any:
    return removebg.render(request, removebg.parse(request), outcome)


def test_a_file_base64_and_an_address_are_sources_in_any_kind_of_body() -> None:
    sent = multipart(Part('; name="image_file"; filename="a.jpg"', PNG), Part('; name="size"', b"auto"))
    assert removebg.parse(multipart_call(sent, path=PATH)).source == Source(data=PNG)
    form = call(b"image_url=http%3A%2F%2Fexample.com%2Fa.png&size=auto", path=PATH)
    form = replace(form, headers={"content-type": "application/x-www-form-urlencoded"})
    assert removebg.parse(form).source == Source(url="http://example.com/a.png")
    document = asked(image_url="", image_file_b64=base64.b64encode(PNG).decode())
    assert removebg.parse(document).source == Source(data=PNG)
    assert removebg.parse(asked(image_url="upload:in/x")).source == Source(url="upload:in/x")


def test_a_buffer_without_a_file_name_is_a_file() -> None:
    """What form-data makes of a Buffer, as in axios samples."""
    part = Part('; name="image_file"', PNG + b"\xff\xfe", "Content-Type: application/octet-stream\r\n")
    assert removebg.parse(multipart_call(multipart(part), path=PATH)).source == Source(data=PNG + b"\xff\xfe")


def test_the_defaults_are_a_preview_of_anything() -> None:
    assert options_of() == RemoveBgOptions(max_px=MEGAPIXEL // 4)
    assert options_of(size="", format="", roi="", crop="", bg_color="", scale="", channels="") == options_of()


@pytest.mark.parametrize(
    ("size", "megapixels"),
    [("preview", 0.25), ("small", 0.25), ("regular", 0.25), ("medium", 1.5), ("hd", 4), ("full", 25), ("4k", 25),
     ("50MP", 25), ("auto", 25)],
)  # fmt: skip
def test_each_size_has_its_megapixels(size: str, megapixels: float) -> None:
    assert options_of(size=size).max_px == megapixels * MEGAPIXEL


def test_every_other_parameter_is_read() -> None:
    everything = options_of(
        format="zip", type="product", type_level="2", channels="alpha", bg_color="81d4fa77", crop=True,
        crop_margin="10% 30px", scale="80%", position="0% 100%", roi="0% 10px 50% 400px", add_shadow="true",
        semitransparency=False, shadow_method="legacy",
    )  # fmt: skip
    assert everything == RemoveBgOptions(
        subject="object", file_format="zip", max_px=MEGAPIXEL // 4, mask=True, background=(0x81, 0xD4, 0xFA, 0x77),
        region=read_options({"roi": "0% 10px 50% 400px"}).region, crop=True,
        framing=Framing(
            (Length(0.1, True), Length(30.0), Length(0.1, True), Length(30.0)), scale=0.8, position=(0.0, 1.0)
        ),
        kind="product", type_level="2", shadow=Shadow("auto"),
    )  # fmt: skip
    assert everything.region is not None
    assert everything.region.box_in(200, 500) == Box(0, 10, 100, 400)
    assert options_of(roi="0% 0% 100% 100%").region is None
    assert options_of(scale="original", position="original").framing == Framing()


@pytest.mark.parametrize(
    ("text", "colour"),
    [("fff", (255, 255, 255, 255)), ("#1f6feb", (0x1F, 0x6F, 0xEB, 255)), ("0f08", (0, 255, 0, 0x88)),
     ("Green", (0, 128, 0, 255)), ("rebeccapurple", (0x66, 0x33, 0x99, 255)), ("transparent", (0, 0, 0, 0))],
)  # fmt: skip
def test_colours_are_digits_or_names(text: str, colour: tuple[int, ...]) -> None:
    assert options_of(bg_color=text).background == colour


@pytest.mark.parametrize(
    ("fields", "shadow"),
    [
        ({}, Shadow()),
        ({"add_shadow": "false", "shadow_opacity": "40"}, Shadow()),
        ({"add_shadow": "true", "shadow_opacity": "40"}, Shadow("auto", 0.4)),
        ({"add_shadow": "true", "shadow_type": "none"}, Shadow()),
        ({"shadow_type": "auto"}, Shadow("auto")),
        ({"shadow_type": "car", "shadow_opacity": "0"}, Shadow("auto", 0.0)),
        ({"shadow_type": "drop", "shadow_opacity": "100"}, Shadow("drop", 1.0)),
        ({"shadow_type": "3D"}, Shadow("drop")),
    ],
)
def test_a_shadow_has_a_type_and_an_opacity(fields: dict[str, str], shadow: Shadow) -> None:
    assert options_of(**fields).shadow == shadow


@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("shadow_type", "soft", "shadow_type is one of none, auto, drop, 3D, car"),
        ("shadow_opacity", "101", "shadow_opacity is a whole number in 0..100"),
        ("shadow_opacity", "half", "shadow_opacity is a whole number in 0..100"),
    ],
)
def test_a_shadow_that_is_none_is_refused_with_the_values(name: str, value: str, detail: str) -> None:
    title = f"Invalid value for parameter '{name}'"
    assert refusal(asked(**{name: value})) == (400, {"title": title, "code": f"invalid_{name}", "detail": detail})


@pytest.mark.parametrize("name", ["size", "channels", "type", "type_level", "crop", "add_shadow", "shadow_method"])
def test_a_choice_that_is_none_is_refused(name: str) -> None:
    expected = {"title": f"Invalid value for parameter '{name}'", "code": f"invalid_{name}"}
    assert refusal(asked(**{name: "nonsense"})) == (400, expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("format", "gif"), ("roi", "1 2 3"), ("roi", "a b c d"), ("roi", "-1px 0px 5px 5px"), ("crop_margin", "51%"),
     ("crop_margin", "501px"), ("crop_margin", "1px 2px 3px"), ("scale", "9%"), ("scale", "101%"),
     ("position", "101%"), ("position", "left"), ("bg_color", "12345"), ("bg_color", "greenish"),
     ("semitransparency", "maybe")],
)  # fmt: skip
def test_a_value_that_is_none_is_refused(name: str, value: str) -> None:
    assert refusal(asked(**{name: value})) == (
        400,
        {"title": f"Invalid {name} parameter given", "code": f"invalid_{name}"},
    )


def test_one_picture_and_one_background_at_most() -> None:
    assert refusal(asked(image_url=""))[1]["code"] == "missing_source"
    assert refusal(asked(image_file_b64="aGk="))[1]["code"] == "multiple_sources"
    assert refusal(asked(bg_color="fff", bg_image_url="http://a.b/c"))[1]["code"] == "multiple_bg_sources"
    assert refusal(asked(image_url="file:///etc/passwd"))[1]["code"] == "invalid_image_url"
    assert refusal(asked(bg_image_url="c.png"))[1]["code"] == "invalid_bg_image_url"
    assert refusal(asked(image_url="", image_file_b64="%%%"))[1]["code"] == "failed_to_read_image"
    assert refusal(call(b"{", path=PATH))[1]["code"] == "invalid_body"
    assert removebg.parse(asked(bg_image_url="http://a.b/c")).backdrop == Source(url="http://a.b/c")


def test_improve_collects_nothing() -> None:
    status, fault = refusal(call(b"anything", path="/v1.0/improve"))
    assert (status, fault["code"]) == (400, "not_collected")


def test_the_answer_is_the_file_with_the_recorded_headers() -> None:
    response = answer(asked(size="preview"))
    assert (response.status, response.body) == (200, PNG)
    assert response.headers == {
        "Access-Control-Allow-Origin": "*",
        "X-RateLimit-Limit": "500",
        "X-RateLimit-Remaining": "499",
        "X-RateLimit-Reset": "1700000060",
        "X-Width": "500",
        "X-Height": "333",
        "X-Max-Width": "500",
        "X-Max-Height": "333",
        "X-Type": "person",
        "X-Credits-Charged": "1",
        "X-Foreground-Top": "20",
        "X-Foreground-Left": "10",
        "X-Foreground-Width": "100",
        "X-Foreground-Height": "300",
        "Content-Type": "image/png",
        "Access-Control-Expose-Headers": "*",
    }
    assert answer(asked(size="auto")).headers["X-Credits-Charged"] == "1"


@pytest.mark.parametrize(
    ("accept", "json_wanted"),
    [("application/json", True), ("application/json, */*;q=0.1", True), ("APPLICATION/JSON;q=0.9", True),
     (ACCEPT_OF_AXIOS, False), ("*/*", False), ("", False), ("image/*", False),
     ("application/json;q=x, image/png", False)],
)  # fmt: skip
def test_json_is_for_who_prefers_it(accept: str, json_wanted: bool) -> None:
    response = answer(asked(accept))
    assert response.headers["X-Width"] == "500"
    if json_wanted:
        places = {"foreground_top": 20, "foreground_left": 10, "foreground_width": 100, "foreground_height": 300}
        assert json_of(response) == {"data": {"result_b64": base64.b64encode(PNG).decode(), **places}}
    else:
        assert response.body == PNG


def test_the_wanted_form_is_part_of_what_a_repeated_key_asks_for() -> None:
    jobs = [removebg.parse(asked(accept)) for accept in ("*/*", "image/png", "application/json")]
    assert jobs[0].options == jobs[1].options != jobs[2].options


@pytest.mark.parametrize("contract", [removebg, rembg])
def test_a_page_may_ask_before_it_calls(contract: Any) -> None:
    response = contract.preflight(replace(asked(), method="OPTIONS"))
    assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert set(contract.METHODS) <= set(response.headers["Access-Control-Allow-Methods"].split(", "))
    assert response.headers["Access-Control-Allow-Headers"] == "*, Authorization"


def test_another_method_is_refused_with_the_allowed_ones() -> None:
    for contract in (removebg, rembg):
        response = contract.refuse(asked(), InputRefused(Reason.METHOD_NOT_ALLOWED))
        assert (response.status, response.headers["Allow"]) == (405, ", ".join(sorted(contract.METHODS)))


def test_the_type_is_as_detailed_as_requested() -> None:
    thing = replace(OUTCOME, metadata=replace(METADATA, person=False))
    assert answer(asked(), thing).headers["X-Type"] == "product"
    assert answer(asked(type="car"), thing).headers["X-Type"] == "car"
    assert "X-Type" not in answer(asked(type_level="none"), thing).headers


@pytest.mark.parametrize(
    ("error", "status", "fault"),
    [
        (AccessRefused(Reason.KEY_UNKNOWN), 403, {"title": "API Key invalid", "code": "auth_failed"}),
        (AccessRefused(Reason.KEY_MISSING), 403, {"title": "Missing API Key", "code": "auth_failed"}),
        (
            InputRefused(Reason.URL_UNREACHABLE, "HTTP status 404"),
            400,
            {
                "title": "Failed to download image from given image_url: HTTP Status 404",
                "code": "failed_image_download",
            },
        ),
        (
            InputRefused(Reason.RESOLUTION_TOO_HIGH, "The picture has more than 50000000 pixels."),
            400,
            {
                "title": "Image resolution too high",
                "code": "resolution_too_high",
                "detail": "The picture has more than 50000000 pixels.",
            },
        ),
        (AccessRefused(Reason.QUOTA_EXCEEDED), 402, {"title": "Insufficient credits", "code": "insufficient_credits"}),
    ],
)
def test_a_refusal_has_the_vendors_words(error: MattingError, status: int, fault: dict[str, str]) -> None:
    response = removebg.refuse(asked(), error)
    assert response.status == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert json_of(response) == {"errors": [fault]}


def test_the_rate_says_when_to_come_back() -> None:
    response = removebg.refuse(asked(), AccessRefused(Reason.RATE_EXCEEDED), Progress(quota=Quota(qps=2.0)))
    assert response.status == 429
    assert json_of(response)["errors"][0]["title"] == "Rate limit exceeded"
    wanted = {"Retry-After": "1", "X-RateLimit-Limit": "120", "X-RateLimit-Remaining": "0"}
    assert wanted.items() <= response.headers.items()
    assert response.headers["X-RateLimit-Reset"] == "1700000001"


def test_a_fault_of_ours_keeps_its_detail_to_itself() -> None:
    body = json_of(removebg.refuse(asked(), ServiceFault(Reason.MODEL_FAILED, "matte.onnx is not there.")))
    assert "matte" not in json.dumps(body)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason: Reason) -> None:
    response = removebg.refuse(asked(), MattingError(reason))
    assert response.status >= 400
    assert json_of(response)["errors"][0].keys() >= {"title", "code"}


def test_the_account_answers_the_recorded_credits() -> None:
    credits_left = {"subscription": 4943, "payg": 0, "enterprise": 0, "total": 4943}
    expected = {"data": {"attributes": {"credits": credits_left, "api": {"free_calls": 0, "sizes": "all"}}}}
    assert json_of(removebg.render_credits(asked(), 4943, 5000)) == expected
    unlimited = json_of(removebg.render_credits(asked(), None, None))
    assert unlimited["data"]["attributes"]["credits"]["total"] == removebg.UNLIMITED


def test_constants_are_those_of_the_specification() -> None:
    assert removebg.NAME == "rbg"
    assert set(removebg.METHODS) == {"POST"}
    assert (removebg.SCHEME, removebg.LINK_LIFETIME_S) == (Scheme.API_KEY, 0)
    assert removebg.LIMITS.max_pixels == 50 * MEGAPIXEL
    assert set(FORMATS) == {"auto", "png", "jpg", "zip", "webp", "avif"}
    assert {"auto", "person", "product", "car"} <= set(KINDS)
    assert len(SIZES) == 9
    assert issubclass(FieldRefused, InputRefused)
    assert Job(Source(data=b""), removebg.LIMITS).backdrop is None
