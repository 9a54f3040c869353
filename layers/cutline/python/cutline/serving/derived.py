"""Files made of a stored result while a caller waits for it, such as the WebP that a page asks for: bounded work.

Each is made once and stored under a key of its own. A lease in the meter's table lets one call work at a file; a call
that finds the lease taken does not wait, because the result itself is there. The work counts as a call in flight of
the result's account, costs no rate, and ends at a deadline. What failed twice is not tried again before the lease's
item expires, which is after the longest life of a link.

    DERIVED#<key of the file>   until: unix second at which the lease expires; tries: how often it was taken
"""

import struct
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter, day_of
from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.adapters.result_store import ResultStore
from cutline.errors import AccessRefused, MattingError
from cutline.serving.deadline import deadline
from cutline.storage_keys import DERIVED, RESULTS

# What a function of 1,024 MB makes within the time limit, whatever the picture: `WORST_S_PER_PX` of the encoder.
MAX_PX = 3_000_000
TIME_LIMIT_MS = 6000
# Longer than the function runs.
LEASE_S = 30
MAX_TRIES = 2
_REMEMBERED_S = 86_400
# A PNG's signature and its IHDR chunk (PNG 11.2.2), whose width and height stand here.
_HEADER_BYTES, _SIZE_AT = 33, 16
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Derivation:
    """A file to be made of a stored PNG. `make` returns None where there is none of such a picture."""

    key: str
    content_type: str
    make: Callable[[bytes], bytes | None]
    max_px: int = MAX_PX


@dataclass(frozen=True)
class DerivedFiles:
    """Finds derived files or makes them."""

    results: ResultStore
    leases: Any
    accounts: AccountStore
    meter: Meter
    logger: Logger
    clock: Callable[[], float] = time.time

    def find_or_make(self, source: str, derivation: Derivation) -> bool:
        """Return whether the derived file of the result `source` is there; False: use the result."""
        try:
            return self.results.exists(derivation.key) or (
                self._take(derivation.key) and self._make(source, derivation)
            )
        except (MattingError, ClientError, BotoCoreError, OSError):
            # The result itself is there to be used, so this is no fault of the call.
            self.logger.exception("a derived file could not be made")
            return False

    def _make(self, source: str, derivation: Derivation) -> bool:
        pixels = _pixels(self.results.head(source, _HEADER_BYTES))
        account = self.accounts.account(source.removeprefix(RESULTS).partition("/")[0])
        if account is None or not 0 < pixels <= derivation.max_px:
            self._give_up(derivation.key)
            return False
        try:
            with self._in_flight(account), deadline(TIME_LIMIT_MS):
                file = derivation.make(self.results.get(source))
                if file is not None:
                    self.results.put_at(derivation.key, file, derivation.content_type)
        except AccessRefused:
            self._give_back(derivation.key)
            return False
        if file is None:
            self._give_up(derivation.key)
        return file is not None

    @contextmanager
    def _in_flight(self, account: Account) -> Iterator[None]:
        """Count as one of the calls that the account may have in flight. Raises AccessRefused."""
        place = self.meter.enter(account, uuid.uuid4().hex, day_of(self.clock()))
        try:
            yield
        finally:
            self.meter.end_wait(place)

    def _take(self, key: str) -> bool:
        """Return whether the lease is this call's."""
        now = int(self.clock())
        free = "(attribute_not_exists(tries) OR tries < :most) AND (attribute_not_exists(#until) OR #until < :now)"
        values = {":until": now + LEASE_S, ":end": now + _REMEMBERED_S, ":one": 1, ":most": MAX_TRIES, ":now": now}
        try:
            self._write(key, "SET #until = :until, expires_at = :end ADD tries :one", values, free)
        except ConditionFailed:
            return False
        return True

    def _give_back(self, key: str) -> None:
        """End the lease as if it had not been taken."""
        self._write(key, "SET #until = :zero ADD tries :minus", {":zero": 0, ":minus": -1})

    def _give_up(self, key: str) -> None:
        """Let no call take the lease again."""
        self._write(key, "SET #until = :zero ADD tries :most", {":zero": 0, ":most": MAX_TRIES})

    def _write(self, key: str, update: str, values: dict[str, int], condition: str = "attribute_exists(pk)") -> None:
        write_if(
            self.leases.update_item,
            condition,
            Key={"pk": DERIVED + key, "sk": "LEASE"},
            UpdateExpression=update,
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues=values,
        )


def _pixels(header: bytes) -> int:
    """Return the pixels of a PNG, or 0 of another file."""
    if len(header) < _HEADER_BYTES or not header.startswith(_PNG):
        return 0
    width, height = struct.unpack_from(">II", header, _SIZE_AT)
    return int(width * height)
