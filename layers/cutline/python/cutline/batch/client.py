"""The tasks API as a patient caller: waits when told to, tries again when the service stumbles."""

import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any

from cutline.contracts import picwish

_TASKS = picwish.ROUTES[0]
_TRIES = 6
_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_TIMEOUT_S = 60
_UNAUTHORIZED, _NOT_FOUND, _TOO_MANY, _FAULT = 401, 404, 429, 500


class Refused(Exception):
    """The service does not take this picture; the message says why."""


class Unrecoverable(Exception):
    """No picture can be served: the key is wrong, the quota is used up, or the service does not answer."""


class Stopped(Exception):
    """The batch is to end."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of any status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """The JSON object in the body, or none of it."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class TasksClient:
    """Threads may share one: if one must wait, all wait."""

    def __init__(self, base_url: str, api_key: str, stop: threading.Event) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = {"X-API-KEY": api_key}
        self._stop = stop
        self._not_before = 0.0

    @property
    def must_wait(self) -> bool:
        """Whether the rate has been exceeded just now."""
        return self._not_before > time.monotonic()

    def submit(self, fields: Mapping[str, str], picture: bytes | None, key: str) -> str:
        """The id of the task. Raises Refused, Unrecoverable and Stopped, as everything here."""
        body, content_type = _multipart(fields, "image_file", picture)
        headers = {**self._key, "Content-Type": content_type, "Idempotency-Key": key}
        return str(self._ask("POST", _TASKS, body, headers)["data"]["task_id"])

    def show(self, task_id: str) -> dict[str, Any] | None:
        """The task as it stands, or None where it is forgotten."""
        answer = self._exchange("GET", f"{self._base_url}{_TASKS}/{task_id}", None, self._key)
        if answer.status == _NOT_FOUND:
            return None
        data: dict[str, Any] = self._understood(answer)["data"]
        return data

    def upload(self, picture: bytes) -> str:
        """The source that stands for the picture from now on."""
        wish = json.dumps({"size": len(picture)}).encode()
        ticket = self._ask("POST", "/uploads", wish, {**self._key, "Content-Type": "application/json"})
        body, content_type = _multipart(ticket["fields"], "file", picture)
        answer = self._exchange("POST", ticket["url"], body, {"Content-Type": content_type})
        if not _is_good(answer):
            raise Refused(f"the upload was answered with {answer.status}")
        return str(ticket["source"])

    def download(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        """A result and its headers, by names in lower case."""
        answer = self._exchange("GET", url, None, {})
        if not _is_good(answer):
            raise Refused(f"the result was answered with {answer.status}")
        return answer.body, answer.headers

    def wait(self, delay_s: float) -> None:
        """Sleeps, unless the batch is to end."""
        if self._stop.wait(delay_s):
            raise Stopped

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        return self._understood(self._exchange(method, self._base_url + path, body, headers))

    @staticmethod
    def _understood(answer: Answer) -> dict[str, Any]:
        document = answer.document()
        message = str(document.get("message") or f"the service answered with {answer.status}")
        if answer.status == _UNAUTHORIZED:
            raise Unrecoverable("the API key is not taken")
        if answer.status == _TOO_MANY:
            raise Unrecoverable("the account's quota for the day is used up; run the same command again tomorrow")
        if not _is_good(answer):
            raise Refused(message)
        return document

    def _exchange(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """The answer, once there is one worth having."""
        failed, problem = 0, ""
        while failed < _TRIES:
            self.wait(max(self._not_before - time.monotonic(), 0))
            try:
                answer = _send(urllib.request.Request(url, body, dict(headers), method=method))
            except (OSError, HTTPException) as error:
                problem = f"{url.partition('?')[0]} cannot be reached: {error}"
            else:
                pause_s = _told_to_wait(answer)
                if pause_s is not None:
                    self._not_before = time.monotonic() + pause_s
                    continue
                if answer.status < _FAULT:
                    return answer
                problem = f"the service answered with {answer.status}"
            failed += 1
            self.wait(random.uniform(0.5, 1) * min(_PAUSE_S * 2**failed, _LONGEST_PAUSE_S))
        raise Unrecoverable(problem)


def _told_to_wait(answer: Answer) -> float | None:
    """Seconds, where the rate was exceeded: ours says how long, API Gateway's throttle goes by its own body."""
    if answer.status != _TOO_MANY:
        return None
    told = answer.headers.get("retry-after", "")
    if told.isdigit():
        return float(told)
    return _PAUSE_S if "code" in answer.document() else None


def _is_good(answer: Answer) -> bool:
    return 200 <= answer.status < 300  # noqa: PLR2004


def _send(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:
            return Answer(reply.status, _lowered(reply.headers), reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lowered(error.headers), error.read())


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _multipart(fields: Mapping[str, str], file: str, data: bytes | None) -> tuple[bytes, str]:
    """A form and its Content-Type; the file, if any, comes last."""
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; "
    parts = [f'{opening}name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    if data is not None:
        parts += [f'{opening}name="{file}"; filename="picture"\r\n\r\n'.encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"
