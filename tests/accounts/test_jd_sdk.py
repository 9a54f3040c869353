"""Calls signed by JD's own Python SDK, used as its client uses it."""

import warnings
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", (SyntaxWarning, DeprecationWarning))
    from jdcloud_sdk.core.credential import Credential
    from jdcloud_sdk.core.jdcloudresponse import JDCloudResponse
    from jdcloud_sdk.core.logger import FATAL, Logger
    from jdcloud_sdk.core.signer import Signer

from cutline.accounts.jd_signature import is_signed_by, parse_authorization
from cutline.contracts import jd_matting, jd_selfie
from cutline.contracts.wire import Job, Outcome, Request, Response, Source
from cutline.errors import AccessRefused, MattingError, Reason
from tests.support.calls import OUTCOME, REQUEST_ID, call
from tests.support.signed_calls import DATE, NOW, request

HOST = "127.0.0.1:3000"
# The SDK hashes text, so the body is one that survives as UTF-8.
BODY = '{"image":"iVBORw0KGgo="}'


@pytest.fixture(params=["as its client calls it", "with date and nonce given"])
def signed(request: pytest.FixtureRequest) -> Request:
    headers: dict[str, Any] = {"User-Agent": "JdcloudSdkPython", "Content-Type": "application/json"}
    if request.param == "with date and nonce given":
        headers |= {"x-jdcloud-date": DATE, "x-jdcloud-nonce": "n-1"}
    return sign(headers)


def sign(headers: dict[str, Any], path: str = "/api/cutout/?a=b%20c&empty=") -> Request:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its use of utcfromtimestamp
        Signer(Logger(FATAL)).sign(
            method="POST",
            service="cutout",
            region="cn-north-1",
            uri=f"http://{HOST}{path}",
            headers=headers,
            data=BODY,
            credential=Credential("DEMOAK", "DEMOSK"),
            security_token="",
        )
    lowered = {name.lower(): value for name, value in headers.items()}
    signed_at = datetime.strptime(lowered["x-jdcloud-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return request(
        query=(("a", "b c"), ("empty", "")),
        headers={**lowered, "host": HOST},
        body=BODY.encode(),
        now=signed_at,
    )


def verifies(call: Request) -> bool:
    try:
        return is_signed_by(call, parse_authorization(call), "DEMOSK")
    except AccessRefused:
        return False


def test_a_call_of_the_sdk_is_accepted(signed: Request) -> None:
    assert verifies(signed)


def test_one_changed_byte_of_the_body_is_refused(signed: Request) -> None:
    for index in range(len(signed.body)):
        changed = signed.body[:index] + bytes([signed.body[index] ^ 1]) + signed.body[index + 1 :]
        assert not verifies(replace(signed, body=changed))


def test_one_changed_character_of_a_signed_header_is_refused(signed: Request) -> None:
    assert not verifies(replace(signed, headers={**signed.headers, "content-type": "application/jsoN"}))
    assert not verifies(replace(signed, headers={**signed.headers, "host": "127.0.0.1:3001"}))


def test_the_call_is_bound_to_its_path_query_and_minute(signed: Request) -> None:
    assert not verifies(replace(signed, path="/api/cutout", raw_path="/api/cutout"))
    assert not verifies(replace(signed, query=(("a", "b"), ("empty", ""))))
    assert not verifies(replace(signed, received_at=NOW + 10**9))


def read_by_the_sdk(response: Response) -> Any:
    read = JDCloudResponse()
    read.fill_value(response.body.decode())
    return read


def test_the_sdk_hands_over_the_result_of_a_success() -> None:
    picture = Source(data=b"pixels")
    matted = jd_matting.render(call(), Job(picture, jd_matting.LIMITS), OUTCOME)
    selfie = jd_selfie.render(call(), Job(picture, jd_selfie.LIMITS), Outcome(2, 2, inline={"image": b"pixels"}))
    for response, status in ((matted, 0), (selfie, 1000)):
        read = read_by_the_sdk(response)
        assert (read.result["status"], read.request_id, read.error) == (status, REQUEST_ID, None)


@pytest.mark.parametrize("contract", [jd_matting, jd_selfie])
@pytest.mark.parametrize("reason", list(Reason))
def test_the_sdk_hands_over_either_a_result_or_an_error(contract: Any, reason: Reason) -> None:
    read = read_by_the_sdk(contract.refuse(call(), MattingError(reason)))
    assert (read.result is None) != (read.error is None)
    assert read.request_id == REQUEST_ID
