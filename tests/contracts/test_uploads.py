"""The upload ticket's own wire: what may be wished for, whose key an address is, in which words it is refused."""

import pytest

from cutline.contracts import uploads
from cutline.contracts.uploads import MAX_BYTES, Ticket, TicketRequest, own_key
from cutline.errors import AccessRefused, InputRefused, Reason, ServiceFault
from tests.support.calls import call, json_of

NAME = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", TicketRequest()),
        (b" \n", TicketRequest()),
        (b"{}", TicketRequest("application/octet-stream", MAX_BYTES)),
        (b'{"content_type":"image/jpeg","size":1}', TicketRequest("image/jpeg", 1)),
        (b'{"content_type":null,"size":52428800}', TicketRequest(max_bytes=50 * 1024 * 1024)),
    ],
)
def test_a_ticket_may_be_limited_to_a_type_and_size(body: bytes, expected: TicketRequest) -> None:
    assert uploads.parse(call(body, path="/uploads")) == expected


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "body is not valid JSON"),
        (b"[]", 400, "body is not a JSON object"),
        (b'{"content_type":"jpeg"}', 400, "content_type must be a media type such as image/jpeg"),
        (b'{"content_type":"image/jpeg\\r\\nx: y"}', 400, "content_type must be a media type such as image/jpeg"),
        (b'{"content_type":7}', 400, "content_type must be a media type such as image/jpeg"),
        (b'{"size":0}', 400, "size must be a number of bytes"),
        (b'{"size":true}', 400, "size must be a number of bytes"),
        (b'{"size":"9"}', 400, "size must be a number of bytes"),
        (b'{"size":52428801}', 413, "size must be at most 52428800 bytes"),
    ],
)
def test_a_bad_parameter_is_refused_and_named(body: bytes, status: int, message: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        uploads.parse(call(body, path="/uploads"))
    answer = uploads.refuse(refusal.value)
    assert (answer.status, json_of(answer)["message"]) == (status, message)


def test_a_refused_credential_and_a_fault_have_words_of_their_own() -> None:
    answers = {
        reason: uploads.refuse(AccessRefused(reason)) for reason in (Reason.KEY_MISSING, Reason.ACCOUNT_DISABLED)
    }
    assert {(answer.status, answer.body) for answer in answers.values()} == {(401, answers[Reason.KEY_MISSING].body)}
    assert uploads.refuse(ServiceFault(Reason.OVERLOADED)).status == 503
    assert uploads.refuse(ServiceFault(Reason.INTERNAL, "a table's name")).body.count(b"table") == 0


def test_a_ticket_names_the_source_that_the_apis_take() -> None:
    ticket = Ticket("https://bucket.s3.amazonaws.com/", {"key": f"u/shop/{NAME}"}, f"u/shop/{NAME}", 1_700_003_600)
    assert json_of(uploads.render(ticket)) == {
        "url": "https://bucket.s3.amazonaws.com/",
        "fields": {"key": f"u/shop/{NAME}"},
        "key": f"u/shop/{NAME}",
        "source": f"upload:u/shop/{NAME}",
        "expires_at": 1_700_003_600,
    }


@pytest.mark.parametrize(
    "url",
    [
        f"upload:u/other/{NAME}",
        f"upload:u/shop/../other/{NAME}",
        f"upload:u/shop/x/{NAME}",
        f"upload:u/shop/{NAME}/",
        f"upload:u/shop/{NAME}.jpg",
        f"upload:u/shop/{NAME.upper()}",
        f"upload:t/shop/{NAME}",
        f"upload:/u/shop/{NAME}",
        f"upload:{NAME}",
        f"u/shop/{NAME}",
        "upload:u/shop/",
        "upload:",
        "https://example.com/a.jpg",
        "",
    ],
)
def test_no_other_address_leads_to_a_key_of_the_account(url: str) -> None:
    assert own_key(url, "shop") is None


def test_the_accounts_own_upload_has_its_key() -> None:
    assert own_key(f"upload:u/shop/{NAME}", "shop") == f"u/shop/{NAME}"
