"""Upload tickets: asked for, used as a browser would, and then the source of every API that takes an address."""

import pytest
from skimage import data

from devkit.clients import (
    AidgeClient,
    AiLab,
    JdClient,
    PicWish,
    encoded,
    follow,
    open_picture,
    plain_picture,
    send,
)
from devkit.running import RunningCloud
from tests.support.uploads import ask, ticket, uploaded

PICTURE = plain_picture(120, 100)
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def large() -> bytes:
    """A picture that fits no synchronous call and, by its bytes, not all APIs: 6 MiB, most of them behind its end."""
    return plain_picture(1500, 1400).ljust(6 * MIB, b"\0")


def test_an_upload_is_the_source_of_picwish_at_once_and_later(cloud: RunningCloud, large: bytes) -> None:
    picwish, source = PicWish(cloud.url), uploaded(cloud, large)
    now = picwish.create(None, image_url=source, sync="1").json["data"]
    task_id = picwish.create(None, image_url=source, sync="0").json["data"]["task_id"]
    later = picwish.poll(task_id)
    assert (now["state"], later["state"]) == (1, 1)
    pictures = [open_picture(follow(task["image"]).body) for task in (now, later)]
    assert [picture.size for picture in pictures] == [(1500, 1400)] * 2


def test_an_upload_is_the_source_of_aidge(cloud: RunningCloud, large: bytes) -> None:
    source = uploaded(cloud, large)
    cut = AidgeClient(cloud.url).post({"imageUrl": source, "backGroundType": "TRANSPARENT"}).json["data"]
    assert (cut["imageWidth"], cut["imageHeight"]) == (1500, 1400)


def test_ailabs_image_may_be_an_uploads_source_instead_of_a_file(cloud: RunningCloud) -> None:
    ailab, dressed = AiLab(cloud.url), encoded(data.astronaut())
    found = ailab.cut(None, image=uploaded(cloud, dressed.ljust(5 * MIB, b"\0")))
    image = follow(found.json["data"]["elements"][0]["image_url"]).body
    assert open_picture(image).size == (512, 512)
    too_large = ailab.cut(None, image=uploaded(cloud, dressed.ljust(5 * MIB + 1, b"\0")))
    assert (too_large.status, too_large.json["error_code_str"]) == (413, "FILE_SIZE_EXCEEDS_LIMIT")
    no_upload = ailab.cut(None, image="https://example.com/a.jpg")
    assert (no_upload.status, no_upload.json["error_code_str"]) == (400, "MISSING_PARAMETERS")


def test_the_limit_of_the_called_api_holds_for_uploads(cloud: RunningCloud) -> None:
    source = uploaded(cloud, PICTURE.ljust(10 * MIB + 1, b"\0"))
    answer = AidgeClient(cloud.url).post({"imageUrl": source, "backGroundType": "TRANSPARENT"}).json
    assert (answer["resCode"], answer["resMessage"]) == (700, f"invalid input: the image exceeds {10 * MIB} bytes")
    assert PicWish(cloud.url).create(None, image_url=source).json["data"]["state"] == 1


def test_another_accounts_an_unknown_and_an_awaited_upload_are_unreachable_alike(cloud: RunningCloud, accounts) -> None:
    accounts.create("owner")
    owners = uploaded(cloud, PICTURE, {"X-API-KEY": "key-owner"})
    sources = [
        owners,
        ticket(cloud).source,
        f"upload:u/demo/{'0' * 32}",
        "upload:u/demo/../owner/" + owners.rpartition("/")[2],
        "upload:nonsense",
    ]
    aidge, ailab, picwish = AidgeClient(cloud.url), AiLab(cloud.url), PicWish(cloud.url)
    said = {aidge.post({"imageUrl": source}).json["resMessage"] for source in sources}
    assert said == {"invalid input: there is no such picture"}
    errors = [ailab.cut(None, image=source).json["error_detail"] for source in sources]
    assert [error["code"] for error in errors] == ["ERROR_INVALID_PARAMETER"] * len(sources)
    assert {error["message"] for error in errors} == {"there is no such picture"}
    assert [picwish.create(None, image_url=source).json["data"]["state"] for source in sources] == [-3] * len(sources)
    tasks = [picwish.create(None, image_url=source, sync="0").json["data"]["task_id"] for source in sources]
    assert [picwish.poll(task_id)["state"] for task_id in tasks] == [-3] * len(sources)
    assert AidgeClient(cloud.url, "APP-owner", "SK-owner").post({"imageUrl": owners}).json["success"] is True


def test_s3_keeps_a_ticket_to_its_size_type_key_and_signature(cloud: RunningCloud) -> None:
    narrow = ticket(cloud, content_type="image/png", size=len(PICTURE))
    assert narrow.document["fields"]["Content-Type"] == "image/png"
    assert narrow.upload(PICTURE + b"x").status == 400
    assert narrow.upload(b"").status == 400
    assert narrow.upload(PICTURE, **{"Content-Type": "text/html"}).status == 403
    assert narrow.upload(PICTURE, key="u/other/x").status == 403
    assert narrow.upload(PICTURE, policy="e30=").status == 403
    assert narrow.upload(PICTURE).status == 204
    assert ticket(cloud).upload(b"x" * (50 * MIB + 1)).status == 400


def test_an_upload_cannot_be_read_by_its_address_in_the_bucket(cloud: RunningCloud) -> None:
    issued = ticket(cloud)
    assert issued.upload(PICTURE).status == 204
    assert send("GET", f"{issued.document['url']}/{issued.document['key']}").status == 403


def test_every_kind_of_credential_gets_a_ticket_into_the_same_folder(cloud: RunningCloud) -> None:
    jd, aidge = JdClient(cloud.url), AidgeClient(cloud.url)
    query = "&".join(f"{name}={value}" for name, value in aidge.query().items())
    signed = jd.headers("/uploads", b"")
    answers = [
        ask(cloud),
        ask(cloud, {"ailabapi-api-key": "demo-key"}),
        send("POST", f"{cloud.url}/uploads", headers=signed),
        send("POST", f"{cloud.url}/uploads?{query}"),
    ]
    assert [answer.status for answer in answers] == [200] * 4
    assert {answer.json["key"].rpartition("/")[0] for answer in answers} == {"u/demo"}
    replayed = send("POST", f"{cloud.url}/uploads", headers=signed)
    assert replayed.status == 401


def test_tickets_cost_neither_rate_nor_quota(cloud: RunningCloud, accounts) -> None:
    accounts.create("saver", qps=0.01, daily_quota=1)
    key = {"X-API-KEY": "key-saver"}
    assert [ask(cloud, key).status for _ in range(4)] == [200] * 4
    usage = send("GET", f"{cloud.url}/usage", headers=key).json
    assert usage["total"] == {"calls": 0, "charge": "0.000000", "refused": 0}


def test_without_a_valid_key_there_is_no_ticket(cloud: RunningCloud, accounts) -> None:
    accounts.create("locked", enabled=False)
    answers = [ask(cloud, headers) for headers in ({}, {"X-API-KEY": "guess"}, {"X-API-KEY": "key-locked"})]
    assert [answer.status for answer in answers] == [401] * 3
    assert len({answer.body for answer in answers}) == 1
    assert ask(cloud, size=50 * MIB + 1).status == 413
