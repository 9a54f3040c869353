"""What callers see when something behind the APIs fails: the contract's own words, and the next call works."""

import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from skimage import data

from devkit.clients import AidgeClient, AiLab, Answer, JdClient, PicWish, encoded, plain_picture
from devkit.faulty import FaultyCloud
from tests.support.ailabtools import DRESSED, assert_refused, elements_of
from tests.support.jd import MATTING, SELFIE
from tests.support.jd import assert_business_failure as assert_selfie_failure
from tests.support.picwish import assert_failed_task, assert_request_error

PICTURE = plain_picture(120, 100)
ENCODED = base64.b64encode(PICTURE).decode()
PROVIDER_MESSAGE = "发布方接口调用异常，请稍后再试"


@pytest.fixture(scope="module")
def jd(faulty: FaultyCloud) -> JdClient:
    client = JdClient(faulty.url)
    client.cutout(PICTURE)  # a cold start must not count against the short time limit
    return client


@pytest.fixture(scope="module")
def aidge(faulty: FaultyCloud, jd: JdClient) -> AidgeClient:
    return AidgeClient(faulty.url)


@pytest.fixture(scope="module")
def late(faulty: FaultyCloud, jd: JdClient, aidge: AidgeClient) -> Mapping[str, Answer]:
    """What each API says while its results take longer to store than a call may; all wait at once."""
    ailab, picwish = AiLab(faulty.url), PicWish(faulty.url)
    assert elements_of(ailab.cut(DRESSED))  # warm, and it works
    assert picwish.create().json["data"]["state"] == 1
    calls = {
        "jdc": lambda: jd.cutout(PICTURE),
        "aid": lambda: aidge.post({"imageBase64": ENCODED}),
        "ail": lambda: ailab.cut(DRESSED),
        "pw": picwish.create,
    }
    with faulty.fault("s3:PUT", delay_s=6.5), ThreadPoolExecutor(len(calls)) as pool:
        return dict(zip(calls, pool.map(lambda call: call(), calls.values()), strict=True))


@pytest.mark.parametrize(
    ("operation", "error", "jd_row", "aidge_row"),
    [
        ("s3:PUT", "AccessDenied", (500, 11010, "INTERNAL", PROVIDER_MESSAGE), (801, "model failed")),
        ("dynamodb:UpdateItem", "ThrottlingException",
         (503, 10020, "UNAVAILABLE", "系统繁忙，请稍后再试"), (501, "rate limit exceed")),
        ("dynamodb:UpdateItem", "AccessDeniedException",
         (500, 11010, "INTERNAL", PROVIDER_MESSAGE), (500, "system error")),
    ],
)  # fmt: skip
def test_a_failing_service_is_answered_in_the_contracts_words_and_heals(
    faulty: FaultyCloud, jd: JdClient, aidge: AidgeClient, operation: str, error: str, jd_row: tuple, aidge_row: tuple
) -> None:
    with faulty.fault(operation, error=error):
        refused, failed = jd.cutout(PICTURE), aidge.post({"imageBase64": ENCODED})
    MATTING.assert_refused(refused, *jd_row)
    assert failed.status == 200
    assert (failed.json["resCode"], failed.json["resMessage"]) == aidge_row
    assert (failed.json["success"], failed.json["data"]) == (False, None)
    assert jd.cutout(PICTURE).json["result"]["status"] == 0
    assert aidge.post({"imageBase64": ENCODED}).json["success"] is True


def test_a_call_that_takes_too_long_is_timed_out(late: Mapping[str, Answer], jd: JdClient) -> None:
    slow, failed = late["jdc"].json["result"], late["aid"].json
    assert (slow["status"], slow["message"]) == (13303, "time out")
    assert "cutout_image_url" not in slow
    assert (failed["resCode"], failed["resMessage"]) == (801, "model failed")
    assert jd.cutout(PICTURE).json["result"]["status"] == 0


def test_a_failing_service_is_told_to_costume_callers(faulty: FaultyCloud, late: Mapping[str, Answer]) -> None:
    ailab = AiLab(faulty.url)
    assert_refused(late["ail"], 504, "AI_SERVICE_TIMEOUT", "AI service timeout.")
    with faulty.fault("s3:PUT", error="AccessDenied"):
        assert_refused(ailab.cut(DRESSED), 502, "ERROR_FILE_UPLOAD_FAILED", "File upload failed.")
    with faulty.fault("dynamodb:UpdateItem", error="ThrottlingException"):
        assert_refused(ailab.cut(DRESSED), 503, "ERROR_INSUFFICIENT_RESOURCES", "Insufficient resources.")
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        assert_refused(ailab.cut(DRESSED), 500, "SERVICE_INTERNAL_ERROR", "Service internal error.")
    assert elements_of(ailab.cut(DRESSED))


def test_a_failing_service_is_told_to_selfie_callers(faulty: FaultyCloud, jd: JdClient) -> None:
    portrait = encoded(data.astronaut())
    assert jd.segment(portrait).json["result"]["status"] == 1000
    with faulty.fault("dynamodb:UpdateItem", delay_s=6.5):
        assert_selfie_failure(jd.segment(portrait), 1007, "time out")
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        SELFIE.assert_refused(jd.segment(portrait), 500, 11010, "INTERNAL", PROVIDER_MESSAGE)
    with faulty.fault("dynamodb:UpdateItem", error="ThrottlingException"):
        SELFIE.assert_refused(jd.segment(portrait), 503, 10020, "UNAVAILABLE", "系统繁忙，请稍后再试")
    assert jd.segment(portrait).json["result"]["status"] == 1000


def test_a_failing_service_is_told_to_task_callers(faulty: FaultyCloud, late: Mapping[str, Answer]) -> None:
    picwish = PicWish(faulty.url)
    with faulty.fault("s3:PUT", error="AccessDenied"):
        upload = picwish.create()
    assert_failed_task(picwish, upload, -2)
    assert_failed_task(picwish, late["pw"], -8)
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        assert_request_error(picwish.create(), 500, "Internal Server Error")
    assert picwish.create().json["data"]["state"] == 1
