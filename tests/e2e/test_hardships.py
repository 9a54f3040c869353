"""What is hard on a service beside failing stores: a key service that says no, a disk that takes nothing.

What failed is told in the contract's words, logged with its reason, not charged, and heals without a restart.
"""

import base64
import json
from typing import Any

from skimage import data

from devkit.accounts import accounts_of
from devkit.clients import SMALL, AidgeClient, AiLab, JdClient, PicWish, encoded, plain_picture
from devkit.faulty import FaultyCloud
from devkit.meters import meter_of

PICTURE = plain_picture(120, 100)
ENCODED = base64.b64encode(PICTURE).decode()
PORTRAIT = encoded(data.astronaut()[:300, 60:380])


def faults(cloud: FaultyCloud, function: str) -> list[dict[str, Any]]:
    """The faults that a function has logged."""
    lines = (cloud.running.log_dir / f"{function}.log").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and '"message":"fault"' in line]


def test_secrets_that_cannot_be_opened_are_our_fault_and_nobodys_charge(faulty: FaultyCloud) -> None:
    accounts_of(faulty.running).create("sealed", price_micros={"*": 3000})
    jd, aidge = JdClient(faulty.url, "AK-sealed", "SK-sealed"), AidgeClient(faulty.url, "APP-sealed", "SK-sealed")
    before = len(faults(faulty, "CutoutFunction"))
    with faulty.fault("kms:Decrypt", error="AccessDeniedException"):
        matting, selfie, cutout = jd.cutout(PICTURE), jd.segment(PORTRAIT), aidge.post({"imageBase64": ENCODED})
        # Their keys are hashed, so they need no secret.
        assert PicWish(faulty.url, "key-sealed").create(SMALL).json["data"]["state"] == 1
        assert AiLab(faulty.url, "key-sealed").cut(PORTRAIT).status == 200
    assert (matting.status, matting.json["code"]) == (500, 11010)
    assert (selfie.status, selfie.json["code"]) == (500, "11010")
    assert (cutout.json["resCode"], cutout.json["resMessage"]) == (500, "system error")
    logged = faults(faulty, "CutoutFunction")[before:]
    assert [(line["reason"], line["detail"]) for line in logged] == [("internal", "ClientError")] * 2
    assert "AccessDeniedException" in logged[0]["exception"]
    assert meter_of(faulty.running, "sealed")["charged_micros"] == 2 * 3000
    assert jd.cutout(PICTURE).json["result"]["status"] == 0
    assert aidge.post({"imageBase64": ENCODED}).json["success"] is True
    assert meter_of(faulty.running, "sealed")["charged_micros"] == 4 * 3000


def test_a_throttled_key_service_is_too_busy(faulty: FaultyCloud) -> None:
    accounts_of(faulty.running).create("queued")
    jd = JdClient(faulty.url, "AK-queued", "SK-queued")
    with faulty.fault("kms:Decrypt", error="ThrottlingException"):
        refused = jd.cutout(PICTURE)
    assert (refused.status, refused.json["code"]) == (503, 10020)
    assert jd.cutout(PICTURE).json["result"]["status"] == 0


def test_no_function_writes_a_file_so_that_neither_a_full_nor_a_sealed_disk_matters(faulty: FaultyCloud) -> None:
    """Every sandbox has a temporary folder of its own, which ends with it."""
    jd = JdClient(faulty.url)
    assert jd.cutout(PICTURE).json["result"]["status"] == 0
    assert jd.segment(PORTRAIT).json["result"]["status"] == 1000
    assert AidgeClient(faulty.url).post({"imageBase64": ENCODED}).json["success"] is True
    assert AiLab(faulty.url).cut(PORTRAIT).status == 200
    picwish = PicWish(faulty.url)
    assert picwish.create(SMALL).json["data"]["state"] == 1
    assert picwish.poll(picwish.create(SMALL, sync="0").json["data"]["task_id"])["state"] == 1
    folders = list((faulty.running.state_dir / "tmp").iterdir())
    assert len(folders) >= 5
    assert [file for folder in folders for file in folder.rglob("*")] == []
