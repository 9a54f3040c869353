"""PyPI jdcloud_sdk: its client with JSON, its signer with raw bytes. Arguments: host and port, picture."""

import base64
import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

warnings.simplefilter("ignore")

import requests  # noqa: E402
from jdcloud_sdk.core.config import Config  # noqa: E402
from jdcloud_sdk.core.credential import Credential  # noqa: E402
from jdcloud_sdk.core.jdcloudclient import JDCloudClient  # noqa: E402
from jdcloud_sdk.core.jdcloudrequest import JDCloudRequest  # noqa: E402
from jdcloud_sdk.core.logger import FATAL, Logger  # noqa: E402
from jdcloud_sdk.core.signer import Signer  # noqa: E402

host, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()
logger = Logger(FATAL)


def selfie(secret: str) -> object:
    """What the SDK's client makes of the answer to its own call."""
    client = JDCloudClient(Credential("DEMOAK", secret), Config(host, "http", 60), "selfie", "1", logger)
    request = JDCloudRequest("/SelfieSeg", "POST", version="jdai")
    request.parameters = SimpleNamespace(image=base64.b64encode(picture).decode())
    return client.send(request)


class RawBody(str):
    """The signer hashes `text.encode("utf-8")`; a picture is hashed byte for byte."""

    def encode(self, *_: object) -> bytes:
        return picture


def matting() -> dict[str, object]:
    """The answer to the raw picture, signed."""
    headers = {"Content-Type": "application/octet-stream"}
    url = f"http://{host}/api/cutout/"
    Signer(logger).sign(
        method="POST",
        service="cutout",
        region="cn-north-1",
        uri=url,
        headers=headers,
        data=RawBody(),
        credential=Credential("DEMOAK", "DEMOSK"),
        security_token="",
    )
    return dict(requests.post(url, data=picture, headers=headers, timeout=240).json())


good, bad = selfie("DEMOSK"), selfie("wrong")
print(json.dumps({"error": good.error, "refused": bad.error.code, "matting": matting()}))  # type: ignore[attr-defined]
