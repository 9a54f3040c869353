"""CloudFront's signed URLs, checked as CloudFront checks them: with the public key that the template hands it."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cutline.adapters import p256
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.adapters.signed_urls import UrlSigner, public_text, read_deployed, with_new_key
from cutline.bootstrap import Bootstrap
from cutline.errors import ServiceFault
from cutline.settings import Settings
from tests.support.template import whole_template
from tools.conditions import settled

FRONT, KEY, END = "https://d111.cloudfront.net", "r/shop/6f0c9d2e41.png", 1_800_000_000
SECRET, PRIVATE = with_new_key("no key yet")
# RFC 6979, A.2.5: the key, and the signature of "sample" under SHA-256.
RFC_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_X = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
RFC_R = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
RFC_S = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"


def pem_of_the_template(text: str) -> bytes:
    """The key that CloudFront gets for this ResultsKeyA."""
    resources = settled(whole_template().plain, {"ResultsCdn": "cloudfront", "ResultsKeyA": text})["Resources"]
    frame, parts = resources["ResultsPublicKeyA"]["Properties"]["PublicKeyConfig"]["EncodedKey"]["Fn::Sub"]
    line_break, split = parts["Lines"]["Fn::Join"]
    assert split == {"Fn::Split": [",", {"Ref": "ResultsKeyA"}]}
    return str(frame).replace("${Lines}", line_break.join(text.split(","))).encode()


def check(url: str, private: int = PRIVATE) -> dict[str, Any]:
    """As CloudFront does. Returns the policy. Raises InvalidSignature."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
    assert (query["Key-Pair-Id"], query["Hash-Algorithm"]) == ("K1", "SHA256")
    address = re.split("[?&]Expires=", url)[0]
    policy = (
        f'{{"Statement":[{{"Resource":"{address}",'
        f'"Condition":{{"DateLessThan":{{"AWS:EpochTime":{query["Expires"]}}}}}}}]}}'
    )
    signature = base64.b64decode(query["Signature"].translate(str.maketrans("-_~", "+=/")), validate=True)
    key = load_pem_public_key(pem_of_the_template(public_text(private)))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, policy.encode(), ec.ECDSA(SHA256()))
    return dict(json.loads(policy)["Statement"][0])


def signer(secret: str = SECRET, *deployed: int) -> UrlSigner:
    return UrlSigner(FRONT, lambda: secret, read_deployed(f"K1={public_text(key)}" for key in deployed or (PRIVATE,)))


@pytest.mark.parametrize("key", [KEY, "in/shop/auto/kühl & 100%+.jpg.png"])
def test_cloudfront_accepts_the_link_until_it_ends(key: str) -> None:
    url = signer().url(key, END)
    said = check(url)
    assert said["Condition"] == {"DateLessThan": {"AWS:EpochTime": END}}
    assert url.startswith(f"{FRONT}/{key[:3]}")
    assert not set(url) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#[]@!$&'()*+,;=%")


@pytest.mark.parametrize(
    ("old", "new"), [("Expires=18", "Expires=19"), ("6f0c", "6f0d"), (".png", ".jpg"), ("d111", "d112")]
)
def test_a_changed_link_is_refused(old: str, new: str) -> None:
    with pytest.raises(InvalidSignature):
        check(signer().url(KEY, END).replace(old, new))


def test_the_same_link_is_signed_the_same_way_so_that_no_nonce_is_drawn_at_random() -> None:
    assert signer().url(KEY, END) == signer().url(KEY, END)


def test_a_new_key_signs_once_cloudfront_has_it_and_the_old_one_until_then() -> None:
    later, second = with_new_key(SECRET)
    check(signer(later, PRIVATE).url(KEY, END), PRIVATE)
    check(signer(later, PRIVATE, second).url(KEY, END), second)
    check(signer(later, second).url(KEY, END), second)
    assert len(json.loads(with_new_key(later)[0])["keys"]) == 2


@pytest.mark.parametrize("secret", ["k8Gh2", '{"keys": []}', "[]", '{"keys": [null]}'])
def test_without_a_key_there_is_no_link(secret: str) -> None:
    with pytest.raises(ServiceFault):
        signer(secret).url(KEY, END)


def test_a_key_that_cloudfront_does_not_know_signs_nothing() -> None:
    with pytest.raises(ServiceFault):
        signer(SECRET, with_new_key("")[1]).url(KEY, END)


def test_signatures_are_those_of_the_standard() -> None:
    signature = p256.sign(RFC_KEY, b"sample").hex()
    assert signature == f"3046022100{RFC_R}022100{RFC_S}"
    assert p256.public_key(RFC_KEY).hex()[54:118] == RFC_X


@pytest.mark.parametrize("private", [2, 3, 255, p256.ORDER >> 1, p256.ORDER - 2, p256.ORDER - 1])
def test_extreme_keys_sign_too(private: int) -> None:
    numbers = ec.derive_private_key(private, ec.SECP256R1()).public_key().public_numbers()
    assert p256.public_key(private).hex()[54:] == f"{numbers.x:064x}{numbers.y:064x}"
    numbers.public_key().verify(p256.sign(private, b"text"), b"text", ec.ECDSA(SHA256()))


def bootstrap(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ResultStore:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = Bootstrap(Settings.from_environment({"OUTPUT_BUCKET": "out", "LINK_SECRET": "links", **variables}))
    texts = {"links": "the links' secret", "arn:keys": SECRET}
    monkeypatch.setattr(made, "secret", texts.__getitem__)
    return made.results


def test_a_function_behind_cloudfront_answers_with_signed_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    store = bootstrap(monkeypatch, RESULTS_CDN=f"{FRONT} arn:keys K1={public_text(PRIVATE)}")
    check(store.link("https://api.example.com/v1", KEY, END))


def test_a_link_from_before_leads_to_cloudfront_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    before, behind = (
        bootstrap(monkeypatch),
        bootstrap(monkeypatch, RESULTS_CDN=f"{FRONT} arn:keys K1={public_text(PRIVATE)}"),
    )
    token = before.link("https://api.example.com/v1", KEY, END).rpartition("/r/")[2]
    for asked, ends in ((END - 3600, END - 3300), (END - 100, END)):
        url = behind.redirect(token, asked)
        assert check(url)["Condition"]["DateLessThan"]["AWS:EpochTime"] == ends


def test_public_keys_fit_the_templates_parameters() -> None:
    pattern = whole_template().plain["Parameters"]["ResultsKeyA"]["AllowedPattern"]
    assert re.fullmatch(pattern, public_text(PRIVATE))
    assert whole_template().plain["Parameters"]["ResultsKeyB"]["AllowedPattern"] == pattern


def test_a_link_names_the_address_of_its_variants_which_cannot_be_changed() -> None:
    store = ResultStore(None, "out", lambda: LinkSecret.parse("secret"), signer())
    link = store.link("https://api.example", KEY, END)
    check(link)
    address = parse_qs(urlsplit(link).query)["variants"][0]
    assert address.startswith("https://api.example/r/")
    assert store.open_link(address.rpartition("/")[2], END - 60) == (KEY, 60)
    with pytest.raises(InvalidSignature):
        check(link.replace("api.example", "api.evil"))
