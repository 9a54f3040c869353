"""rembg's server over HTTP, row by row (contracts.md 6.2)."""

import numpy as np
import pytest

from cutline.contracts.rembg import MODELS
from devkit.accounts import Accounts
from devkit.clients import Answer, Rembg, encoded, multipart, open_picture, plain_picture, send
from devkit.faulty import SLOW_S, FaultyCloud
from devkit.meters import meter_of
from devkit.running import RunningCloud
from tests.support.fetching import picture_server

DISC = plain_picture(160, 120)


@pytest.fixture(scope="module")
def api(cloud: RunningCloud) -> Rembg:
    return Rembg(cloud.url)


@pytest.fixture(scope="module")
def fetching(faulty: FaultyCloud) -> Rembg:
    """In a cloud that may fetch from this machine; already warm, because its time limit is short."""
    client = Rembg(faulty.url)
    client.remove(DISC)
    return client


def pixels(answer: Answer) -> np.ndarray:
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png"), answer.body[:300]
    return np.asarray(open_picture(answer.body))


def code_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_file_comes_back_as_a_png_of_its_size(api: Rembg, kind: str) -> None:
    cutout = pixels(api.remove(plain_picture(160, 120, kind)))
    assert cutout.shape == (120, 160, 4)
    assert (cutout[60, 80, 3], cutout[3, 3, 3]) == (255, 0)


def test_an_address_is_fetched_by_get_and_by_post(fetching: Rembg) -> None:
    with picture_server(DISC) as url:
        assert pixels(fetching.fetch(url=url)).shape == (120, 160, 4)
        assert pixels(fetching.remove(None, url=url)).shape == (120, 160, 4)
        assert code_of(fetching.fetch(url=f"{url}-not-there")) == (400, "url_unreachable")


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_original_is_taken(api: Rembg, model: str) -> None:
    assert api.remove(DISC, model=model).status == 200


def test_mask_background_and_what_has_no_effect(api: Rembg) -> None:
    for fields in ({"om": "true"}, {"om": "1"}):
        assert pixels(api.remove(DISC, **fields)).shape == (120, 160)
    assert pixels(api.remove(DISC, "?om=true")).shape == (120, 160)
    for colour in ("0,0,255,255", "0,0,255"):
        assert tuple(pixels(api.remove(DISC, bgc=colour))[3, 3][:3]) == (0, 0, 255)
    plain = api.remove(DISC).body
    for name, values in {"a": ("true", "false"), "ppm": ("true",), "af": ("0", "255"), "ab": ("0", "255"),
                         "ae": ("0", "300"), "extras": ('{"sam_prompt": []}',)}.items():  # fmt: skip
        assert [api.remove(DISC, **{name: value}).body == plain for value in values] == [True] * len(values)


def test_nothing_found_is_an_empty_picture(api: Rembg) -> None:
    assert pixels(api.remove(encoded(np.zeros((60, 80, 4), np.uint8), "PNG")))[..., 3].max() == 0


def test_a_key_goes_in_a_header_in_the_query_or_as_a_bearer(cloud: RunningCloud) -> None:
    body, kind = multipart({}, "file", DISC)
    headers = {"Content-Type": kind}
    assert send("POST", f"{cloud.url}/api/remove?api_key=demo-key", body, headers).status == 200
    bearer = {**headers, "Authorization": "Bearer demo-key"}
    assert send("POST", f"{cloud.url}/api/remove", body, bearer).status == 200


def test_keys_quota_and_rate(cloud: RunningCloud, accounts: Accounts) -> None:
    assert Rembg(cloud.url, "").remove().json == {"detail": "Not authenticated", "code": "key_missing"}
    assert code_of(Rembg(cloud.url, "wrong").remove()) == (401, "key_unknown")
    accounts.create("rem-off", enabled=False)
    accounts.create("rem-elsewhere", apis=frozenset({"pw"}))
    accounts.create("rem-spent", daily_quota=0)
    accounts.create("rem-slow", qps=0.01)
    assert code_of(Rembg(cloud.url, "key-rem-off").remove()) == (401, "account_disabled")
    assert code_of(Rembg(cloud.url, "key-rem-elsewhere").remove()) == (401, "api_not_allowed")
    assert code_of(Rembg(cloud.url, "key-rem-spent").remove()) == (429, "quota_exceeded")
    slow = Rembg(cloud.url, "key-rem-slow")
    slow.remove()
    refused = slow.remove()
    assert (code_of(refused), refused.headers["retry-after"]) == ((429, "rate_exceeded"), "1")


def test_a_call_is_charged_once_and_a_failure_never(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("rem-counted", daily_quota=9, price_micros={"*": 3000})
    client = Rembg(cloud.url, "key-rem-counted")
    assert client.remove(DISC).headers["x-cutline-charge-micros"] == "3000"
    assert client.remove(b"no picture").status == 400
    assert meter_of(cloud, "rem-counted")["charged_micros"] == 3000


@pytest.mark.parametrize("name", ["model", "a", "ppm", "om", "af", "ab", "ae", "bgc"])
def test_a_bad_option_is_422(api: Rembg, name: str) -> None:
    refused = api.remove(DISC, **{name: "x"})
    assert code_of(refused) == (422, "parameter_invalid")
    assert refused.json["detail"][0]["loc"][1] == name


def test_what_is_wrong_with_the_picture_is_reported(api: Rembg) -> None:
    assert code_of(api.remove(None)) == (422, "image_missing")
    assert code_of(api.remove(b"")) == (400, "image_empty")
    assert code_of(api.remove(b"no picture")) == (400, "image_type")
    assert code_of(api.remove(DISC[:200])) == (400, "image_corrupt")
    assert code_of(api.remove(plain_picture(16_385, 1, "JPEG"))) == (400, "resolution_too_high")
    headers = {"X-Api-Key": "demo-key", "Content-Type": "multipart/form-data"}
    assert code_of(send("POST", f"{api.url}/api/remove", b"junk", headers)) == (400, "body_malformed")
    assert code_of(send("PUT", f"{api.url}/api/remove", headers=headers)) == (405, "method_not_allowed")


def test_faults_of_ours_are_worded_and_pass(faulty: FaultyCloud, fetching: Rembg) -> None:
    for code, status, fault in (
        ("overloaded", 503, {"error": "ThrottlingException"}),
        ("internal", 500, {"error": "AccessDeniedException"}),
        ("timed_out", 504, {"delay_s": SLOW_S}),
    ):
        with faulty.fault("dynamodb:UpdateItem", **fault):
            assert code_of(fetching.remove(DISC)) == (status, code)
    assert fetching.remove(DISC).status == 200
