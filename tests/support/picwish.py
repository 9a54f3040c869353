"""PicWish's answers, and background tasks submitted and waited for."""

import time
from typing import Any

from devkit.clients import SMALL, Answer, PicWish
from devkit.patience import WAIT_S


def assert_request_error(answer: Answer, status: int, message: str) -> None:
    assert answer.status == status
    assert answer.json == {"status": status, "message": message}


def assert_failed_task(picwish: PicWish, answer: Answer, state: int) -> None:
    assert answer.status == 200
    body = answer.json
    assert (body["status"], body["message"], body["data"]["state"]) == (200, "success", state)
    assert set(body["data"]) == {"created_at", "processed_at", "progress", "state", "task_id"}
    assert body["data"]["progress"] == 0
    assert picwish.query(body["data"]["task_id"]).json == body


def wait(picwish: PicWish, task_id: str, every_s: float = 0.1) -> tuple[list[int], dict[str, Any]]:
    """The states that a task showed, in order, and what it ended as; it is asked for every `every_s`."""
    states: list[int] = []
    limit = time.monotonic() + WAIT_S
    while time.monotonic() < limit:
        body = picwish.query(task_id).json["data"]
        assert (body["progress"] == 100) is (body["state"] == 1)
        if [body["state"]] != states[-1:]:
            states.append(body["state"])
        if body["state"] == 1 or body["state"] < 0:
            return states, body
        assert "image" not in body
        time.sleep(every_s)
    raise AssertionError(f"the task stayed in {states}")


def submit(picwish: PicWish, image: bytes | None = SMALL, **fields: str) -> str:
    answer = picwish.create(image, sync="0", **fields)
    assert answer.status == 200
    assert set(answer.json["data"]) == {"task_id"}
    return str(answer.json["data"]["task_id"])
