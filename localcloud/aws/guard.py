"""Enforces roles: refuses a call that the role of its function or state machine does not permit, in AWS's words.

Each sandbox signs with its own access key, the function's logical id; moto runs the state machine under a fixed key.
Any other key is the operator's, which may do everything. The state folder gets `granted.json`, all grants; `used.txt`,
the grants that a call has needed; and `denied.txt`, the refused calls.
"""

import io
import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.api.gateway import read_all
from localcloud.aws.needs import Need, absence_of, caller_of, needs_of
from localcloud.aws.roles import Grant

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BODY_LIMIT_BYTES = 64 * 1024 * 1024
_ABSENT = "404"
# The access key of moto's state machines.
_MACHINE_KEY = "ak"


class Guard:
    """Wraps the services. Before `open` no caller has a role."""

    def __init__(self, aws: "WSGIApplication", state_dir: Path) -> None:
        self._aws = aws
        self._state_dir = state_dir
        self._grants: Mapping[str, list[tuple[Grant, str]]] = {}
        self._bounds: Mapping[str, list[Grant]] = {}
        self._machine = ""
        self._lined: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def open(
        self,
        grants: Mapping[str, list[Grant]],
        resources: Mapping[str, str],
        machine: str = "",
        bounds: Mapping[str, list[Grant]] | None = None,
    ) -> None:
        """Check the calls of these functions and this machine from now on.

        `resources` maps logical names to physical ones; `bounds` are permissions boundaries.
        """
        for name in ("used.txt", "denied.txt"):
            (self._state_dir / name).unlink(missing_ok=True)
        lined = {name: [(grant, _line(name, grant, resources)) for grant in these] for name, these in grants.items()}
        lines = [line for these in lined.values() for _, line in these]
        (self._state_dir / "granted.json").write_text(json.dumps(lines, indent=1), "utf-8")
        self._grants, self._machine, self._bounds = lined, machine, bounds or {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        caller = self._caller(environ)
        if caller not in self._grants:
            return self._aws(environ, start_response)
        body = read_all(environ, _BODY_LIMIT_BYTES)
        environ["wsgi.input"] = io.BytesIO(body)
        needs = needs_of(environ, body)
        refused = self._refusal(environ, start_response, caller, needs)
        if refused is not None:
            return refused
        if needs[0].action != "s3:GetObject" or self._permits(caller, absence_of(needs[0]), note=False):
            return self._aws(environ, start_response)
        return self._hide_absence(environ, start_response, caller, needs[0])

    def refuses(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes] | None:
        """The refusal of a call that another application answers; None if the role permits the call."""
        caller = self._caller(environ)
        if caller not in self._grants:
            return None
        return self._refusal(environ, start_response, caller, needs_of(environ, b""))

    def _refusal(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", caller: str, needs: list[Need]
    ) -> list[bytes] | None:
        for need in needs:
            if not self._permits(caller, need):
                self._append("denied.txt", f"{caller} {need.action} {need.resource}")
                return _refuse(environ, start_response, caller, need)
        return None

    def _caller(self, environ: "WSGIEnvironment") -> str:
        caller = caller_of(environ)
        return self._machine if caller == _MACHINE_KEY else caller

    def _hide_absence(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", caller: str, need: Need
    ) -> Iterable[bytes]:
        """Answer 403 for a missing object: S3 does so without the right to list the bucket."""
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def note(status: str, headers: list[tuple[str, str]], *_: object) -> object:
            begun.append((status, headers))
            return lambda data: None

        answer = self._aws(environ, note)  # type: ignore[arg-type]
        status, headers = begun[0]
        if status.startswith(_ABSENT):
            return _refuse(environ, start_response, caller, need)
        start_response(status, headers)
        return answer

    def _permits(self, caller: str, need: Need, *, note: bool = True) -> bool:
        """Whether role and boundary permit it. The first grant that covers the need counts as used."""
        if caller in self._bounds and not any(bound.covers(need) for bound in self._bounds[caller]):
            return False
        line = next((line for grant, line in self._grants[caller] if grant.covers(need)), "")
        if note and line:
            self._append("used.txt", line)
        return bool(line)

    def _append(self, name: str, line: str) -> None:
        """Append a line unless the file has it already."""
        with self._lock:
            if (name, line) not in self._lined:
                self._lined.add((name, line))
                with (self._state_dir / name).open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")


def _line(caller: str, grant: Grant, resources: Mapping[str, str]) -> str:
    """The grant as one line with logical names, the same for every stack of the template."""
    resource = grant.resource.split(":", 5)[-1]
    for logical, physical in resources.items():
        # A queue's physical id is its URL.
        name = physical.rpartition("/")[2] if physical.startswith("http") else physical.split(":", 5)[-1]
        resource = resource.replace(name, logical)
    return f"{caller} {grant.sid} {grant.action} {resource}"


def _refuse(environ: "WSGIEnvironment", start_response: "StartResponse", caller: str, need: Need) -> list[bytes]:
    """The refusal: 400 with an error name from DynamoDB and its like, 403 from Lambda, 403 with XML from S3."""
    message = f"{caller} is not authorized to perform: {need.action} on resource: {need.resource}"
    if need.action.startswith("s3:"):
        body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
        start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
    body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-ErrorType", "AccessDeniedException")]
    status = "403 Forbidden" if need.action.startswith("lambda:") else "400 Bad Request"
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]
