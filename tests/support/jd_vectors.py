"""The published test vectors of JDCLOUD2 and JDCLOUD3 signatures (contracts.md 1.7)."""

import base64
from collections.abc import Mapping

import pytest

from cutline.contracts.wire import Request
from tests.support.signed_calls import DATE, HOST, at, request

PIXEL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def authorization(version: str, key: str, scope: str, signed: str, signature: str) -> str:
    return f"JDCLOUD{version}-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"


def vector(
    authorization_value: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    path: str = "/",
    query: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    return request(
        method=method,
        path=path,
        query=query,
        headers={**headers, "authorization": authorization_value},
        body=body,
        now=at(headers["x-jdcloud-date"]),
    )


VENDOR_DOCS = vector(
    authorization(
        "2",
        "TESTAK",
        "20190214/cn-north-1/test/jdcloud2_request",
        "x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank",
        "2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf",
    ),
    {
        "x-jdcloud-date": "20190214T104514Z",
        "x-jdcloud-nonce": "testnonce",
        "x-my-header": "test",
        "x-my-header_blank": " blank",
    },
    method="POST",
    path="/v1/resource:action",
    query=(("p1", "p1"), ("p0", "p0"), ("o", "%"), ("u", "u")),
    body=b"body data",
)
RUST_SDK = vector(
    authorization(
        "2",
        "ak",
        "20180405/cn-north-1/service_name/jdcloud2_request",
        "content-type;x-jdcloud-date;x-jdcloud-nonce",
        "cea138630c57ba3de51933926e3b1657c34b4d1b6f86d360511bf40a09f63729",
    ),
    {
        "x-jdcloud-date": "20180405T010203Z",
        "x-jdcloud-nonce": "55f3919e-3a7d-4174-b117-f150ff25e274",
        "content-type": "application/json",
    },
    path="/v1/regions/cn-north-1/instances",
    query=(("pageNumber", "2"), ("pageSize", "10")),
)
CPP_SDK = vector(
    authorization(
        "2",
        "ak",
        "20090213/cn-north-1/vm/jdcloud2_request",
        "host;x-jdcloud-date;x-jdcloud-nonce",
        "43a76892222031f847c00c56cac8d4d2dc179a4e75a37868d09a5300435f4054",
    ),
    {"x-jdcloud-date": "20090213T233130Z", "x-jdcloud-nonce": "uuid", "host": "vm.cn-north-1.jdcloud.net"},
)
NODE_SDK = vector(
    authorization(
        "3",
        "ak",
        "20190917/cn-north-1/apigatewaytestproductline/jdcloud3_request",
        "x-jdcloud-algorithm;x-jdcloud-date;x-jdcloud-nonce",
        "ad76602f91e3ce4fabb0b7f925417d132efe411356ff0df3d85e70ab1ae11048",
    ),
    {
        "x-jdcloud-date": "20190917T064708Z",
        "x-jdcloud-nonce": "X-Jdcloud-Nonce",
        "x-jdcloud-algorithm": "JDCLOUD3-HMAC-SHA256",
    },
    path="v1",
)
CUTOUT = vector(
    authorization(
        "2",
        "DEMOAK",
        "20240102/cn-north-1/cutout/jdcloud2_request",
        "content-type;host;x-jdcloud-date;x-jdcloud-nonce",
        "ecd888946c4e100abcc0354d66acfa13f07f4702b1846b0067c672b6e92618a4",
    ),
    {
        "x-jdcloud-date": DATE,
        "x-jdcloud-nonce": "00000000-0000-4000-8000-000000000001",
        "content-type": "application/octet-stream",
        "host": HOST,
    },
    method="POST",
    path="/api/cutout/",
    body=PIXEL_PNG,
)
SELFIE = vector(
    authorization(
        "2",
        "DEMOAK",
        "20240102/cn-north-1/aiapi/jdcloud2_request",
        "content-type;host;x-jdcloud-date;x-jdcloud-nonce",
        "297fe20a1a5af5fd25a3e8112ed3ecda7f1ceaec632dd200abc5fd02b6289835",
    ),
    {
        "x-jdcloud-date": DATE,
        "x-jdcloud-nonce": "00000000-0000-4000-8000-000000000002",
        "content-type": "application/json",
        "host": HOST,
    },
    method="POST",
    path="/jdai/SelfieSeg",
    body=b'{"image":"iVBORw0KGgo="}',
)
VECTORS = [
    pytest.param(VENDOR_DOCS, "TESTSK", id="vendor's documentation"),
    pytest.param(RUST_SDK, "sk", id="Rust SDK"),
    pytest.param(CPP_SDK, "sk", id="C++ SDK"),
    pytest.param(NODE_SDK, "sk", id="Node SDK, JDCLOUD3"),
    pytest.param(CUTOUT, "DEMOSK", id="matting example"),
    pytest.param(SELFIE, "DEMOSK", id="SelfieSeg example"),
]
