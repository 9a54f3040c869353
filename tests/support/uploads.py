"""Upload tickets, asked for and used."""

import json
from dataclasses import dataclass
from typing import Any

from devkit.clients import (
    Answer,
    multipart,
    send,
)
from devkit.running import RunningCloud

KEY = {"X-API-KEY": "demo-key"}


@dataclass(frozen=True)
class Ticket:
    """An issued ticket, and its use."""

    document: dict[str, Any]

    @property
    def source(self) -> str:
        return str(self.document["source"])

    def upload(self, picture: bytes, **changes: str) -> Answer:
        body, content_type = multipart({**self.document["fields"], **changes}, "file", picture)
        return send("POST", self.document["url"], body, {"Content-Type": content_type})


def ask(cloud: RunningCloud, headers: dict[str, str] = KEY, **options: Any) -> Answer:
    return send("POST", f"{cloud.url}/uploads", json.dumps(options).encode() if options else b"", headers)


def ticket(cloud: RunningCloud, headers: dict[str, str] = KEY, **options: Any) -> Ticket:
    answer = ask(cloud, headers, **options)
    assert answer.status == 200, answer.body
    return Ticket(answer.json)


def uploaded(cloud: RunningCloud, picture: bytes, headers: dict[str, str] = KEY) -> str:
    issued = ticket(cloud, headers)
    assert issued.upload(picture).status == 204
    return issued.source
