"""The drawn figure through the deployed API, as a caller sends it: a synchronous call, a background task, their links.

Between them they pass the address, the gateway, accounts, the meter, both picture functions, the network, the state
machine, its queue and worker, both buckets, and the links. JD's and Aidge's signatures are left to `make smoke`.
"""

import io
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from cutline.watch.figure import MIN_IOU, SIZE, figure_png, fit

_CALL_LIMIT_S = 29.0
# Of a task whose functions all have to be started.
_TASK_LIMIT_S, _PAUSE_S = 75.0, 0.5
_MAX_BYTES = 4 * 1024 * 1024
_DONE = 1
_SYNC = "/api/cutout/general/universal-background-removal"
_TASKS = "/api/tasks/visual/segmentation"


class SmokeFailed(Exception):
    """A part does not work. The message is for the operator, and has neither key nor link."""


@dataclass(frozen=True)
class Report:
    """What was tried: the milliseconds of what works, and what is wrong with the rest."""

    ms: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def key_text(key: str) -> str:
    """Return the secret's text for an API key."""
    return json.dumps({"api_key": key})


def read_key(text: str) -> str:
    """Return the API key in the secret's text. Raises SmokeFailed before `cutline smoke-key` has put one there."""
    try:
        return str(json.loads(text)["api_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise SmokeFailed("the secret has no key: run cutline smoke-key") from error


def run(url: str, load_key: Callable[[], str]) -> Report:
    """Try both ways and report; whatever happens to the one, the other is tried."""
    report = Report()
    for name, way in (("call", _call), ("task", _task)):
        begun = time.monotonic()
        try:
            _check(_sent(way(url, load_key())))
            report.ms[name] = round((time.monotonic() - begun) * 1000)
        except SmokeFailed as failed:
            report.faults[name] = str(failed)
        except Exception as error:  # the boundary of one way; the error's own text may hold an address
            report.faults[name] = type(error).__name__
    return report


def _call(url: str, key: str) -> str:
    """Return the link of a synchronous call's result."""
    answer = _json(_posted(url + _SYNC, "image", {}, {"ailabapi-api-key": key}))
    try:
        return str(answer["data"]["image_url"])
    except (KeyError, TypeError) as error:
        raise SmokeFailed(f"the call was refused: {answer.get('error_code_str') or 'no result'}") from error


def _task(url: str, key: str) -> str:
    """Return the link of a background task's result."""
    headers = {"X-API-KEY": key}
    task_id = _data(_json(_posted(url + _TASKS, "image_file", {"sync": "0"}, headers)))["task_id"]
    limit = time.monotonic() + _TASK_LIMIT_S
    while time.monotonic() < limit:
        task = _data(_json(urllib.request.Request(f"{url}{_TASKS}/{task_id}", headers=headers)))
        if task["state"] == _DONE:
            return str(task["image"])
        if task["state"] < 0:
            raise SmokeFailed(f"the task ended in state {task['state']}")
        time.sleep(_PAUSE_S)
    raise SmokeFailed(f"the task did not end within {_TASK_LIMIT_S:.0f} s")


def _check(file: bytes) -> None:
    """Raise SmokeFailed unless the file is the figure's cut-out."""
    try:
        picture = Image.open(io.BytesIO(file))
        if (picture.format, picture.mode, picture.size) != ("PNG", "RGBA", SIZE):
            raise SmokeFailed(f"the result is {picture.format} {picture.mode} {picture.size}, not PNG RGBA {SIZE}")
        found = fit(np.asarray(picture)[..., 3])
    except OSError as error:
        raise SmokeFailed("the result is no picture") from error
    if found < MIN_IOU:
        raise SmokeFailed(f"the alpha overlaps the figure by {found:.2f}, and should by {MIN_IOU}")


def _posted(url: str, name: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> urllib.request.Request:
    boundary = uuid.uuid4().hex
    heads = [f'name="{field}"\r\n\r\n{value}\r\n' for field, value in fields.items()]
    heads.append(f'name="{name}"; filename="figure.png"\r\nContent-Type: image/png\r\n\r\n')
    head = "".join(f"--{boundary}\r\nContent-Disposition: form-data; {part}" for part in heads)
    body = head.encode() + figure_png() + f"\r\n--{boundary}--\r\n".encode()
    form = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return urllib.request.Request(url, body, {**headers, **form}, method="POST")


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    if not isinstance(data, dict):
        raise SmokeFailed(f"the task was refused: {answer.get('message')}")
    return data


def _json(request: urllib.request.Request) -> Mapping[str, Any]:
    answer = json.loads(_sent(request))
    if not isinstance(answer, dict):
        raise SmokeFailed("the answer is no object")
    return answer


def _sent(request: urllib.request.Request | str) -> bytes:
    """Return the body of an answer with status 200, after redirects. Raises SmokeFailed."""
    try:
        with urllib.request.urlopen(request, timeout=_CALL_LIMIT_S) as answer:
            return bytes(answer.read(_MAX_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            raise SmokeFailed(f"HTTP {error.code}") from error
    except (urllib.error.URLError, TimeoutError) as error:
        raise SmokeFailed(f"no answer: {type(getattr(error, 'reason', error)).__name__}") from error
