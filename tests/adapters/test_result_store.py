"""Results in the bucket and the links to them, honest and forged."""

import base64
import hmac
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from cutline.adapters.link_secret import CachedSecret, LinkSecret
from cutline.adapters.result_store import PRESIGNED_S, ResultStore, result_key
from cutline.bootstrap import Bootstrap
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.settings import Settings
from cutline.tasks.callback import callback_secret

NOW = 1_700_000_000.0
KEY = "r/shop/6f0c9d2e41.png"
SECRET = b"the links' secret"


class Presigner:
    """As much of S3 as links need."""

    def generate_presigned_url(self, operation: str, **call: Any) -> str:
        return f"https://s3/{call['Params']['Bucket']}/{call['Params']['Key']}?for={call['ExpiresIn']}&op={operation}"


LINK_SECRET = LinkSecret.parse(SECRET.decode())
STORE = ResultStore(Presigner(), "out", lambda: LINK_SECRET)


def token_of(link: str) -> str:
    return link.rpartition("/r/")[2]


def valid_token(expires_at: int = int(NOW) + 86400, key: str = KEY) -> str:
    return token_of(STORE.link("https://api.example.com/v1", key, expires_at))


def not_found(token: str, now: float = NOW, store: ResultStore = STORE) -> bool:
    with pytest.raises(InputRefused) as refusal:
        store.redirect(token, now)
    return refusal.value.reason is Reason.NOT_FOUND


def forged(payload: bytes, secret: bytes) -> str:
    mac = hmac.digest(hmac.digest(secret, b"result links", "sha256"), payload, "sha256")[:16]
    return base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()


@pytest.fixture
def stubbed() -> Iterator[tuple[ResultStore, Stubber]]:
    s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    with Stubber(s3) as stubber:
        yield ResultStore(s3, "out", lambda: LINK_SECRET), stubber


@pytest.mark.parametrize(("content_type", "extension"), [("image/png", ".png"), ("image/jpeg", ".jpg")])
def test_a_result_is_stored_under_its_account_with_its_type(stubbed, content_type: str, extension: str) -> None:
    store, stubber = stubbed
    expected = {"Bucket": "out", "Key": ANY, "Body": b"pixels", "ContentType": content_type}
    stubber.add_response("put_object", {}, expected)
    key = result_key("shop", "1-image", content_type)
    store.put_at(key, b"pixels", content_type)
    assert key == f"r/shop/1-image{extension}"
    stubber.assert_no_pending_responses()


def test_a_bucket_that_fails_is_a_store_fault(stubbed) -> None:
    store, stubber = stubbed
    stubber.add_client_error("put_object", "InternalError", http_status_code=500)
    with pytest.raises(ServiceFault) as fault:
        store.put_at("r/shop/1.png", b"pixels", "image/png")
    assert fault.value.reason is Reason.STORE_FAILED


def test_a_link_is_an_address_of_ours_that_ends_like_the_file() -> None:
    link = STORE.link("https://api.example.com/v1", KEY, 1)
    assert link.startswith("https://api.example.com/v1/r/")
    assert link.endswith(".png")
    assert "shop" not in link


def test_a_link_leads_to_a_short_presigned_address_of_its_own_key() -> None:
    assert STORE.redirect(valid_token(), NOW) == f"https://s3/out/{KEY}?for={PRESIGNED_S}&op=get_object"


def test_the_extension_of_a_link_is_decoration() -> None:
    token = valid_token()
    assert STORE.redirect(token.partition(".")[0], NOW) == STORE.redirect(token, NOW)


def test_the_presigned_address_never_outlives_the_link() -> None:
    assert "for=30&" in STORE.redirect(valid_token(int(NOW) + 30), NOW)


@pytest.mark.parametrize("left_s", [0, -1, -86400])
def test_a_lapsed_link_is_not_found(left_s: int) -> None:
    assert not_found(valid_token(int(NOW) + left_s))


def test_the_real_client_signs_with_its_own_credentials(stubbed) -> None:
    store, _ = stubbed
    url = urlsplit(store.redirect(valid_token(), NOW))
    assert url.path.endswith(KEY)
    assert {"Signature", "X-Amz-Signature"} & set(parse_qs(url.query))


def result_store(monkeypatch: pytest.MonkeyPatch, region: str, **variables: str) -> ResultStore:
    """As the functions have it in a region."""
    names = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": region}
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    given = {"OUTPUT_BUCKET": "shop-results", "LINK_SECRET": "secret", **variables}
    bootstrap = Bootstrap(Settings.from_environment(given))
    monkeypatch.setattr(bootstrap, "link_secret", lambda: LINK_SECRET)
    return bootstrap.results


# us-east-1 has a global address, too, which redirects.
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_links_lead_to_the_regions_own_address_under_the_newer_signature(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    store = result_store(monkeypatch, region)
    token = store.link("https://shop.example", KEY, int(NOW) + 600).rpartition("/")[2]
    url = urlsplit(store.redirect(token, NOW))
    assert url.netloc == f"shop-results.s3.{region}.amazonaws.com"
    assert parse_qs(url.query)["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_any_single_changed_character_is_not_found() -> None:
    token = valid_token().partition(".")[0]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for index in range(len(raw)):
        changed = raw[:index] + bytes([raw[index] ^ 1]) + raw[index + 1 :]
        assert not_found(base64.urlsafe_b64encode(changed).rstrip(b"=").decode())


def test_any_truncation_is_not_found() -> None:
    token = valid_token().partition(".")[0]
    for end in range(len(token)):
        assert not_found(token[:end])


@pytest.mark.parametrize(
    "payload", [b"ffffffffff/r/other/secret.png", b"", b"\xff\xfe", b"zz/r/a.png", b"-1/r/a.png", b"f" * 5000 + b"/r"]
)
def test_a_token_under_another_secret_is_not_found(payload: bytes) -> None:
    assert not_found(forged(payload, b"another secret"))


def test_a_token_made_of_a_callback_key_is_not_found() -> None:
    """Its owner knows the key, which is a MAC under the links' own secret."""
    key = bytes.fromhex(callback_secret(SECRET, "shop"))
    for payload in (b"callback/shop", b"ffffffff/r/other/x.png"):
        for mac in (key, hmac.digest(key, payload, "sha256")):
            assert not_found(base64.urlsafe_b64encode(mac[:16] + payload).rstrip(b"=").decode())
    assert not_found(
        base64.urlsafe_b64encode(hmac.digest(SECRET, b"callback/x", "sha256")[:16] + b"callback/x").decode()
    )


def test_head_is_signed_for_head() -> None:
    assert STORE.redirect(valid_token(), NOW, "HEAD") == f"https://s3/out/{KEY}?for={PRESIGNED_S}&op=head_object"


def test_the_mac_of_one_link_does_not_open_another_key() -> None:
    token = valid_token().partition(".")[0]
    mac = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[:16]
    other = base64.urlsafe_b64encode(mac + b"ffffffff/r/other/x.png").rstrip(b"=").decode()
    assert not_found(other)


@given(token=st.text(max_size=80))
def test_no_text_but_a_token_opens_anything(token: str) -> None:
    assert not_found(token)


@given(raw=st.binary(max_size=80))
def test_no_bytes_but_a_token_open_anything(raw: bytes) -> None:
    assert not_found(base64.urlsafe_b64encode(raw).decode())
    assert not_found(base64.b64encode(raw).decode().rstrip("="))


def test_the_secret_is_loaded_once_and_only_when_needed() -> None:
    loads = []
    cached = CachedSecret(lambda: loads.append(1) or SECRET.decode(), lambda: NOW)
    store = ResultStore(Presigner(), "out", cached)
    assert loads == []
    store.redirect(valid_token(), NOW)
    assert not_found("x", store=store)
    assert loads == [1]
