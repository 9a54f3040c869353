"""rembg's server by itself: requests as its clients send them, refusals as FastAPI tells them (contracts.md 6.2)."""

from typing import Any

import pytest

from cutline.contracts import rembg
from cutline.contracts.wire import CORS, Outcome, Request, Scheme, Source
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason
from cutline.pipeline.options import SingleFileOptions
from tests.support.calls import Part, call, json_of, multipart, multipart_call

PATH = "/api/remove"
PNG = b"\x89PNG\r\n\x1a\n..."


def posted(query: tuple[tuple[str, str], ...] = (), file: bytes | None = PNG, **fields: str) -> Request:
    parts = [Part(f'; name="{name}"', value.encode()) for name, value in fields.items()]
    parts += [] if file is None else [Part('; name="file"; filename="a.jpg"', file)]
    request = multipart_call(multipart(*parts), path=PATH)
    return Request(**{**vars(request), "query": query})


def got(**query: str) -> Request:
    return call(method="GET", path=PATH, query=tuple(query.items()))


def options(request: Request) -> SingleFileOptions:
    found = rembg.parse(request).options
    assert isinstance(found, SingleFileOptions)
    return found


def refusal(request: Request) -> Any:
    with pytest.raises(InputRefused) as refused:
        rembg.parse(request)
    response = rembg.refuse(request, refused.value)
    return response.status, json_of(response)


def test_a_file_or_an_address_is_the_picture() -> None:
    assert rembg.parse(posted()).source == Source(data=PNG)
    assert rembg.parse(got(url="http://a.b/c")).source == Source(url="http://a.b/c")
    assert rembg.parse(posted(file=None, url="http://a.b/c")).source == Source(url="http://a.b/c")
    assert rembg.parse(posted((("url", "http://a.b/c"),), file=None)).source == Source(url="http://a.b/c")


def test_options_come_in_the_query_and_in_the_form() -> None:
    mask = options(posted((("om", "true"),)))
    assert mask == options(posted(om="1")) == options(got(url="http://a.b/c", om="yes"))
    assert mask.mask
    assert not options(posted((("om", "true"),), om="false")).mask
    assert options(posted(bgc="0, 0,255,128")).background == (0, 0, 255, 128)
    assert options(posted(bgc="1,2,3")).background == (1, 2, 3, 255)
    assert options(posted(model="u2net_human_seg")).subject == "person"
    assert options(posted(model="isnet-general-use")).subject == "auto"
    ignored = {"a": "true", "af": "255", "ab": "0", "ae": "500", "ppm": "on", "extras": "{broken"}
    assert options(posted(**ignored)) == options(posted())  # type: ignore[arg-type]
    assert options(posted()).file_format == "png"


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [("om", "maybe", "bool_parsing"), ("a", "2", "bool_parsing"), ("ppm", "x", "bool_parsing"),
     ("af", "256", "less_than_equal"), ("ab", "-1", "greater_than_equal"), ("ae", "ten", "int_parsing"),
     ("af", "9" * 40, "int_parsing"), ("model", "u3net", "string_pattern_mismatch")],
)  # fmt: skip
def test_a_bad_option_is_422_at_its_place(name: str, value: str, kind: str) -> None:
    for request, place in ((posted(**{name: value}), "body"), (got(url="http://a.b/c", **{name: value}), "query")):  # type: ignore[arg-type]
        status, body = refusal(request)
        (fault,) = body["detail"]
        assert (status, fault["type"], fault["loc"]) == (422, kind, [place, name])
        assert fault["msg"].startswith(("Input should", "String should"))


@pytest.mark.parametrize("value", ["red", "1,2", "1,2,3,4,5", "256,0,0,0", "1,2,,4", "-1,0,0,0", "\u0663,0,0,0"])
def test_a_bad_colour_is_422(value: str) -> None:
    status, body = refusal(posted(bgc=value))
    assert (status, body["detail"][0]["loc"]) == (422, ["query", "bgc"])


def test_a_missing_picture_is_reported_in_fastapis_format() -> None:
    missing = {"type": "missing", "loc": ["body", "file"], "msg": "Field required"}
    assert refusal(posted(file=None)) == (422, {"detail": [missing], "code": "image_missing"})
    assert refusal(got())[1]["detail"][0]["loc"] == ["query", "url"]
    assert refusal(posted(file=b""))[0] == 400
    assert refusal(got(url="ftp://a.b/c")) == (
        400,
        {"detail": "url must be an http or https address", "code": "url_unreachable"},
    )


def test_the_answer_is_the_png() -> None:
    job = rembg.parse(posted())
    response = rembg.render(posted(), job, Outcome(3, 4, inline={"image": PNG}))
    assert (response.status, response.body) == (200, PNG)
    assert response.headers == {**CORS, "Content-Type": "image/png"}


def test_a_key_may_stand_in_the_query() -> None:
    assert rembg.with_key(got(api_key="k")).headers == {"x-api-key": "k"}
    own = call(method="GET", path=PATH, query=(("api_key", "k"),), headers={"x-api-key": "own"})
    assert rembg.with_key(own).headers == {"x-api-key": "own"}
    assert rembg.with_key(got()).headers == {}


def test_the_rate_says_when_to_come_back() -> None:
    response = rembg.refuse(got(), AccessRefused(Reason.RATE_EXCEEDED))
    assert (response.status, response.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason: Reason) -> None:
    response = rembg.refuse(got(), MattingError(reason))
    assert response.status >= 400
    assert json_of(response)["code"] == str(reason)


def test_constants_are_those_of_the_specification() -> None:
    assert (rembg.NAME, rembg.SCHEME, rembg.LINK_LIFETIME_S) == ("rem", Scheme.API_KEY, 0)
    assert set(rembg.METHODS) == {"GET", "POST"}
    assert {"u2net", "isnet-general-use", "birefnet-general", "silueta"} <= set(rembg.MODELS)
