"""The signing helper against vectors that were worked out by the vendors' own code."""

import base64
import time
import uuid

import pytest

from localcloud import sign


def test_jd_headers_equal_the_worked_example(monkeypatch: pytest.MonkeyPatch) -> None:
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    )
    monkeypatch.setattr(time, "strftime", lambda form, moment: "20240102T030405Z")
    monkeypatch.setattr(uuid, "uuid4", lambda: "00000000-0000-4000-8000-000000000001")
    headers = sign.jd_headers("http://cutout.example.com/api/cutout/", png, "application/octet-stream")
    assert headers["authorization"] == (
        "JDCLOUD2-HMAC-SHA256 Credential=DEMOAK/20240102/cn-north-1/cutout/jdcloud2_request, "
        "SignedHeaders=content-type;host;x-jdcloud-date;x-jdcloud-nonce, "
        "Signature=ecd888946c4e100abcc0354d66acfa13f07f4702b1846b0067c672b6e92618a4"
    )


def test_aidge_url_equals_the_worked_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1704164645.0)
    url = sign.aidge_url("http://x/ai/image/cut/out")
    assert url.startswith("http://x/ai/image/cut/out?partner_id=aidge&sign_method=sha256&sign_ver=v2&app_key=512345&")
    assert "&timestamp=1704164645000&sign=40349F8E265ACF735D543F34A40380D2E50D84399B91AA9047B2CBA648655186" in url
