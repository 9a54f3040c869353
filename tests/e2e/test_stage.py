"""The APIs below the stage's name, as API Gateway's own address has them: /v1/api/cutout and so on.

Everywhere else the tests use the paths of the vendors, as under a domain.
"""

import base64
import re
from urllib.parse import urljoin, urlsplit

import pytest

from devkit.accounts import Accounts
from devkit.clients import (
    SMALL,
    AidgeClient,
    AiLab,
    JdClient,
    PicWish,
    follow,
    open_picture,
    plain_picture,
    send,
)
from devkit.running import RunningCloud

STAGE = "/v1"


@pytest.fixture(scope="module")
def url(cloud: RunningCloud, accounts: Accounts) -> str:
    accounts.create("staged")
    return cloud.url + STAGE


def served(url: str, link: str) -> None:
    """A link that leads back through the stage, to a picture."""
    assert link.startswith(f"{url}/r/")
    assert open_picture(follow(link).body).width > 0


@pytest.mark.parametrize("signed", ["with the stage", "without it"])
def test_jd_matting(cloud: RunningCloud, url: str, signed: str) -> None:
    """The path in the signature is the one that the client knows."""
    client = JdClient(cloud.url, "AK-staged", "SK-staged")
    path = "/api/cutout/"
    headers = client.headers(STAGE + path if signed == "with the stage" else path, SMALL)
    answer = send("POST", url + path, SMALL, headers)
    assert (answer.status, answer.json["result"]["status"]) == (200, 0)
    served(url, re.search(r"http[^\"]+", str(answer.body))[0])  # type: ignore[index]


def test_jd_selfie(cloud: RunningCloud, url: str) -> None:
    client = JdClient(url, "AK-staged", "SK-staged")
    body = b'{"image":"AAAA"}'
    answer = send("POST", f"{url}/jdai/SelfieSeg", body, client.headers(f"{STAGE}/jdai/SelfieSeg", body))
    assert answer.status == 200, "the signature holds; the picture is none"
    assert answer.json["code"] == "10000"


@pytest.mark.parametrize("path", ["/rest/ai/image/cut/out", "/ai/image/cut/out"])
def test_aidge(url: str, path: str) -> None:
    picture = base64.b64encode(plain_picture(120, 100)).decode()
    answer = AidgeClient(url, "APP-staged", "SK-staged").post({"imageBase64": picture}, path)
    assert (answer.status, answer.json["success"]) == (200, True)
    served(url, answer.json["data"]["imageUrl"])


def test_picwish(url: str) -> None:
    client = PicWish(url, "key-staged")
    now = client.create(sync="1").json["data"]
    served(url, now["image"])
    task = client.create(sync="0").json["data"]["task_id"]
    served(url, client.poll(task)["image"])


def test_ailabtools(url: str) -> None:
    answer = AiLab(url, "key-staged").cut(SMALL)
    assert answer.status in (200, 422), answer.body
    assert "error_code" in answer.json


def test_usage(url: str) -> None:
    answer = send("GET", f"{url}/usage", headers={"X-API-KEY": "key-staged"})
    assert answer.json["total"]["calls"] >= 3


@pytest.mark.parametrize("root", ["", "/"])
def test_the_page_finds_its_files_and_the_description_its_server(url: str, root: str) -> None:
    page = send("GET", url + root)
    assert page.status == 200
    (base,) = re.findall(r'<base href="([^"]+)">', page.body.decode())
    files = re.findall(r'(?:src|href)="(site/[^"]+)"', page.body.decode())
    assert files
    for name in files:
        address = urljoin(urljoin(url + root, base), name)
        assert urlsplit(address).path.startswith(f"{STAGE}/site/")
        assert send("GET", address).status == 200
    servers = send("GET", f"{url}/openapi.json").json["servers"]
    assert servers[0]["url"] == url


def test_what_only_begins_like_the_stage_is_no_route(cloud: RunningCloud) -> None:
    assert send("GET", f"{cloud.url}/v10/health").status == 404
    assert send("GET", f"{cloud.url}/v1/health").json["status"] == "ok"
