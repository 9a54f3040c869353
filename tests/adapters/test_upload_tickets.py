"""Tickets for uploads, and reading uploads within bounds."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.input_files import InputFiles
from cutline.adapters.sources import Sources
from cutline.adapters.upload_tickets import UploadTickets
from cutline.contracts.uploads import TicketRequest
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault

NAME = "0123456789abcdef0123456789abcdef"
KEY = f"u/shop/{NAME}"


@pytest.fixture
def s3() -> Any:
    names = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client("s3", region_name="eu-west-1", config=Config(signature_version="s3v4"), **names)


@pytest.fixture
def stubbed(s3: Any) -> Iterator[tuple[InputFiles, Stubber]]:
    with Stubber(s3) as stubber:
        yield InputFiles(s3, "in"), stubber


class Body(io.BytesIO):
    """An answer's body that records whether it was read."""

    taken = False

    def read(self, *args: Any) -> bytes:
        self.taken = True
        return super().read(*args)


def object_of(data: bytes, declared: int | None = None) -> tuple[dict[str, Any], Body]:
    body = Body(data)
    length = len(data) if declared is None else declared
    return {"Body": StreamingBody(body, length), "ContentLength": length}, body


def reason_of(sources: Sources, url: str, account_id: str = "shop") -> MattingError:
    with pytest.raises(MattingError) as refusal:
        sources.read(url, account_id, 10)
    return refusal.value


def test_a_ticket_binds_key_type_size_and_time(s3: Any) -> None:
    ticket = UploadTickets(s3, "in", 600).issue("shop", TicketRequest("image/png", 77), 1_700_000_000.9)
    policy = json.loads(base64.b64decode(ticket.fields["policy"]))
    assert ["content-length-range", 1, 77] in policy["conditions"]
    assert {"key": ticket.key} in policy["conditions"]
    assert {"bucket": "in"} in policy["conditions"]
    assert {"Content-Type": "image/png"} in policy["conditions"]
    assert (ticket.fields["key"], ticket.fields["Content-Type"]) == (ticket.key, "image/png")
    assert ticket.expires_at == 1_700_000_600


def test_no_two_tickets_share_a_key(s3: Any) -> None:
    office = UploadTickets(s3, "in", 600)
    keys = {office.issue("shop", TicketRequest(), 1.7e9).key for _ in range(20)}
    assert len(keys) == 20
    assert all(key.startswith("u/shop/") and len(key) == len(KEY) for key in keys)


def test_an_upload_is_read_by_its_account(stubbed: tuple[InputFiles, Stubber]) -> None:
    files, stubber = stubbed
    stubber.add_response("get_object", object_of(b"picture")[0], {"Bucket": "in", "Key": KEY})
    assert Sources(FetchPolicy(), files).read(f"upload:{KEY}", "shop", 7) == b"picture"


def test_an_upload_beyond_the_limit_is_refused_unread(stubbed: tuple[InputFiles, Stubber]) -> None:
    files, stubber = stubbed
    answer, body = object_of(b"x" * 11)
    stubber.add_response("get_object", answer)
    assert reason_of(Sources(FetchPolicy(), files), f"upload:{KEY}").reason is Reason.URL_TOO_LARGE
    assert not body.taken


def test_an_upload_that_may_be_read_once_is_gone_even_if_it_was_too_large(
    stubbed: tuple[InputFiles, Stubber],
) -> None:
    files, stubber = stubbed
    stubber.add_response("get_object", object_of(b"x" * 11)[0])
    stubber.add_response("delete_objects", {}, {"Bucket": "in", "Delete": {"Objects": [{"Key": KEY}], "Quiet": True}})
    with pytest.raises(InputRefused) as refusal:
        Sources(FetchPolicy(), files).read(f"upload:{KEY}", "shop", 7, once=True)
    assert refusal.value.reason is Reason.URL_TOO_LARGE
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_foreign_absent_and_malformed_uploads_are_refused_in_the_same_words(
    stubbed: tuple[InputFiles, Stubber], code: str
) -> None:
    files, stubber = stubbed
    stubber.add_client_error("get_object", code)
    sources = Sources(FetchPolicy(), files)
    refusals = [
        reason_of(sources, f"upload:{KEY}"),
        reason_of(sources, f"upload:{KEY}", "other"),
        reason_of(sources, "upload:u/shop/guess"),
        reason_of(Sources(FetchPolicy()), f"upload:{KEY}"),
    ]
    assert {(type(refusal), str(refusal)) for refusal in refusals} == {
        (InputRefused, "url_unreachable: there is no such picture")
    }


def test_a_picture_that_was_replaced_is_not_read(stubbed: tuple[InputFiles, Stubber]) -> None:
    files, stubber = stubbed
    stubber.add_client_error(
        "get_object", "PreconditionFailed", expected_params={"Bucket": "in", "Key": KEY, "IfMatch": "abc"}
    )
    with pytest.raises(InputRefused) as refusal:
        files.read(KEY, 10, "abc")
    assert refusal.value.reason is Reason.URL_UNREACHABLE


def test_an_outage_of_s3_is_no_fault_of_the_callers(stubbed: tuple[InputFiles, Stubber]) -> None:
    files, stubber = stubbed
    stubber.add_client_error("get_object", "InternalError")
    with pytest.raises(ServiceFault):
        files.read(KEY, 10)


@pytest.mark.parametrize("size", [10, 11])
def test_an_upload_that_is_used_once_goes_whether_it_is_served_or_refused(
    stubbed: tuple[InputFiles, Stubber], size: int
) -> None:
    files, stubber = stubbed
    stubber.add_response("get_object", object_of(bytes(size))[0], {"Bucket": "in", "Key": KEY})
    gone = {"Bucket": "in", "Delete": {"Objects": [{"Key": KEY}], "Quiet": True}}
    stubber.add_response("delete_objects", {}, gone)
    sources = Sources(FetchPolicy(), files)
    if size > 10:
        with pytest.raises(InputRefused):
            sources.read(f"upload:{KEY}", "shop", 10, once=True)
    else:
        assert sources.read(f"upload:{KEY}", "shop", 10, once=True) == bytes(size)
    stubber.assert_no_pending_responses()
