"""A client of the tasks API: waits when throttled, retries when the service fails."""

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
_OTHER_SERVICE = "the URL answers, but not like the tasks API of Cutline"
_UNAUTHORIZED, _NOT_FOUND, _TOO_MANY, _FAULT = 401, 404, 429, 500


class Refused(Exception):
    """The service refuses this picture; the message says why."""


class Unrecoverable(Exception):
    """The batch cannot go on: the key is wrong, the quota is used up, or the service does not answer."""


class Stopped(Exception):
    """The batch is being stopped."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of any status; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """Return the JSON object in the body, or an empty one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class TasksClient:
    """Threads may share one: if one is throttled, all wait."""

    def __init__(self, base_url: str, api_key: str, stop: threading.Event) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = {"X-API-KEY": api_key}
        self._stop = stop
        self._not_before = 0.0

    @property
    def must_wait(self) -> bool:
        """Whether the service has asked to wait."""
        return self._not_before > time.monotonic()

    def submit(self, fields: Mapping[str, str], picture: bytes | None, key: str) -> str:
        """Create a task and return its id. Raises Refused, Unrecoverable and Stopped, as all methods."""
        body, content_type = _multipart(fields, "image_file", picture)
        headers = {**self._key, "Content-Type": content_type, "Idempotency-Key": key}
        return _text(self._ask("POST", _TASKS, body, headers).get("data"), "task_id")

    def show(self, task_id: str) -> dict[str, Any] | None:
        """Return the task, or None if the service no longer has it."""
        answer = self._exchange("GET", f"{self._base_url}{_TASKS}/{task_id}", None, self._key)
        if answer.status == _NOT_FOUND:
            return None
        data = self._checked(answer).get("data")
        if not isinstance(data, dict) or not isinstance(data.get("state"), int):
            raise Unrecoverable(_OTHER_SERVICE)
        return data

    def upload(self, picture: bytes) -> str:
        """Upload the picture and return the source that refers to it."""
        asked = json.dumps({"size": len(picture)}).encode()
        ticket = self._ask("POST", "/uploads", asked, {**self._key, "Content-Type": "application/json"})
        if not isinstance(ticket.get("fields"), dict):
            raise Unrecoverable(_OTHER_SERVICE)
        body, content_type = _multipart(ticket["fields"], "file", picture)
        answer = self._exchange("POST", _text(ticket, "url"), body, {"Content-Type": content_type})
        if not _is_good(answer):
            raise Refused(f"the upload failed with HTTP status {answer.status}")
        return _text(ticket, "source")

    def download(self, url: str) -> tuple[bytes, Mapping[str, str]]:
        """Return a result and its headers, by names in lower case."""
        answer = self._exchange("GET", url, None, {})
        if not _is_good(answer):
            raise Refused(f"the download of the result failed with HTTP status {answer.status}")
        return answer.body, answer.headers

    def wait(self, delay_s: float) -> None:
        """Sleep. Raises Stopped."""
        if self._stop.wait(delay_s):
            raise Stopped

    def _ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        return self._checked(self._exchange(method, self._base_url + path, body, headers))

    @staticmethod
    def _checked(answer: Answer) -> dict[str, Any]:
        document = answer.document()
        message = str(document.get("message") or f"the service returned HTTP status {answer.status}")
        if answer.status == _UNAUTHORIZED:
            raise Unrecoverable("the API key is not valid")
        if answer.status == _TOO_MANY:
            raise Unrecoverable("the account's quota for the day is used up; run the same command again tomorrow")
        if not _is_good(answer):
            raise Refused(message)
        return document

    def _exchange(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request and return its answer, after retries and waits."""
        failed, problem = 0, ""
        while failed < _TRIES:
            self.wait(max(self._not_before - time.monotonic(), 0))
            try:
                answer = _send(urllib.request.Request(url, body, dict(headers), method=method))
            except (OSError, HTTPException) as error:
                problem = f"cannot reach {url.partition('?')[0]}: {error}"
            except ValueError as error:
                raise Unrecoverable(f"invalid URL or header for {url.partition('?')[0]}: {error}") from error
            else:
                pause_s = _retry_after_s(answer)
                if pause_s is not None:
                    self._not_before = time.monotonic() + pause_s
                    continue
                if answer.status < _FAULT:
                    return answer
                problem = f"the service returned HTTP status {answer.status}"
            failed += 1
            self.wait(random.uniform(0.5, 1) * min(_PAUSE_S * 2**failed, _LONGEST_PAUSE_S))
        raise Unrecoverable(problem)


def _retry_after_s(answer: Answer) -> float | None:
    """Return the seconds to wait if throttled: by our header, or a pause after API Gateway's own throttling."""
    if answer.status != _TOO_MANY:
        return None
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_PAUSE_S)
    return _PAUSE_S if "code" in answer.document() else None


def _text(document: object, name: str) -> str:
    if not isinstance(document, dict) or not isinstance(document.get(name), str):
        raise Unrecoverable(_OTHER_SERVICE)
    return str(document[name])


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
    """Encode a form and return it with its Content-Type; the file, if any, is last."""
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; "
    parts = [f'{opening}name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    if data is not None:
        parts += [f'{opening}name="{file}"; filename="picture"\r\n\r\n'.encode(), data, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"
