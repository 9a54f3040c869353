"""The ledger of rows itself: what it takes for reached, and what it does not."""

import json

import pytest

from devkit.clients import Answer, multipart, plain_picture
from tests.support.ledger import Ledger, Row, describe_call, describe_picture, fits, keys_of
from tests.support.rows import new_ledger

URL = "http://127.0.0.1:3000/api/thing?mode=1"
ROW = Row("X", "1 errors", "7", 400, {"code": 7, "text": "seven"}, {"mode": "1"})
JSON = {"content-type": "application/json"}


def ledger_after(status: int, body: object, url: str = URL) -> Ledger:
    ledger = Ledger([ROW, Row("X", "1 errors", "8", excused="never")], {"/api/thing": "X"})
    ledger.note("GET", url, {}, b"", Answer(status, JSON, json.dumps(body).encode()))
    return ledger


def test_a_row_is_reached_by_exactly_its_call_and_its_answer() -> None:
    ledger = ledger_after(400, {"code": 7, "text": "seven"})
    assert (ledger.missing, ledger.unexplained) == ([], [])
    assert "test_a_row_is_reached_by" in ledger.reached[ROW]
    assert ledger.summary() == ["X  1 errors: 1 of 1"]
    assert "not needed: never" in ledger.report()


@pytest.mark.parametrize(
    ("status", "body", "url"),
    [
        (200, {"code": 7, "text": "seven"}, URL),
        (400, {"code": "7", "text": "seven"}, URL),
        (400, {"code": 7, "text": "Seven"}, URL),
        (400, {"code": 7}, URL),
        (400, {"code": 7, "text": "seven", "more": 1}, URL),
        (400, {"code": 7, "text": "seven"}, URL.replace("mode=1", "mode=2")),
        (400, {"code": 7, "text": "seven"}, URL.partition("?")[0]),
    ],
)
def test_anything_else_leaves_the_row_missing_and_the_answer_unexplained(status: int, body: object, url: str) -> None:
    ledger = ledger_after(status, body, url)
    assert ledger.missing == [ROW]
    assert len(ledger.unexplained) == 1
    assert "NOT REACHED" in ledger.report()


def test_another_path_is_nobodys_business() -> None:
    ledger = ledger_after(404, {}, "http://127.0.0.1:3000/health")
    assert (ledger.missing, ledger.unexplained) == ([ROW], [])


def test_true_is_no_number_and_shapes_may_be_alternatives() -> None:
    assert not fits(int, True)
    assert not fits(1, True)
    assert fits((None, [str]), ["a"])
    assert not fits((None, [str]), ["a", "b"])
    assert list(keys_of({"a": [{"b": int}], "c": str})) == ["a.0.b", "c"]


def test_pictures_are_described_wherever_they_travel() -> None:
    png = plain_picture(64, 48)
    words = f"PNG 64x48, {len(png)} bytes"
    assert describe_call("POST", URL, {}, png)["body"] == words
    body, content_type = multipart({"type": "auto"}, "image_file", png)
    sent = describe_call("POST", URL, {"Content-Type": content_type}, body)
    assert (sent["type"], sent["image_file"], sent["mode"]) == ("auto", f"file: {words}", "1")
    assert describe_picture(png[:100]) == "PNG 64x48 cut short"
    assert describe_picture(b"text") == "no picture"


def test_no_two_rows_of_a_table_have_the_same_name() -> None:
    names = [(row.api, row.table, row.name) for row in new_ledger().rows]
    assert len(names) == len(set(names)) > 300
