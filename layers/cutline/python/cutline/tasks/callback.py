"""Callbacks of ended tasks (contracts.md 3.5), signed, so that the receiver can verify the sender.

    X-Cutline-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">

The key is the account's own: an HMAC of its id under the link secret's key for callbacks, so nothing is stored, and no
account can derive another's.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass

from cutline.adapters.fetch import FetchPolicy, deliver
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.contracts.apis import TASK_APIS
from cutline.errors import InputRefused, Reason
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from cutline.tasks.view import show_task

_ACCEPTED = range(200, 300)


def callback_secret(key: bytes, account_id: str) -> str:
    """Return the key of an account's callbacks, hexadecimal; the operator hands it to the account's owner."""
    return hmac.new(key, f"callback/{account_id}".encode(), hashlib.sha256).hexdigest()


def signature(secret: str, body: bytes, now: int) -> str:
    """Return the value of the signature header."""
    return f"t={now},v1={hmac.new(secret.encode(), f'{now}.'.encode() + body, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True)
class Callback:
    """Posts what GET would answer."""

    tasks: TaskStore
    results: ResultStore
    link_secret: Callable[[], LinkSecret]
    policy: FetchPolicy
    clock: Callable[[], float] = time.time

    def run(self, task_id: str, step: Step) -> bool:
        """Send the callback; return whether the task has one. Raises InputRefused(URL_UNREACHABLE) without a 2xx."""
        with step.stage("look up"):
            task = self.tasks.find(task_id)
        if task is None or not task.record.options.callback_url:
            return False
        step.works_on(task)
        record = task.record
        with step.stage("load"):
            response = show_task(TASK_APIS[task.order.api], record, self.results, task.order.base_url)
        secret = callback_secret(self.link_secret().callbacks.encode(), record.account_id)
        headers = {
            **response.headers,
            "X-Cutline-Signature": signature(secret, response.body, int(self.clock())),
        }
        with step.stage("deliver"):
            status = deliver(record.options.callback_url, response.body, headers, self.policy)
        if status not in _ACCEPTED:
            raise InputRefused(Reason.URL_UNREACHABLE, f"the callback was answered with {status}", retry=True)
        return True
