"""The check's contract: what it takes, what it answers, every refusal (contracts.md 6.4)."""

import json

import pytest

from cutline.contracts import picture_check
from cutline.contracts.wire import Outcome, Source
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason
from cutline.pipeline.options import CheckOptions
from cutline.pipeline.outputs.metadata import ResultMetadata, Verdict
from cutline.pipeline.outputs.profiles import read_profiles
from tests.support.calls import call

PNG = b"\x89PNG\r\n\x1a\nrest"
GIVEN = call(PNG, path="/check", query=(("profile", "temu"),))


def refused(reason: Reason, detail: str = "") -> tuple[int, dict[str, object]]:
    answer = picture_check.refuse(GIVEN, InputRefused(reason, detail))
    return answer.status, json.loads(answer.body)


def test_the_body_is_the_picture_and_the_profile_is_in_the_query() -> None:
    job = picture_check.parse(GIVEN)
    assert (job.source, job.options) == (Source(data=PNG), CheckOptions("temu"))


@pytest.mark.parametrize("query", [(), (("profile", ""),), (("profile", "nowhere"),), (("profile", "x" * 10_000),)])
def test_an_unknown_profile_is_refused_with_the_names_of_all(query: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(InputRefused) as error:
        picture_check.parse(call(PNG, path="/check", query=query))
    status, body = refused(error.value.reason, error.value.detail)
    assert (status, body["code"]) == (400, "invalid_parameter")
    assert all(name in str(body["message"]) for name in read_profiles())
    assert len(str(body["message"])) < 300


def test_no_body_is_refused() -> None:
    with pytest.raises(InputRefused) as error:
        picture_check.parse(call(b"", path="/check", query=(("profile", "temu"),)))
    assert refused(error.value.reason)[0] == 400


def test_the_answer_has_profile_passed_and_verdicts_as_tasks_have_them() -> None:
    verdict = Verdict("ratio", "1:1", "800:640", False, "https://a.b/c")
    metadata = ResultMetadata("object", 0.4, 0.9, profile="temu", verdicts=(verdict,))
    answer = picture_check.render(GIVEN, picture_check.parse(GIVEN), Outcome(800, 640, metadata=metadata))
    expected = {"rule": "ratio", "wanted": "1:1", "measured": "800:640", "passed": False, "source": "https://a.b/c"}
    assert json.loads(answer.body) == {
        "profile": "temu",
        "passed": False,
        "verdicts": [{**expected, "assumed": False}],
    }


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.KEY_MISSING, 401, "unauthorized"),
        (Reason.QUOTA_EXCEEDED, 429, "quota_exceeded"),
        (Reason.IMAGE_TYPE, 415, "no_picture"),
        (Reason.IMAGE_CORRUPT, 415, "no_picture"),
        (Reason.IMAGE_TOO_LARGE, 413, "too_large"),
        (Reason.RESOLUTION_TOO_HIGH, 413, "too_large"),
        (Reason.METHOD_NOT_ALLOWED, 405, "method_not_allowed"),
        (Reason.TIMED_OUT, 504, "timed_out"),
    ],
)
def test_refusals_have_a_status_of_their_own(reason: Reason, status: int, code: str) -> None:
    found, body = refused(reason)
    assert (found, body["code"], body["status"]) == (status, code, status)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_an_answer(reason: Reason) -> None:
    answer = picture_check.refuse(GIVEN, MattingError(reason))
    assert answer.status >= 400
    assert json.loads(answer.body)["message"]


def test_a_rate_that_is_exceeded_says_when_to_try_again() -> None:
    assert picture_check.refuse(GIVEN, AccessRefused(Reason.RATE_EXCEEDED)).headers["Retry-After"] == "1"
