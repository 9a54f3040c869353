"""JDCLOUD2 and JDCLOUD3 signatures: the published vectors, every refusal, every accepted reading (contracts.md 1.7)."""

import hashlib
import hmac
import re
from dataclasses import replace

import pytest

from cutline.accounts.jd_signature import (
    JdAuthorization,
    canonical_requests,
    is_signed_by,
    parse_authorization,
    signing_key,
    string_to_sign,
)
from cutline.contracts.wire import Request
from cutline.errors import AccessRefused, Reason
from tests.support.jd_vectors import CUTOUT, RUST_SDK, SELFIE, VECTORS, VENDOR_DOCS
from tests.support.signed_calls import HOST, NOW, JdCall, request


def with_headers(original: Request, **headers: str) -> Request:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(original, headers={**original.headers, **changed})


def verifies(call: Request, secret: str = "DEMOSK", *, lenient: bool = False) -> bool:
    return is_signed_by(call, parse_authorization(call), secret, lenient_body_hash=lenient)


def reason_of(call: Request) -> Reason:
    with pytest.raises(AccessRefused) as refusal:
        parse_authorization(call)
    return refusal.value.reason


def documented_reading(call: Request, claim: JdAuthorization) -> str:
    return next(canonical_requests(call, claim.signed_headers, [hashlib.sha256(call.body).hexdigest()]))


def key_chain(claim: JdAuthorization, secret: str) -> list[str]:
    key, chain = f"JDCLOUD{claim.version}{secret}".encode(), []
    for part in claim.scope:
        key = hmac.digest(key, part.encode(), "sha256")
        chain.append(key.hex())
    return chain


@pytest.mark.parametrize(("call", "secret"), VECTORS)
def test_every_published_vector_is_accepted(call: Request, secret: str) -> None:
    assert verifies(call, secret)


@pytest.mark.parametrize(("call", "secret"), VECTORS)
def test_no_vector_is_accepted_after_one_byte_changed(call: Request, secret: str) -> None:
    claim = parse_authorization(call)
    flipped = bytes([call.body[0] ^ 1]) + call.body[1:] if call.body else b"x"
    last = "1" if claim.signature[-1] == "0" else "0"
    assert not verifies(replace(call, body=flipped), secret)
    assert not verifies(call, secret[:-1] + "X")
    assert not is_signed_by(call, replace(claim, signature=claim.signature[:-1] + last), secret)
    assert not is_signed_by(call, replace(claim, signature=claim.signature[:-1]), secret)
    assert not verifies(replace(call, method="PUT"), secret)
    assert not verifies(replace(call, path=call.path + "x", raw_path=call.path + "x"), secret)
    assert not verifies(replace(call, query=(*call.query, ("a", ""))), secret)
    assert not verifies(with_headers(call, x_jdcloud_nonce="another"), secret)


def test_the_vendors_example_has_its_canonical_request_and_keys() -> None:
    claim = parse_authorization(VENDOR_DOCS)
    canonical = documented_reading(VENDOR_DOCS, claim)
    assert canonical == (
        "POST\n/v1/resource%3Aaction\no=%25&p0=p0&p1=p1&u=u\n"
        "x-jdcloud-date:20190214T104514Z\nx-jdcloud-nonce:testnonce\nx-my-header:test\nx-my-header_blank:blank\n\n"
        "x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank\n"
        "e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074"
    )
    assert string_to_sign(claim, canonical).split("\n")[3] == (
        "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c"
    )
    assert key_chain(claim, "TESTSK") == [
        "dbbdee87f18afeedd6456923587f5323b90c3a77fbc6e381b243c90c672d5daf",
        "78e1da51757851329da8e31a6bad9f509c4816cacb8d5b2b9d171e49498ce4b6",
        "44050ec21c8e839f36ff5b2d44ec4a5876f4ffd6ef9a7a692a3eba40396bdb68",
        "a4e50bcb6001be0008696b173c30172b5ce22a77db00d21c6a9d69de2ba33b7d",
    ]
    assert signing_key("TESTSK", claim).hex() == key_chain(claim, "TESTSK")[-1]


def test_the_rust_sdks_signing_key_is_reproduced() -> None:
    assert signing_key("sk", parse_authorization(RUST_SDK)).hex() == (
        "b302aa05734bcaf60be65a4be7c971669ac55444769681c19113d80460e31a33"
    )


def test_the_matting_example_has_its_canonical_request_string_to_sign_and_keys() -> None:
    claim = parse_authorization(CUTOUT)
    canonical = documented_reading(CUTOUT, claim)
    assert canonical == (
        "POST\n/api/cutout/\n\ncontent-type:application/octet-stream\nhost:cutout.example.com\n"
        "x-jdcloud-date:20240102T030405Z\nx-jdcloud-nonce:00000000-0000-4000-8000-000000000001\n\n"
        "content-type;host;x-jdcloud-date;x-jdcloud-nonce\n"
        "497790947d4666760ce38f3c00e852c71fdb66cae849bae8e9ede352719e1581"
    )
    assert string_to_sign(claim, canonical) == (
        "JDCLOUD2-HMAC-SHA256\n20240102T030405Z\n20240102/cn-north-1/cutout/jdcloud2_request\n"
        "fd4a823266fb98cdab6e8facb16d82555bc89b816ae2a90fc148fb5d26929a2e"
    )
    assert key_chain(claim, "DEMOSK") == [
        "785a474fef4b1573ec18e6a030462b5153fa910308b248e870704390264b01a8",
        "d9633f9f5260c89b7999e98b824f33bff0264329cf219b4790e92389adf10b7f",
        "e82aef4a98a1d349afb2b57e9680cb9e6bd1f097044156698a7a3d025d85f68a",
        "a49ac83de9206da489b894e14d4d39460c7f8edf7d77f71041bdb2ee5aaf7012",
    ]


def test_the_selfie_example_has_its_hashes_and_key() -> None:
    claim = parse_authorization(SELFIE)
    canonical = documented_reading(SELFIE, claim)
    assert canonical.endswith("\ndee8faa504981849d014f74caaf9188c9b96ba8d75b42ad6d0a7e27287dddaf3")
    assert string_to_sign(claim, canonical).endswith(
        "\n369e7c8732e9465c7afcfb21b1e5b3a31dc4720a2aa8fabe690587e1bcb76cab"
    )
    assert signing_key("DEMOSK", claim).hex() == "09a79268b05ae6c0155143c55a4d7bafb48cacfffeb89401d891250bc7b45248"


@pytest.mark.parametrize("version", ["2", "3"])
def test_both_versions_of_the_scheme_are_accepted_and_not_confused(version: str) -> None:
    call = JdCall(version=version).send()
    other = "3" if version == "2" else "2"
    assert verifies(call)
    renamed = call.headers["authorization"].replace(f"JDCLOUD{version}", f"JDCLOUD{other}")
    assert reason_of(with_headers(call, authorization=renamed)) is Reason.SIGNATURE_WRONG


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", Reason.KEY_MISSING),
        ("Basic QUs6U0s=", Reason.KEY_MISSING),
        ("JDCLOUD4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=f", Reason.KEY_MISSING),
        ("JDCLOUD2-HMAC-SHA256", Reason.KEY_MISSING),
        ("JDCLOUD2-HMAC-SHA256 Credential=, SignedHeaders=host, Signature=abc", Reason.KEY_MISSING),
        ("JDCLOUD2-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host", Reason.SIGNATURE_MISSING),
        ("JDCLOUD2-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=", Reason.SIGNATURE_MISSING),
        ("JDCLOUD2-HMAC-SHA256 Credential=a/20240102/r/s, SignedHeaders=host, Signature=f", Reason.SIGNATURE_WRONG),
        (
            "JDCLOUD2-HMAC-SHA256 Credential=a/20240102/r/s/jdcloud3_request, SignedHeaders=host, Signature=f",
            Reason.SIGNATURE_WRONG,
        ),
        (
            "JDCLOUD2-HMAC-SHA256 Credential=a/20240103/r/s/jdcloud2_request, SignedHeaders=host, Signature=f",
            Reason.SIGNATURE_WRONG,
        ),
    ],
)
def test_an_authorization_header_is_refused_for_its_own_fault(value: str, reason: Reason) -> None:
    assert reason_of(with_headers(JdCall().send(), authorization=value)) is reason


def test_a_call_without_an_authorization_header_has_no_key() -> None:
    assert reason_of(request()) is Reason.KEY_MISSING


@pytest.mark.parametrize(
    ("date", "reason"),
    [
        ("", Reason.DATE_MISSING),
        ("  ", Reason.DATE_MISSING),
        ("2024-01-02T03:04:05Z", Reason.DATE_MALFORMED),
        ("20240102T030405", Reason.DATE_MALFORMED),
        ("20241302T030405Z", Reason.DATE_MALFORMED),
        ("99999999T999999Z", Reason.DATE_MALFORMED),
        ("1704164645", Reason.DATE_MALFORMED),
        ("20240102T025904Z", Reason.DATE_SKEWED),
        ("20240102T030906Z", Reason.DATE_SKEWED),
        ("00010101T000000Z", Reason.DATE_SKEWED),
    ],
)
def test_a_date_is_refused_for_its_own_fault(date: str, reason: Reason) -> None:
    assert reason_of(with_headers(JdCall().send(), x_jdcloud_date=date)) is reason


@pytest.mark.parametrize("offset_s", [-300, 300])
def test_a_date_five_minutes_off_is_still_good(offset_s: int) -> None:
    assert verifies(JdCall().send(now=NOW + offset_s))


def test_a_nonce_has_to_be_sent() -> None:
    assert reason_of(with_headers(JdCall().send(), x_jdcloud_nonce="")) is Reason.SIGNATURE_WRONG


def test_a_signed_nonce_is_the_calls_nonce() -> None:
    assert parse_authorization(JdCall(nonce="n-1").send()).nonce == "n-1"


def test_an_unsigned_nonce_proves_nothing_so_the_signature_stands_for_it() -> None:
    call = JdCall(unsigned=("x-jdcloud-date", "x-jdcloud-nonce")).send()
    replayed = with_headers(call, x_jdcloud_nonce="fresh")
    assert verifies(call)
    assert parse_authorization(replayed).nonce == parse_authorization(call).nonce
    assert parse_authorization(call).nonce == parse_authorization(call).signature


def test_an_unsigned_date_is_bound_by_the_string_to_sign() -> None:
    call = JdCall(unsigned=("x-jdcloud-date", "x-jdcloud-nonce")).send()
    assert not verifies(with_headers(call, x_jdcloud_date="20240102T030406Z"))


@pytest.mark.parametrize(
    "value",
    [
        "JDCLOUD2-HMAC-SHA256Credential={c},SignedHeaders={h},Signature={s}",
        "JDCLOUD2-HMAC-SHA256   Credential={c} ,  SignedHeaders={h} ,Signature={s}  ",
        "JDCLOUD2-HMAC-SHA256 Signature={s}, SignedHeaders={h}, Credential={c}",
        "JDCLOUD2-HMAC-SHA256 Credential = {c}, SignedHeaders = {h}, Signature = {s}",
    ],
)
def test_white_space_and_order_inside_the_header_do_not_matter(value: str) -> None:
    call = JdCall().send()
    claim = parse_authorization(call)
    credential = f"{claim.access_key}/{'/'.join(claim.scope)}"
    text = value.format(c=credential, h=";".join(claim.signed_headers), s=claim.signature)
    assert verifies(with_headers(call, authorization=text))


def test_an_upper_case_signature_is_accepted() -> None:
    call = JdCall().send()
    claim = parse_authorization(call)
    assert is_signed_by(call, replace(claim, signature=claim.signature.upper()), "DEMOSK")


def test_a_client_may_sign_the_path_with_or_without_the_stage() -> None:
    staged = replace(JdCall(signed_path="/v1/api/cutout/").send(), raw_path="/v1/api/cutout/")
    bare = replace(JdCall().send(), raw_path="/v1/api/cutout/")
    assert verifies(staged)
    assert verifies(bare)
    assert not verifies(replace(staged, raw_path="/v2/api/cutout/"))


def test_repeated_slashes_are_one() -> None:
    assert verifies(replace(JdCall().send(), path="//api///cutout/", raw_path="//api///cutout/"))


def test_the_trailing_slash_is_part_of_the_path() -> None:
    assert not verifies(replace(JdCall().send(), path="/api/cutout", raw_path="/api/cutout"))


@pytest.mark.parametrize("signed", ["a b c", "a  b   c"])
def test_runs_of_spaces_in_a_header_may_be_signed_collapsed_or_not(signed: str) -> None:
    call = JdCall(headers={"host": HOST, "x-note": " a  b   c "}, signed_values={"x-note": signed})
    assert verifies(call.send())


@pytest.mark.parametrize(
    ("received", "signed"),
    [
        (f"{HOST}:443", HOST),
        (f"{HOST}:80", HOST),
        (f"{HOST}:443", f"{HOST}:443"),
        (f"{HOST}:3000", f"{HOST}:3000"),
        ("abc.execute-api.us-east-1.amazonaws.com", HOST),
    ],
)
def test_the_host_may_be_signed_as_sent_without_a_default_port_or_as_it_is_public(received: str, signed: str) -> None:
    assert verifies(JdCall(headers={"host": received}, signed_values={"host": signed}).send())


def test_another_host_is_refused() -> None:
    assert not verifies(JdCall(signed_values={"host": "evil.example.com"}).send())


def test_a_declared_body_hash_that_is_right_is_accepted_signed_or_not() -> None:
    digest = hashlib.sha256(JdCall().body).hexdigest()
    headers = {"host": HOST, "x-jdcloud-content-sha256": digest.upper()}
    assert verifies(JdCall(headers=headers).send())
    assert verifies(JdCall(headers=headers, unsigned=("x-jdcloud-content-sha256",)).send())


def test_strict_refuses_a_declared_body_hash_that_is_wrong_even_unsigned() -> None:
    headers = {"host": HOST, "x-jdcloud-content-sha256": "0" * 64}
    assert not verifies(JdCall(headers=headers, unsigned=("x-jdcloud-content-sha256",)).send())


def test_only_lenient_takes_a_signed_declaration_in_place_of_the_body() -> None:
    declared = hashlib.sha256(b"what an old SDK hashed").hexdigest()
    call = JdCall(
        headers={"host": HOST, "x-jdcloud-content-sha256": declared}, signed_body=b"what an old SDK hashed"
    ).send()
    assert verifies(call, lenient=True)
    assert not verifies(call)


def test_lenient_does_not_take_an_unsigned_declaration() -> None:
    headers = {"host": HOST, "x-jdcloud-content-sha256": hashlib.sha256(b"other").hexdigest()}
    call = JdCall(headers=headers, signed_body=b"other", unsigned=("x-jdcloud-content-sha256",)).send()
    assert not verifies(call, lenient=True)


def test_only_lenient_takes_the_hash_of_an_empty_body() -> None:
    call = JdCall(signed_body=b"").send()
    assert verifies(call, lenient=True)
    assert not verifies(call)


def test_the_readings_of_one_request_are_bounded() -> None:
    call = replace(JdCall(headers={"host": f"{HOST}:443", "x-a": "b  c"}).send(), raw_path="/v1/api/cutout/")
    claim = parse_authorization(replace(call, query=(("b", " "), ("a", "~"))))
    assert len(list(canonical_requests(call, claim.signed_headers, ["a", "b", "c"]))) <= 72


def test_a_huge_authorization_header_is_read_in_linear_time() -> None:
    value = "JDCLOUD2-HMAC-SHA256 " + " " * 60_000 + "Credential" * 5_000
    assert reason_of(with_headers(JdCall().send(), authorization=value)) is Reason.KEY_MISSING


@pytest.mark.parametrize(
    "names", [["b"] * 2300, ["host", "host"], ["Host", "host"], [f"x-{index}" for index in range(41)]]
)
def test_signed_headers_that_repeat_or_are_many_are_refused_before_they_are_read(names: list[str]) -> None:
    long = {"b": "c" * 5000, **{name.lower(): "1" for name in names if name != "b"}}
    call = JdCall(headers={"host": HOST, **long}).send()
    header = re.sub(r"SignedHeaders=[^,]*", f"SignedHeaders={';'.join(names)}", call.headers["authorization"])
    assert reason_of(with_headers(call, authorization=header)) is Reason.SIGNATURE_WRONG


def test_forty_signed_headers_are_taken() -> None:
    assert verifies(JdCall(headers={"host": HOST, **{f"x-{index}": str(index) for index in range(37)}}).send())


@pytest.mark.parametrize("nonce", ["order 17", "order  17", "order \t 17", " order 17 "])
def test_a_nonce_is_the_same_however_many_blanks_it_has(nonce: str) -> None:
    assert parse_authorization(JdCall(nonce=nonce).send()).nonce == "order 17"
