"""S3's presigned addresses, DynamoDB, KMS: what a function stores and hands out."""

import os
import time
from typing import Any

import pytest

from devkit.running import Answer, RunningCloud

pytestmark = pytest.mark.http
BODY = os.urandom(2000)


@pytest.fixture(scope="module")
def stored(toy: RunningCloud) -> Any:
    answer = toy.call("POST", "/store", BODY)
    assert answer.status == 200, answer.body
    return {**answer.json(), "asked": time.monotonic()}


def test_a_function_reaches_every_store(toy: RunningCloud, stored: Any) -> None:
    assert stored["secret"] == "secret"
    item = toy.client("dynamodb").get_item(TableName=toy.resources["Notes"], Key={"id": {"S": "1"}})["Item"]
    assert item["size"] == {"N": "2000"}
    ttl = toy.client("dynamodb").describe_time_to_live(TableName=toy.resources["Notes"])["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "expires"


def test_presigned_url_serves_the_object(toy: RunningCloud, stored: Any) -> None:
    answer = toy.call("GET", stored["url"])
    assert (answer.status, answer.body) == (200, BODY)


def test_presigned_url_ends_in_time(toy: RunningCloud, stored: Any) -> None:
    time.sleep(max(0.0, 2.1 - (time.monotonic() - stored["asked"])))
    answer = toy.call("GET", stored["short"])
    assert answer.status == 403
    assert b"Request has expired" in answer.body


def test_presigned_url_cannot_be_changed(toy: RunningCloud, stored: Any) -> None:
    longer = stored["url"].replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    for method, url in (("GET", longer), ("PUT", stored["url"]), ("GET", stored["url"].replace("a%20b", "other"))):
        answer = toy.call(method, url)
        assert answer.status == 403
        assert b"SignatureDoesNotMatch" in answer.body


def test_buckets_are_private(toy: RunningCloud) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert toy.call(method, f"/{toy.resources['Files']}/a%20b/x").status == 403


def _post(toy: RunningCloud, post: Any, content: bytes, **changes: str) -> Answer:
    fields = {**post["fields"], **changes}
    parts = [f'--xx\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    head = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
    body = b"".join(parts) + head + content + b"\r\n--xx--\r\n"
    return toy.call("POST", post["url"], body, {"Content-Type": "multipart/form-data; boundary=xx"})


def test_presigned_post_takes_a_file_within_its_range(toy: RunningCloud, stored: Any) -> None:
    assert _post(toy, stored["post"], BODY[:1000]).status in (200, 201, 204)
    kept = toy.client("s3").get_object(Bucket=toy.resources["Files"], Key="up/f.bin")["Body"].read()
    assert kept == BODY[:1000]


def test_presigned_post_refuses_the_rest(toy: RunningCloud, stored: Any) -> None:
    post = stored["post"]
    assert b"EntityTooLarge" in _post(toy, post, BODY[:1001]).body
    assert b"EntityTooSmall" in _post(toy, post, b"").body
    assert _post(toy, post, b"x", key="elsewhere/f.bin").status == 403
    assert b"SignatureDoesNotMatch" in _post(toy, post, b"x", policy=post["fields"]["policy"][:-8] + "AAAAAAAA").body
