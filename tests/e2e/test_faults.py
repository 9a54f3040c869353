"""What callers see when something behind the APIs fails: the contract's own words, and the next call works."""

import base64
import http.server
import threading
from collections.abc import Iterator

import pytest
from skimage import data

from tests.e2e.clients import AidgeClient, JdClient, encoded, plain_picture
from tests.e2e.conftest import FaultyCloud
from tests.e2e.test_costume import AiLab, assert_refused, elements_of
from tests.e2e.test_selfie import assert_business_failure as assert_selfie_failure
from tests.e2e.test_selfie import segment
from tests.e2e.test_tasks import PicWish, assert_failed_task, assert_request_error

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
    http_status, code, status, message = jd_row
    assert refused.status == http_status
    assert (refused.json["code"], refused.json["msg"], refused.json["result"]) == (code, message, None)
    assert refused.json["error"] == {"code": http_status, "status": status, "message": message}
    assert failed.status == 200
    assert (failed.json["resCode"], failed.json["resMessage"]) == aidge_row
    assert (failed.json["success"], failed.json["data"]) == (False, None)
    assert jd.cutout(PICTURE).json["result"]["status"] == 0
    assert aidge.post({"imageBase64": ENCODED}).json["success"] is True


def test_a_call_that_takes_too_long_is_timed_out(faulty: FaultyCloud, jd: JdClient, aidge: AidgeClient) -> None:
    with faulty.fault("s3:PUT", delay_s=6.5):
        slow = jd.cutout(PICTURE).json["result"]
        failed = aidge.post({"imageBase64": ENCODED}).json
    assert (slow["status"], slow["message"]) == (13303, "time out")
    assert "cutout_image_url" not in slow
    assert (failed["resCode"], failed["resMessage"]) == (801, "model failed")
    assert jd.cutout(PICTURE).json["result"]["status"] == 0


def test_a_failing_service_is_told_to_costume_callers(faulty: FaultyCloud) -> None:
    ailab = AiLab(faulty.url)
    assert elements_of(ailab.cut())  # warm, and it works
    with faulty.fault("s3:PUT", error="AccessDenied"):
        assert_refused(ailab.cut(), 502, "ERROR_FILE_UPLOAD_FAILED", "File upload failed.")
    with faulty.fault("s3:PUT", delay_s=6.5):
        assert_refused(ailab.cut(), 504, "AI_SERVICE_TIMEOUT", "AI service timeout.")
    with faulty.fault("dynamodb:UpdateItem", error="ThrottlingException"):
        assert_refused(ailab.cut(), 503, "ERROR_INSUFFICIENT_RESOURCES", "Insufficient resources.")
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        assert_refused(ailab.cut(), 500, "SERVICE_INTERNAL_ERROR", "Service internal error.")
    assert elements_of(ailab.cut())


def test_a_failing_service_is_told_to_selfie_callers(faulty: FaultyCloud, jd: JdClient) -> None:
    portrait = encoded(data.astronaut())
    assert segment(jd, portrait).json["result"]["status"] == 1000
    with faulty.fault("dynamodb:UpdateItem", delay_s=6.5):
        assert_selfie_failure(segment(jd, portrait), 1007, "time out")
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        body = segment(jd, portrait).json
    assert (body["code"], body["msg"], body["charge"], body["result"]) == ("11010", PROVIDER_MESSAGE, False, None)
    assert segment(jd, portrait).json["result"]["status"] == 1000


def test_a_failing_service_is_told_to_task_callers(faulty: FaultyCloud) -> None:
    picwish = PicWish(faulty.url)
    assert picwish.create().json["data"]["state"] == 1
    with faulty.fault("s3:PUT", error="AccessDenied"):
        upload = picwish.create()
    assert_failed_task(picwish, upload, -2)
    with faulty.fault("s3:PUT", delay_s=6.5):
        slow = picwish.create()
    assert_failed_task(picwish, slow, -8)
    with faulty.fault("dynamodb:UpdateItem", error="AccessDeniedException"):
        assert_request_error(picwish.create(), 500, "Internal Server Error")
    assert picwish.create().json["data"]["state"] == 1


def test_an_address_with_too_much_behind_it_is_state_minus_5(faulty: FaultyCloud, pictures: str) -> None:
    picwish = PicWish(faulty.url)
    assert_failed_task(picwish, picwish.create(None, sync="1", image_url=f"{pictures}/huge"), -5)
    assert picwish.create(None, sync="1", image_url=f"{pictures}/picture.png").json["data"]["state"] == 1


def test_the_rate_over_all_accounts_has_a_code_of_its_own(faulty: FaultyCloud, jd: JdClient) -> None:
    with faulty.busy_service():
        refused = jd.cutout(PICTURE)
    assert refused.status == 429
    assert (refused.json["code"], refused.json["msg"]) == (10044, "集群QPS超限额，请与京东智联云联系")
    assert jd.cutout(PICTURE).status == 200


class _Pictures(http.server.BaseHTTPRequestHandler):
    """/picture.png is one, /moved leads to it, /huge says it is too large, /metadata leads where none may ask."""

    def do_GET(self) -> None:
        moved = {"/moved": "/picture.png", "/metadata": "http://169.254.169.254/latest"}.get(self.path)
        if moved:
            self.send_response(302)
            self.send_header("Location", moved)
            self.end_headers()
        elif self.path == "/huge":
            self.send_response(200)
            self.send_header("Content-Length", str(15 * 1024 * 1024 + 1))
            self.end_headers()
        elif self.path == "/picture.png":
            self.send_response(200)
            self.send_header("Content-Length", str(len(PICTURE)))
            self.end_headers()
            self.wfile.write(PICTURE)
        else:
            self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pictures)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/picture.png", "/moved"])
def test_an_image_url_is_fetched(aidge: AidgeClient, pictures: str, path: str) -> None:
    body = aidge.get({"imageUrl": pictures + path, "backGroundType": "TRANSPARENT"}).json
    assert body["success"] is True
    assert (body["data"]["imageWidth"], body["data"]["imageHeight"]) == (120, 100)


@pytest.mark.parametrize(
    ("path", "detail"),
    [("/nothing", "HTTP status 404"), ("/metadata", "the address is not a public one")],
)
def test_an_image_url_that_cannot_be_fetched_is_invalid(
    aidge: AidgeClient, pictures: str, path: str, detail: str
) -> None:
    body = aidge.post({"imageUrl": pictures + path}).json
    assert (body["resCode"], body["resMessage"]) == (700, f"invalid input: {detail}")
