"""JD's two products behind one gateway: a call that each serves, and what a refusal looks like."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skimage import data

from devkit.clients import SMALL, Answer, JdClient, encoded

PORTRAIT = json.dumps({"image": base64.b64encode(encoded(data.astronaut()[::2, ::2])).decode()}).encode()
BAD_SIGNATURE = (401, 10047, "UNAUTHENTICATED", "请求签名sign无效，请检查签名信息")


@dataclass(frozen=True)
class Product:
    """One of the two APIs: a call that it serves, and how its body tells a code."""

    name: str
    path: str
    body: bytes
    code: Callable[[int], Any]
    done: int
    extra: tuple[str, ...] = ()

    def call(self, jd: JdClient) -> Answer:
        return jd.cutout(self.body, self.path)

    def assert_refused(self, answer: Answer, http_status: int, code: int, status: str, message: str) -> None:
        assert answer.status == http_status
        body = answer.json
        assert [type(body.pop(name)) for name in self.extra] == [bool, int][: len(self.extra)]
        assert body == {
            "requestId": answer.headers["x-jdcloud-request-id"],
            "error": {"code": http_status, "status": status, "message": message},
            "code": self.code(code),
            "msg": message,
            "result": None,
        }


MATTING = Product("jdc", "/api/cutout/", SMALL, int, done=0)
SELFIE = Product("jds", "/jdai/SelfieSeg", PORTRAIT, str, done=1000, extra=("charge", "remain"))


def assert_business_failure(answer: Answer, status: int, message: str) -> None:
    assert answer.status == (405 if status == 1008 else 200)
    body = answer.json
    result, remain = body.pop("result"), body.pop("remain")
    assert body.pop("requestId") == answer.headers["x-jdcloud-request-id"]
    assert body == {"code": "10000", "charge": False, "msg": "查询成功"}
    assert isinstance(remain, int)
    assert isinstance(result.pop("used_time"), int)
    assert result == {"status": status, "message": message}
