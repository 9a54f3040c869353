"""The security headers of every answer, route by route: the template says which routes there are."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from skimage import data

from cutline.contracts.ailabtools import CREDITS_ROUTE, CUTOUTS, HD_ROUTE, TASK_ROUTE
from cutline.contracts.wire import Response
from cutline.serving.proxy_event import to_proxy
from devkit.clients import (
    AidgeClient,
    AiLab,
    Answer,
    JdClient,
    PicWish,
    Rembg,
    RemoveBg,
    encoded,
    plain_picture,
    send,
)
from devkit.running import RunningCloud
from tests.support.template import api_document, whole_template

PICTURE = plain_picture(120, 100)
PORTRAIT = encoded(data.astronaut()[:300, 60:380])
KEY = {"X-API-KEY": "demo-key"}
AILAB_KEY = {"ailabapi-api-key": "demo-key"}
CUT_OUT = {"imageBase64": base64.b64encode(PICTURE).decode()}
# Routes whose answers may be kept: they are the same for all callers, and hold no account's data.
PUBLIC = {"/", "/site/{name}", "/openapi.json", "/reference"}
# Routes that pages of other origins may read: a link's result, what tools want to know, and what remove.bg and rembg
# open to them too. None of it is given without a key except to the holder of the link.
STROKES = b'{"strokes": [{"do": "keep", "radius": 0.1, "points": [[0.5, 0.5]]}]}'
OPEN_TO_PAGES = {
    "/r/{token}",
    "/r/{token}/mend",
    "/openapi.json",
    "/v1.0/removebg",
    "/v1.0/improve",
    "/v1.0/account",
    "/api/remove",
}
ANY = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CLOSED = ("default-src", "base-uri", "form-action", "frame-ancestors")


def link(url: str) -> str:
    return str(JdClient(url).cutout(PICTURE).json["result"]["cutout_image_url"])


def task(url: str) -> str:
    return str(PicWish(url).create(PICTURE).json["data"]["task_id"])


def hd_task(url: str) -> str:
    return str(AiLab(url, path=HD_ROUTE).cut(PORTRAIT).json["task_id"])


# A call of each route that is served. A route without one fails the test.
SERVED: dict[str, Callable[[str], Answer]] = {
    "/": lambda url: send("GET", f"{url}/"),
    "/site/{name}": lambda url: send("GET", f"{url}/site/playground.js"),
    "/openapi.json": lambda url: send("GET", f"{url}/openapi.json"),
    "/reference": lambda url: send("GET", f"{url}/reference"),
    "/health": lambda url: send("GET", f"{url}/health"),
    "/usage": lambda url: send("GET", f"{url}/usage", headers=KEY),
    "/uploads": lambda url: send("POST", f"{url}/uploads", b"{}", KEY),
    "/r/{token}": lambda url: send("GET", link(url)),
    "/r/{token}/mend": lambda url: send("POST", f"{link(url)}/mend", STROKES),
    "/api/cutout": lambda url: JdClient(url).cutout(PICTURE),
    "/jdai/SelfieSeg": lambda url: JdClient(url).segment(PORTRAIT),
    "/ai/image/cut/out": lambda url: AidgeClient(url).post(CUT_OUT, "/ai/image/cut/out"),
    "/rest/ai/image/cut/out": lambda url: AidgeClient(url).post(CUT_OUT),
    "/api/cutout/general/apparel-background-removal": lambda url: AiLab(url).cut(PORTRAIT),
    **{path: lambda url, path=path: AiLab(url, path=path).cut(PORTRAIT) for path in (*CUTOUTS, HD_ROUTE)},  # type: ignore[misc]
    TASK_ROUTE: lambda url: send("GET", f"{url}{TASK_ROUTE}?task_id={hd_task(url)}", headers=AILAB_KEY),
    CREDITS_ROUTE: lambda url: send("GET", f"{url}{CREDITS_ROUTE}", headers=AILAB_KEY),
    "/v1.0/removebg": lambda url: RemoveBg(url).remove(PICTURE),
    "/v1.0/account": lambda url: RemoveBg(url).account(),
    "/v1.0/improve": lambda url: RemoveBg(url).post(b"{}", "application/json", "/v1.0/improve"),
    "/api/remove": lambda url: Rembg(url).remove(PICTURE),
    "/check": lambda url: send("POST", f"{url}/check?profile=amazon-main", PICTURE, KEY),
    "/api/tasks/visual/segmentation": lambda url: PicWish(url).create(PICTURE, return_type="3"),
    "/api/tasks/visual/segmentation/{task_id}": lambda url: PicWish(url).query(task(url)),
}


def routes() -> dict[str, tuple[str, ...]]:
    """The template's paths, and the methods that reach a function."""
    document = api_document(whole_template().plain["Resources"])
    return {
        path: ANY if "x-amazon-apigateway-any-method" in methods else tuple(method.upper() for method in methods)
        for path, methods in document["paths"].items()
    }


ROUTES = routes()


@dataclass
class Policy:
    """A Content-Security-Policy by directive."""

    text: str
    sources: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        parts = (part.strip().partition(" ") for part in self.text.split(";"))
        self.sources = {name: value for name, _, value in parts}

    def shuts(self, *names: str) -> bool:
        """Whether the directives are there and allow nothing; one without a source allows as little as 'none'."""
        return all(self.sources.get(name, "*") in ("", "'none'") for name in names)


def faults_of(path: str, headers: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with an answer's headers, whatever it says."""
    for name, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")):
        if headers.get(name) != value:
            yield f"{name} is {headers.get(name)}"
    if "max-age=" not in headers.get("strict-transport-security", ""):
        yield "no HSTS"
    policy = Policy(headers.get("content-security-policy", ""))
    page = headers.get("content-type", "").startswith("text/html")
    if not policy.shuts(*({"default-src", "form-action", "frame-ancestors"} if page else CLOSED)):
        yield f"policy {policy.text!r}"
    if page and {policy.sources.get("script-src"), policy.sources.get("base-uri")} != {"'self'"}:
        yield f"a page's policy {policy.text!r}"
    if path not in PUBLIC and headers.get("cache-control") != "no-store":
        yield f"cache-control is {headers.get('cache-control')}"
    if "cache-control" not in headers:
        yield "no cache-control"
    allowed = headers.get("access-control-allow-origin")
    if allowed is not None and (path not in OPEN_TO_PAGES or allowed != "*"):
        yield f"open to {allowed}"
    if "access-control-allow-credentials" in headers:
        yield "open to pages with credentials"


def test_every_route_of_the_template_is_called() -> None:
    assert SERVED.keys() == ROUTES.keys()
    assert ROUTES.keys() >= PUBLIC | OPEN_TO_PAGES


@pytest.mark.parametrize("path", SERVED)
def test_an_answer_that_is_served_carries_the_headers(cloud: RunningCloud, path: str) -> None:
    answer = SERVED[path](cloud.url)
    # What is improved with pictures is refused: nothing is collected.
    assert answer.status in ((400,) if path == "/v1.0/improve" else (200, 302)), answer.body
    assert list(faults_of(path, answer.headers)) == []


@pytest.mark.parametrize("path", ROUTES)
def test_so_does_every_refusal_by_every_method(cloud: RunningCloud, path: str) -> None:
    address = cloud.url + path.replace("{token}", "forged.png").replace("{task_id}", "none").replace("{name}", "no.js")
    for method in ROUTES[path]:
        answer = send(method, address, b"x" if method in ("POST", "PUT", "PATCH") else b"")
        assert list(faults_of(path, answer.headers)) == [], method


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [("GET", "/nowhere", b"", 404), ("DELETE", "/health", b"", 404), ("POST", "/api/cutout/", b"x" * 5_000_000, 413)],
)
def test_so_does_what_the_gateway_says_itself(
    cloud: RunningCloud, method: str, path: str, body: bytes, status: int
) -> None:
    answer = send(method, cloud.url + path, body)
    assert answer.status == status
    assert list(faults_of("", answer.headers)) == []


def test_a_result_behind_its_link_is_not_kept_by_browsers(cloud: RunningCloud) -> None:
    redirect = send("GET", link(cloud.url))
    assert send("GET", redirect.headers["location"]).headers["cache-control"] == "no-store"


def test_what_is_judged_would_be_found() -> None:
    sent = {name.lower(): value for name, value in to_proxy(Response(200, {}, b""))["headers"].items()}
    assert list(faults_of("/usage", sent)) == []
    for name in list(sent):
        assert list(faults_of("/usage", {other: sent[other] for other in sent if other != name})), name
    assert list(faults_of("/usage", {**sent, "access-control-allow-origin": "*"})) == ["open to *"]
    assert list(faults_of("/r/{token}", {**sent, "access-control-allow-origin": "*"})) == []
    assert len(list(faults_of("/usage", {}))) == 6
