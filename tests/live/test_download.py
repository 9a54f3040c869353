"""Downloads: which addresses are fetched at all, how fast, and how often."""

import time

import pytest

from cutline.errors import InputRefused
from cutline.live.download import Downloads
from tests.support.answering import answering

FILE: tuple[int, dict[str, str], bytes] = (200, {}, b"picture")


def test_private_addresses_and_plain_http_are_refused_but_for_the_named_shop() -> None:
    with answering(FILE) as (address, asked):
        port = address.rpartition(":")[2]
        for refused in (address, f"https://127.0.0.1:{port}/x", f"https://localhost:{port}/x"):
            with pytest.raises(InputRefused, match=r"not https|not a public one"):
                Downloads(100).get(refused)
        with pytest.raises(InputRefused, match="not a public one"):
            Downloads(100, "https://shop.example").get(f"https://127.0.0.1:{port}/x")
        assert asked == []
        assert Downloads(100, address).get(f"{address}/1.jpg") == b"picture"


@pytest.mark.parametrize(
    "address",
    ["https://[::1", "https://a:b/", "https://" + "\U0001f600" * 1_000_000, "https://a\0b/", "https://u:p@a/", "x"],
)
def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(InputRefused):
        Downloads(1000, "https://shop.example").get(address)


@pytest.mark.parametrize(
    ("first", "tries"), [((503, {}, b""), 2), ((429, {"Retry-After": "5"}, b""), 2), ((404, {}, b""), 1)]
)
def test_what_may_pass_is_tried_again_later(first: tuple[int, dict[str, str], bytes], tries: int) -> None:
    waits: list[float] = []
    with answering(first, FILE) as (address, asked):
        downloads = Downloads(1000, address, waits.append)
        if tries == 1:
            with pytest.raises(InputRefused, match="404"):
                downloads.get(address)
        else:
            assert downloads.get(address) == b"picture"
            assert waits[-1] == pytest.approx(5 if "Retry-After" in first[1] else 1, abs=0.5)
        assert len(asked) == tries


def test_a_server_that_never_recovers_is_given_up() -> None:
    with answering((500, {}, b"")) as (address, asked), pytest.raises(InputRefused, match="HTTP status 500"):
        Downloads(1000, address, lambda _: None).get(address)
    assert len(asked) == 4


def test_downloads_are_no_faster_than_asked() -> None:
    with answering(FILE) as (address, _):
        downloads, begun = Downloads(20, address), time.monotonic()
        for _ in range(4):
            downloads.get(address)
        assert time.monotonic() - begun >= 3 / 20
