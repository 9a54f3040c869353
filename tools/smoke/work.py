"""Work in several steps, to its end: a task over HTTP, a mend, and a picture dropped into the input bucket."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from cutline.contracts.drops import error_key, result_key
from devkit.clients import PicWish, follow, open_picture, send
from tools.smoke.calls import PICTURE, SIZE, Failed, Keys, Result, Skipped

T = TypeVar("T")
_DONE = 1
_OK, _CONFLICT = 200, 409
# Over the figure in the middle of `PICTURE`.
STROKE = {"do": "remove", "radius": 0.02, "points": [[0.5, 0.5]]}
# The first task on AWS starts five functions, one after the other.
_WAIT_S, _PAUSE_S = 180.0, 0.5
_ABSENT = frozenset({"404", "NoSuchKey"})


def run_task(url: str, keys: Keys) -> Result:
    """The link to the result of a background task. Raises Failed."""
    picwish = PicWish(url, keys.api_key)
    accepted = picwish.create(PICTURE, sync="0")
    try:
        task_id = accepted.json["data"]["task_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"HTTP {accepted.status}: {accepted.body[:300].decode('utf-8', 'replace')}") from error

    def ended() -> Any:
        data = picwish.query(task_id).json["data"]
        return data if data["state"] == _DONE or data["state"] < 0 else None

    data = _eventually(ended, f"task {task_id}")
    if data["state"] != _DONE:
        raise Failed(f"task {task_id} ended in state {data['state']}; the saved query one-task shows its steps")
    return str(data["image"])


def mend(link: str) -> None:
    """Removes something from a result, which gets a new version under its link. Raises Failed and Skipped."""
    own = parse_qs(urlsplit(link).query).get("variants", [link])[0].partition("?")[0]
    body = json.dumps({"strokes": [STROKE]}).encode()
    answer = send("POST", f"{own}/mend", body, {"Content-Type": "application/json"})
    if answer.status == _CONFLICT and answer.json["code"] == "not_mendable":
        raise Skipped("the stack keeps no photographs (Mending=no)")
    if answer.status != _OK or not 0 < answer.json["changed"] < 1:
        raise Failed(f"HTTP {answer.status}: {answer.body[:300].decode('utf-8', 'replace')}")
    last = answer.json["version"]
    before, after = (follow(f"{own}?version={version}").body for version in (last - 1, last))
    if open_picture(after).size != SIZE or before == after:
        raise Failed("the link does not lead to the mended picture")


def drop(url: str, keys: Keys, outputs: Mapping[str, str], picture: bytes) -> None:
    """Drops a picture, waits for its result, and removes both. Raises Failed and Skipped."""
    usage = send("GET", f"{url}/usage", headers={"X-API-KEY": keys.api_key})
    if usage.status != _OK:
        raise Failed(f"GET /usage, which names the account: HTTP {usage.status}")
    try:
        inputs, results = outputs["InputBucket"], outputs["OutputBucket"]
    except KeyError as error:
        raise Skipped(f"the stack has no output {error}") from error
    key = f"in/{usage.json['account']}/auto/smoke-{uuid.uuid4()}.jpg"
    result, refusal = result_key(key, "image", "image/png"), error_key(key)
    s3 = boto3.client("s3")
    try:
        s3.put_object(Bucket=inputs, Key=key, Body=picture)
    except (BotoCoreError, ClientError) as error:
        raise Skipped(f"{inputs} cannot be written to: {error}") from error
    try:
        found = _eventually(lambda: _object(s3, results, result) or _object(s3, results, refusal), f"drop {key}")
    finally:
        for bucket, name in ((inputs, key), (results, result), (results, refusal)):
            s3.delete_object(Bucket=bucket, Key=name)
    if found.startswith(b"{"):
        raise Failed(f"the drop was refused: {found.decode()}")
    if open_picture(found).size != SIZE:
        raise Failed("the drop's result is not the picture's size")


def _object(s3: Any, bucket: str, key: str) -> bytes | None:
    """The object, or None while it is not there."""
    try:
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        return None


def _eventually(look: Callable[[], T | None], what: str) -> T:
    """What `look` finds at last. Raises Failed after three minutes."""
    limit = time.monotonic() + _WAIT_S
    while time.monotonic() < limit:
        found = look()
        if found is not None:
            return found
        time.sleep(_PAUSE_S)
    raise Failed(f"{what} did not end within {_WAIT_S:.0f} s")
