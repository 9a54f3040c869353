"""AILabTools costume's answers, checked and taken to pieces."""

import re

from skimage import data

from devkit.clients import Answer, encoded

DRESSED = encoded(data.astronaut())


def assert_refused(answer: Answer, status: int, code: str, sentence: str, detail: str = "") -> None:
    """The documented body and nothing else; without a detail the sentence stands for it."""
    assert answer.status == status
    body = answer.json
    assert re.fullmatch(r"[0-9a-f-]{36}", body.pop("request_id"))
    assert re.fullmatch(r"\d{19}", body.pop("log_id"))
    assert body == {
        "error_code": status,
        "error_code_str": code,
        "error_msg": sentence,
        "error_detail": {
            "status_code": status,
            "code": code,
            "code_message": sentence,
            "message": detail or sentence,
        },
    }


def elements_of(answer: Answer) -> tuple[str, dict[str, str]]:
    """The two elements of the documented body."""
    assert answer.status == 200
    body = answer.json
    assert re.fullmatch(r"[0-9a-f-]{36}", body.pop("request_id"))
    assert re.fullmatch(r"\d{19}", body.pop("log_id"))
    first, second = body.pop("data")["elements"]
    assert body == {
        "error_code": 0,
        "error_code_str": "",
        "error_msg": "",
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
    }
    assert (set(first), set(second)) == ({"image_url"}, {"class_url"})
    return first["image_url"], second["class_url"]
