"""Request bodies: multipart, urlencoded, JSON and base64, read as RFC 2046 and kind clients expect."""

import base64
import gzip
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.contracts.forms import decode_base64, first_file, read_form, read_json_object
from cutline.contracts.wire import Request
from cutline.errors import InputRefused, Reason
from tests.support.calls import Part, call, multipart, multipart_call
from tools.trust.samples import samples

HOSTILE_PAYLOADS = {
    "line breaks": b"\r\n\r\na\r\n",
    "only line breaks": b"\r\n",
    "trailing line break": b"x\r\n",
    "trailing carriage return": b"x\r",
    "boundary without its line break": b"data--X-BOUNDARY--data",
    "boundary after a bare newline": b"data\n--X-BOUNDARY\ndata",
    "headers": b'Content-Disposition: form-data; name="b"\r\n\r\nx',
    "all bytes": bytes(range(256)) * 3,
    "nothing": b"",
}


def refused(request: Request) -> str:
    with pytest.raises(InputRefused) as refusal:
        read_form(request)
    assert refusal.value.reason is Reason.BODY_MALFORMED
    return refusal.value.detail


@pytest.mark.parametrize("payload", HOSTILE_PAYLOADS.values(), ids=HOSTILE_PAYLOADS.keys())
def test_a_file_arrives_byte_for_byte(payload: bytes) -> None:
    body = multipart(Part('; name="a"; filename="a.jpg"', payload, "Content-Type: image/jpeg\r\n"))
    assert dict(read_form(multipart_call(body)).files) == {"a": payload}


@given(
    payloads=st.lists(st.binary(max_size=64).filter(lambda data: b"--X-BOUNDARY" not in data), min_size=1, max_size=8)
)
def test_any_payloads_arrive_byte_for_byte_and_in_order(payloads: list[bytes]) -> None:
    parts = [Part(f'; name="f{index}"; filename="x"', payload) for index, payload in enumerate(payloads)]
    assert list(read_form(multipart_call(multipart(*parts))).files.values()) == payloads


def test_a_part_with_a_filename_is_a_file_and_one_without_is_a_field() -> None:
    body = multipart(Part('; name="a"', "schön".encode()), Part('; name="b"; filename=""', b"\xff"))
    form = read_form(multipart_call(body))
    assert (dict(form.fields), dict(form.files)) == ({"a": "schön"}, {"b": b"\xff"})


def test_of_duplicate_parts_the_first_counts() -> None:
    body = multipart(Part('; name="a"', b"1"), Part('; name="a"', b"2"), Part('; name="a"; filename="x"', b"3"))
    form = read_form(multipart_call(body))
    assert (form.fields["a"], form.files["a"]) == ("1", b"3")


def test_a_preamble_and_an_epilogue_are_skipped() -> None:
    body = multipart(Part('; name="a"', b"1"), preamble=b"This is MIME.\r\n") + b"epilogue\r\n--X-BOUNDARY\r\n"
    assert dict(read_form(multipart_call(body)).fields) == {"a": "1"}


def test_padding_after_a_boundary_is_skipped() -> None:
    body = multipart(Part('; name="a"', b"1")).replace(b"--X-BOUNDARY\r\n", b"--X-BOUNDARY \t\r\n")
    assert dict(read_form(multipart_call(body)).fields) == {"a": "1"}


@pytest.mark.parametrize("boundary", ["a", "----WebKitFormBoundary7MA4YWxk", "a b'()+_,-./:=?", "b" * 70])
def test_every_boundary_of_the_rfc_works(boundary: str) -> None:
    body = multipart(Part('; name="f"; filename="x"', b"\r\n1\r\n"), boundary=boundary)
    assert first_file(multipart_call(body, boundary)) == b"\r\n1\r\n"


def test_an_extended_filename_marks_a_file() -> None:
    body = multipart(Part("; name=\"f\"; filename*=UTF-8''%e5%9b%be.png", b"1"))
    assert dict(read_form(multipart_call(body)).files) == {"f": b"1"}


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary*=utf-8''abc",
        f"multipart/form-data; boundary*{'9' * 5000}*=x",
        "multipart/form-data;;;;",
    ],
)
def test_a_multipart_body_without_a_boundary_is_refused(content_type: str) -> None:
    body = multipart(Part('; name="a"', b"1"))
    assert refused(call(body, headers={"content-type": content_type})) == "multipart body without a boundary"


def test_a_body_cut_short_anywhere_is_refused() -> None:
    body = multipart(Part('; name="a"; filename="x"', b"pixels"), Part('; name="b"', b"1"))
    closing = body.rindex(b"--\r\n")
    for end in range(closing):
        refused(multipart_call(body[:end]))


@pytest.mark.parametrize(
    "disposition",
    [
        "",
        "; filename=x",
        '; name=""',
        f"; name=a; filename*{'9' * 5000}*=x",
        "; name=a; filename*=idna''x",
        "; name=a; filename*=a\0b''x",
        "; name*=utf-8''x",
    ],
    ids=["none", "no name", "empty name", "endless number", "odd charset", "charset with a null", "encoded name"],
)
def test_a_part_without_a_readable_name_is_refused(disposition: str) -> None:
    refused(multipart_call(multipart(Part(disposition, b"1"))))


def test_a_part_without_headers_is_refused() -> None:
    refused(multipart_call(b"--X-BOUNDARY\r\n\r\npayload\r\n--X-BOUNDARY--\r\n"))


def test_64_parts_are_read() -> None:
    body = multipart(*(Part(f'; name="p{index}"', b"1") for index in range(64)))
    assert len(read_form(multipart_call(body)).fields) == 64


@pytest.mark.parametrize("count", [65, 10_000])
def test_more_parts_are_refused_without_reading_them(count: int) -> None:
    refused(multipart_call(multipart(*[Part('; name="p"', b"1")] * count)))


def test_a_megabyte_of_line_breaks_is_refused_at_once() -> None:
    refused(multipart_call(b"\r\n" * 500_000))


def test_an_urlencoded_form_keeps_blanks_and_its_first_duplicates() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert dict(read_form(call(b"a=1&a=2&b=&c=%E5%9B%BE+x", headers=headers)).fields) == {
        "a": "1",
        "b": "",
        "c": "图 x",
    }


@pytest.mark.parametrize("body", [b"\xff=1", b"&".join([b"a=1"] * 65)], ids=["not UTF-8", "too many fields"])
def test_a_broken_urlencoded_form_is_refused(body: bytes) -> None:
    refused(call(body, headers={"content-type": "application/x-www-form-urlencoded"}))


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'"text"', b"1", b"null", b"\xff\xfe\xfd", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}", b"{} {}"],
    ids=["cut", "array", "text", "number", "null", "not UTF-8", "deep", "endless number", "two documents"],
)
def test_what_is_not_one_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InputRefused) as refusal:
        read_json_object(body)
    assert refusal.value.reason is Reason.BODY_MALFORMED


def test_nested_json_of_any_depth_is_read_or_refused() -> None:
    for depth in range(850, 1050):
        body = b'{"a":' + b"[" * depth + b"]" * depth + b"}"
        try:
            read_form(call(body, headers={"content-type": "application/json"}))
        except InputRefused as error:
            assert error.reason is Reason.BODY_MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        "AP/+7w==",
        "AP/+7w",
        " AP/+\r\n7w== ",
        "AP_-7w",
        "data:image/png;base64,AP/+7w==",
        "DATA:;base64,AP/+7w==",
        "data:image/svg+xml;charset=utf-8;base64,AP/+7w==",
        "AP/+7w=====",
    ],
)
def test_base64_forgives_white_space_padding_prefix_and_the_url_alphabet(text: str) -> None:
    assert decode_base64(text) == b"\x00\xff\xfe\xef"


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AA=A", "AA*A", "ÄÄÄÄ", "\ud800", "data:image/png,AAAA", "data:;base64;AAAA", "http://a/b"]
)
def test_base64_forgives_nothing_else(text: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        decode_base64(text)
    assert refusal.value.reason is Reason.BASE64_INVALID


@given(data=st.binary(max_size=200))
def test_base64_gives_back_any_bytes(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode()) == data
    assert decode_base64(base64.urlsafe_b64encode(data).decode().rstrip("=")) == data


@pytest.mark.parametrize(
    "head",
    [
        b'"a' + b'";"' * 30_000,
        b'"a' + b";" * 60_000,
        b'"a"' + b"\r\n ;b=c" * 100_000,
        b'"a"; filename="' + b'\\"' * 50_000 + b'"',
        b'"a"' + b"\r\nX: y" * 17,
    ],
    ids=["quotes", "open quote", "folded", "escapes", "lines"],
)
def test_a_part_with_a_long_head_is_refused_at_once(head: bytes) -> None:
    body = b"--X-BOUNDARY\r\nContent-Disposition: form-data; name=" + head + b"\r\n\r\n1\r\n--X-BOUNDARY--\r\n"
    begun = time.process_time()
    assert refused(multipart_call(body)) == "multipart part with too long a header"
    assert time.process_time() - begun < 0.3


def test_many_parts_with_long_heads_are_refused_in_time() -> None:
    part = b'--X-BOUNDARY\r\nContent-Disposition: form-data; name="a' + b";" * 8000 + b'"\r\n\r\n1\r\n'
    begun = time.process_time()
    assert refused(multipart_call(part * 64 + b"--X-BOUNDARY--\r\n")) == "multipart part with too long a header"
    assert time.process_time() - begun < 2


def test_heads_that_clients_send_are_short_enough() -> None:
    name = "图片" * 80 + ".jpg"
    parts = [Part(f'; name="f{index}"; filename="{name}"', b"1", "X: y\r\n" * 8) for index in range(20)]
    assert len(read_form(multipart_call(multipart(*parts))).files) == 20


@pytest.mark.parametrize("name", sorted(samples()))
def test_a_picture_without_a_file_name_is_a_file(name: str) -> None:
    body = multipart(Part('; name="a"', samples()[name]), Part('; name="b"', b"BMW"), Part('; name="c"', b"GIF89a"))
    form = read_form(multipart_call(body))
    assert (dict(form.files), dict(form.fields)) == ({"a": samples()[name]}, {"b": "BMW", "c": "GIF89a"})


def test_a_part_that_says_image_is_a_file_whatever_it_holds() -> None:
    body = multipart(Part('; name="a"', b"damaged", "Content-Type: image/png\r\n"))
    assert dict(read_form(multipart_call(body)).files) == {"a": b"damaged"}


PIXELS = b"\xfb\xef\xbe" * 20 + bytes(range(256)) * 3


def test_a_plus_that_came_as_a_blank_is_a_plus() -> None:
    text = base64.b64encode(PIXELS).decode()
    assert text.count("+") > 20
    assert decode_base64("A" + text[1:].replace("+", " ")) == decode_base64("A" + text[1:])


@pytest.mark.parametrize("break_", [" ", "\r\n", "\n", "\r\n ", " \n", "\t"])
@pytest.mark.parametrize("width", [4, 64, 76])
def test_white_space_between_lines_of_base64_is_none_of_it(break_: str, width: int) -> None:
    text = base64.b64encode(PIXELS).decode()
    wrapped = break_.join(text[at : at + width] for at in range(0, len(text), width))
    assert decode_base64(wrapped) == PIXELS


@given(st.binary(min_size=30))
def test_base64_whose_pluses_became_blanks_is_never_another_file(data: bytes) -> None:
    text = "iVBO" + base64.b64encode(data + b"\0").decode()
    assert decode_base64(text.replace("+", " ")) == decode_base64(text)


def test_a_form_with_bare_line_feeds_is_refused() -> None:
    body = multipart(Part('; name="a"; filename="x"', b"pixels"), Part('; name="b"', b"1"))
    assert dict(read_form(multipart_call(body)).files) == {"a": b"pixels"}
    refused(multipart_call(body.replace(b"\r\n", b"\n")))


def test_a_part_in_base64_and_a_name_in_single_quotes_are_taken_at_their_word() -> None:
    """So the picture of the one is none, and the other's name is another: nothing is guessed."""
    encoded = base64.b64encode(samples()["jpeg"])
    head = "Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n"
    body = multipart(Part('; name="a"; filename="x"', encoded, head), Part("; name='b'", b"1"))
    form = read_form(multipart_call(body))
    assert dict(form.files) == {"a": encoded}
    assert "b" not in form.fields


def test_a_compressed_body_is_refused_as_what_it_is() -> None:
    """JD's signature covers the bytes on the wire, and no vendor documents such bodies."""
    body, headers = gzip.compress(json.dumps({"image": "x"}).encode()), {"content-encoding": "gzip"}
    refused(call(body, headers={**headers, "content-type": "application/json"}))
    refused(multipart_call(gzip.compress(multipart(Part('; name="a"', b"1")))))


def test_a_json_body_has_as_many_fields_as_a_form_may_have() -> None:
    fields = {f"f{index}": "1" for index in range(64)}
    assert len(read_form(call(json.dumps(fields).encode())).fields) == 64
    assert refused(call(json.dumps({**fields, "f64": "1"}).encode())) == "body has too many fields"
