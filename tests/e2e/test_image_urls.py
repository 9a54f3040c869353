"""Pictures that callers name by their address: fetched, followed, bounded to the byte (contracts.md 0.4, 3.5, 4.4)."""

from collections.abc import Iterator

import pytest

from devkit.clients import AidgeClient, PicWish, plain_picture
from devkit.faulty import FaultyCloud
from devkit.listening import QuietHandler, listening
from tests.support.picwish import assert_failed_task

PICTURE = plain_picture(120, 100)
MIB = 1024 * 1024
_MOVED = {"/moved": "/picture.png", "/metadata": "http://169.254.169.254/latest"}


class _Pictures(QuietHandler):
    """/picture.png is one, /N the same in N bytes, /moved leads to it, /metadata where none may ask, /text is none."""

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        if self.path in _MOVED:
            self.send_response(302)
            self.send_header("Location", _MOVED[self.path])
            self.end_headers()
        elif name.isdigit():
            self._serve(PICTURE.ljust(int(name), b"\0"))
        elif name in ("picture.png", "text"):
            self._serve(PICTURE if name == "picture.png" else b"no picture")
        else:
            self.send_error(404)

    def _serve(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            """The caller has read that it is too much, and hung up."""


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    with listening(_Pictures) as url:
        yield url


@pytest.fixture(scope="module")
def aidge(faulty: FaultyCloud) -> AidgeClient:
    return AidgeClient(faulty.url)


@pytest.fixture(scope="module")
def picwish(faulty: FaultyCloud) -> PicWish:
    client = PicWish(faulty.url)
    client.create()  # a cold start must not count against the short time limit
    return client


@pytest.mark.parametrize("path", ["/picture.png", "/moved", f"/{10 * MIB}"])
def test_an_image_url_is_fetched(aidge: AidgeClient, pictures: str, path: str) -> None:
    body = aidge.get({"imageUrl": pictures + path, "backGroundType": "TRANSPARENT"}).json
    assert body["success"] is True
    assert (body["data"]["imageWidth"], body["data"]["imageHeight"]) == (120, 100)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/nothing", "HTTP status 404"),
        ("/metadata", "the address is not a public one"),
        ("/text", "Not one of BMP, JPEG, PNG, WEBP."),
        (f"/{10 * MIB + 1}", "the image exceeds 10485760 bytes"),
    ],
)
def test_an_image_url_that_cannot_be_fetched_is_invalid(
    aidge: AidgeClient, pictures: str, path: str, detail: str
) -> None:
    body = aidge.post({"imageUrl": pictures + path}).json
    assert (body["resCode"], body["resMessage"]) == (700, f"invalid input: {detail}")


@pytest.mark.parametrize("path", ["/picture.png", f"/{15 * MIB}"])
def test_a_task_takes_its_picture_from_an_address(picwish: PicWish, pictures: str, path: str) -> None:
    assert picwish.create(None, sync="1", image_url=pictures + path).json["data"]["state"] == 1


@pytest.mark.parametrize(("path", "state"), [("/nothing", -3), (f"/{15 * MIB + 1}", -5), ("/text", -7)])
def test_a_task_whose_address_is_no_good_has_a_state_that_says_so(
    picwish: PicWish, pictures: str, path: str, state: int
) -> None:
    assert_failed_task(picwish, picwish.create(None, sync="1", image_url=pictures + path), state)
