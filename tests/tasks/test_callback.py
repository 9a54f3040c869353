"""Callbacks: their body, their signature, and the answers that count as delivered."""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.link_secret import LinkSecret
from cutline.contracts import task_record
from cutline.errors import InputRefused
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.tasks.callback import Callback, callback_secret, signature
from cutline.tasks.step import Step
from devkit.listening import QuietHandler, listening
from tests.support.task_stack import NOW, Stack

LOCAL = FetchPolicy((ipaddress.ip_network("127.0.0.1/32"),), timeout_s=5)


@dataclass
class Listener:
    """A shop's own address: answers with `status` and remembers what came."""

    url: str = ""
    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("Location", found.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Handler) as url:
        found.url = f"{url}/done?shop=1"
        yield found


def call_back(stack: Stack, policy: FetchPolicy = LOCAL) -> Callback:
    return Callback(stack.tasks, stack.results, lambda: LinkSecret.parse("link secret"), policy, lambda: NOW)


def ended(stack: Stack, url: str, state: int = -7) -> str:
    task_id = stack.task(callback_url=url).record.task_id
    if state == task_record.DONE:
        stack.tasks.finish(task_id, {"image": "r/shop/a.png"}, ResultMetadata("object", 0.5, 0.875), NOW)
    else:
        stack.tasks.fail(task_id, state, NOW)
    return task_id


@pytest.mark.parametrize("state", [task_record.DONE, -7])
def test_the_body_is_what_get_would_answer(stack: Stack, listener: Listener, state: int) -> None:
    task_id = ended(stack, listener.url, state)
    assert call_back(stack).run(task_id, Step()) is True
    [(headers, body)] = listener.heard
    data = json.loads(body)["data"]
    assert (data["task_id"], data["state"]) == (task_id, state)
    assert ("image" in data) is (state == task_record.DONE)
    assert headers["content-type"].startswith("application/json")
    has_confidence = data.get("confidence") == 0.875 and headers.get("x-cutline-confidence") == "0.8750"
    assert has_confidence is (state == task_record.DONE)


def test_the_signature_is_the_accounts_own_and_covers_time_and_body(stack: Stack, listener: Listener) -> None:
    call_back(stack).run(ended(stack, listener.url), Step())
    [(headers, body)] = listener.heard
    # As a shop would check it, with the key that the operator gave it.
    parts = dict(part.split("=", 1) for part in headers["x-cutline-signature"].split(","))
    key = callback_secret(b"link secret", "shop").encode()
    assert parts["t"] == str(NOW)
    assert parts["v1"] == hmac.new(key, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert callback_secret(b"link secret", "rival") != key.decode()
    assert signature(key.decode(), body, NOW + 1) != headers["x-cutline-signature"]


@pytest.mark.parametrize("status", [301, 404, 500])
def test_any_other_answer_is_to_be_tried_again(stack: Stack, listener: Listener, status: int) -> None:
    listener.status = status
    with pytest.raises(InputRefused) as refused:
        call_back(stack).run(ended(stack, listener.url), Step())
    assert refused.value.retry
    assert len(listener.heard) == 1  # a redirect is not followed


def test_a_private_address_is_never_called(stack: Stack, listener: Listener) -> None:
    with pytest.raises(InputRefused):
        call_back(stack, FetchPolicy()).run(ended(stack, listener.url), Step())
    assert listener.heard == []


def test_without_an_address_or_a_task_there_is_no_callback(stack: Stack) -> None:
    assert call_back(stack).run(ended(stack, ""), Step()) is False
    assert call_back(stack).run("unknown", Step()) is False
