"""What the functions write down: one line per call that tells what happened, and nothing that opens a door.

Calls of every kind are made, good and bad, and afterwards no log holds any secret that travelled with them.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from skimage import data

from devkit.accounts import accounts_of
from devkit.clients import SMALL, AidgeClient, AiLab, JdClient, PicWish, encoded, follow, send
from devkit.faulty import FaultyCloud
from tests.support.picwish import wait

ACCOUNT = "sentinel"
PICTURE = encoded(data.astronaut()[:200, 60:260])


class Secrets:
    """Texts that must not be found in any log, by what they are."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def new(self, kind: str) -> str:
        """A text of our own choosing that nothing else writes."""
        self.texts[kind] = f"S3NT{uuid.uuid4().hex}"
        return self.texts[kind]

    def note(self, kind: str, text: str) -> None:
        """A text that the service or a client chose."""
        assert len(text) > 8, (kind, text)
        self.texts[kind] = text

    def in_text(self, text: str) -> list[str]:
        return [kind for kind, secret in self.texts.items() if secret in text]


def written(cloud: FaultyCloud) -> str:
    """All that the functions and the local cloud itself wrote."""
    files = [*cloud.running.log_dir.iterdir(), cloud.running.state_dir / "output.txt"]
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def requests(cloud: FaultyCloud, function: str) -> list[dict[str, Any]]:
    """The request lines of a function, oldest first."""
    lines = (cloud.running.log_dir / f"{function}.log").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and '"request"' in line]
    return [line for line in found if line.get("message") == "request"]


@pytest.fixture(scope="module")
def secrets(faulty: FaultyCloud) -> Iterator[Secrets]:
    found = Secrets()
    accounts_of(faulty.running).create(ACCOUNT, price_micros={"*": 3000})
    for prefix in ("AK-", "SK-", "APP-", "key-"):
        found.note(f"credential {prefix}", prefix + ACCOUNT)
    yield found


def test_signed_calls_leave_no_key_signature_or_body(faulty: FaultyCloud, secrets: Secrets) -> None:
    jd = JdClient(faulty.url, f"AK-{ACCOUNT}", f"SK-{ACCOUNT}")
    headers = jd.headers("/api/cutout/", PICTURE)
    signature, idempotency_key = headers["authorization"].rpartition("=")[2], secrets.new("Idempotency-Key")
    secrets.note("JD signature", signature)
    secrets.note("body in base64", base64.b64encode(PICTURE[:300]).decode()[:40])
    answer = send("POST", f"{faulty.url}/api/cutout/", PICTURE, {**headers, "Idempotency-Key": idempotency_key})
    link = answer.json["result"]["cutout_image_url"]
    secrets.note("result token", urlsplit(link).path.rpartition("/")[2].partition(".")[0])
    presigned = send("GET", link).headers["location"]
    secrets.note("signed address", urlsplit(presigned).query)
    assert follow(link).status == 200
    assert send("GET", f"{link[:-9]}AAAAA.png").status == 404
    forged = {**headers, "authorization": headers["authorization"].replace(signature, secrets.new("forged signature"))}
    assert send("POST", f"{faulty.url}/api/cutout/", PICTURE, forged).status == 401
    aidge = AidgeClient(faulty.url, f"APP-{ACCOUNT}", f"SK-{ACCOUNT}")
    query = aidge.query()
    secrets.note("Aidge signature", query["sign"])
    address = f"http://127.0.0.1:9/{secrets.new('path of an address')}?{secrets.new('its query')}"
    body = json.dumps({"imageUrl": address})
    url = f"{faulty.url}/ai/image/cut/out?{urlencode(query)}"
    assert send("POST", url, body.encode(), {"Content-Type": "application/json"}).json["success"] is False
    assert secrets.in_text(written(faulty)) == []


def test_calls_with_keys_leave_none_even_where_they_fail(faulty: FaultyCloud, secrets: Secrets) -> None:
    picwish, ailab = PicWish(faulty.url, f"key-{ACCOUNT}"), AiLab(faulty.url, f"key-{ACCOUNT}")
    assert PicWish(faulty.url, secrets.new("wrong key")).create().status == 401
    assert ailab.cut(secrets.new("no picture").encode()).status == 415
    for operation, error in (("s3:PUT", "AccessDenied"), ("dynamodb:UpdateItem", "AccessDeniedException")):
        with faulty.fault(operation, error=error):
            picwish.create(PICTURE, bg_color=secrets.new(f"field under {operation}"))
            ailab.cut(PICTURE, cloth_class=secrets.new(f"class under {operation}"))
    ticket = send("POST", f"{faulty.url}/uploads", b"{}", {"X-API-KEY": f"key-{ACCOUNT}"}).json
    secrets.note("ticket policy", ticket["fields"]["policy"])
    secrets.note("ticket signature", ticket["fields"].get("x-amz-signature") or ticket["fields"]["signature"])
    assert send("GET", f"{faulty.url}/usage", headers={"X-API-KEY": f"key-{ACCOUNT}"}).status == 200
    assert secrets.in_text(written(faulty)) == []


def test_tasks_leave_neither_token_nor_address(faulty: FaultyCloud, secrets: Secrets) -> None:
    picwish = PicWish(faulty.url, f"key-{ACCOUNT}")
    callback = f"http://127.0.0.1:9/{secrets.new('callback')}"
    done = picwish.create(SMALL, sync="0", callback_url=callback).json["data"]["task_id"]
    address = f"http://127.0.0.1:9/{secrets.new('source')}"
    failed = picwish.create(None, sync="0", image_url=address).json["data"]["task_id"]
    assert wait(picwish, failed)[0][-1] < 0
    states, body = wait(picwish, done)
    assert states[-1] == 1
    secrets.note("task's result token", urlsplit(body["image"]).path.rpartition("/")[2].partition(".")[0])
    arn = faulty.running.resources["TaskFlow"].replace(":stateMachine:", ":execution:")
    events = faulty.running.client("stepfunctions").get_execution_history(executionArn=f"{arn}:{done}")["events"]
    messages = [event["taskScheduledEventDetails"] for event in events if "taskScheduledEventDetails" in event]
    (sent,) = [json.loads(message["parameters"]) for message in messages if message["resourceType"] == "sqs"]
    message = sent["MessageBody"]
    secrets.note("task token", (json.loads(message) if isinstance(message, str) else message)["token"])
    assert secrets.in_text(written(faulty)) == []


def test_every_call_has_one_line_that_tells_what_became_of_it(faulty: FaultyCloud, secrets: Secrets) -> None:
    before = len(requests(faulty, "TasksFunction"))
    good = PicWish(faulty.url, f"key-{ACCOUNT}").create(PICTURE)
    PicWish(faulty.url, f"key-{ACCOUNT}").create(b"no picture")
    assert good.json["data"]["state"] == 1
    served, refused = requests(faulty, "TasksFunction")[before:]
    assert served["route"] == "POST /api/tasks/visual/segmentation"
    assert (served["api"], served["account_id"], served["reason"]) == ("pw", ACCOUNT, "ok")
    assert (served["pixels"], served["charge_micros"]) == (200 * 200, 3000)
    assert served["request_id"] == good.headers["x-amzn-requestid"]
    assert {"gate", "decode", "network", "encode", "store", "settle"} <= served["stages_ms"].keys()
    assert sum(served["stages_ms"].values()) <= served["billed_ms"] + 1
    assert 50_000 < served["max_rss_kib"] < 3_080_192
    assert isinstance(served["cold_start"], bool)
    assert (refused["reason"], refused["account_id"]) == ("image_type", ACCOUNT)
    assert "charge_micros" not in refused


def steps_of(cloud: FaultyCloud, task_id: str) -> dict[str, dict[str, Any]]:
    """The lines of a task's steps, by step."""
    texts = [file.read_text("utf-8") for file in cloud.running.log_dir.iterdir()]
    found = [
        json.loads(line) for text in texts for line in text.splitlines() if line.startswith("{") and task_id in line
    ]
    return {line["step"]: line for line in found if line.get("message") == "step"}


def test_every_step_of_a_task_has_one_line_too(faulty: FaultyCloud, secrets: Secrets) -> None:
    picwish = PicWish(faulty.url, f"key-{ACCOUNT}")
    good = picwish.create(PICTURE, sync="0").json["data"]["task_id"]
    bad = picwish.create(b"no picture", sync="0").json["data"]["task_id"]
    assert (wait(picwish, good)[0][-1], wait(picwish, bad)[0][-1]) == (1, -7)
    accepted = [line for line in requests(faulty, "TasksFunction") if line.get("task_id") == good]
    assert [(line["account_id"], line["reason"]) for line in accepted] == [(ACCOUNT, "ok")]
    steps, failed = steps_of(faulty, good), steps_of(faulty, bad)
    assert (steps.keys(), failed.keys()) == ({"prepare", "worker", "finish"}, {"prepare", "fail"})
    for line in (*steps.values(), *failed.values()):
        assert (line["account_id"], line["api"]) == (ACCOUNT, "pw")
        assert sum(line["stages_ms"].values()) <= line["billed_ms"] + 1
        assert 50_000 < line["max_rss_kib"] < 3_080_192
        assert isinstance(line["cold_start"], bool)
    assert [steps[name]["pixels"] for name in ("prepare", "finish")] == [200 * 200] * 2
    assert {name: line["charge_micros"] for name, line in steps.items() if "charge_micros" in line} == {"finish": 3000}
    assert (failed["prepare"]["reason"], failed["fail"]["reason"]) == ("image_type", "ok")
    assert not [line for line in failed.values() if "charge_micros" in line]


def test_the_sentinels_would_be_found() -> None:
    found = Secrets()
    found.new("planted")
    assert found.in_text(f"a line with {found.texts['planted']} in it") == ["planted"]
