"""Files made of a stored result while a caller waits for it, such as the WebP that a page asks for: bounded work.

Each is made once and stored under a key of its own. A lease in the meter's table lets one call work at a file; a call
that finds the lease taken does not wait, because the result itself is there. The work counts as a call in flight of
the result's account, costs no rate, and ends at a deadline. What failed twice is not tried again before the lease's
item expires, which is after the longest life of a link.

    DERIVED#<key of the file> LEASE   until: unix second at which the lease expires; tries: how often it was taken
    DERIVED#<key of the result, its version> VARIANTS   made: how many were begun, where their number is bounded
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
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.serving.deadline import deadline
from cutline.serving.mend_store import account_of
from cutline.storage_keys import DERIVED

# What a function of 1,024 MB makes within the time limit, whatever the picture: `WORST_S_PER_PX` of the encoder.
MAX_PX = 3_000_000
TIME_LIMIT_MS = 6000
# Longer than the function runs.
LEASE_S = 30
MAX_TRIES = 2
# How often and at which intervals a call that cannot do without a file looks for it while another makes it.
_POLLS, _POLL_S = 8, 0.2
_REMEMBERED_S = 86_400
# A PNG's signature and its IHDR chunk (PNG 11.2.2), whose width and height stand here.
HEADER_BYTES, _SIZE_AT = 33, 16
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Derivation:
    """A file to be made of a stored PNG. `make` returns None where there is none of such a picture.

    max_variants: how many such files there may be of what `counted_for` names, None for no bound.
    """

    key: str
    content_type: str
    make: Callable[[bytes], bytes | None]
    max_px: int = MAX_PX
    max_variants: int | None = None
    counted_for: str = ""


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
        except AccessRefused:
            return False
        except (MattingError, ClientError, BotoCoreError, OSError):
            # The result itself is there to be used, so this is no fault of the call.
            self.logger.exception("a derived file could not be made")
            return False

    def demand(self, source: str, derivation: Derivation) -> None:
        """Find the derived file or make it, or wait for the call that makes it.

        Raises AccessRefused where the account has too many calls in flight, InputRefused as `make` does or for one
        variant too many, and ServiceFault.
        """
        for _ in range(_POLLS):
            if self.results.exists(derivation.key):
                return
            if self._take(derivation.key):
                if not self._make(source, derivation):
                    break
                return
            time.sleep(_POLL_S)
        raise ServiceFault(Reason.OVERLOADED, "a derived file is not there yet")

    def _make(self, source: str, derivation: Derivation) -> bool:
        width, height, _ = picture_header(self.results.head(source, HEADER_BYTES)[1])
        account = self.accounts.account(account_of(source))
        if account is None or not 0 < width * height <= derivation.max_px:
            self._give_up(derivation.key)
            return False
        try:
            with self._in_flight(account), deadline(TIME_LIMIT_MS):
                self._count(derivation.counted_for, derivation.max_variants)
                file = derivation.make(self.results.get(source))
                if file is not None:
                    self.results.put_at(derivation.key, file, derivation.content_type)
        except (AccessRefused, InputRefused):
            self._give_back(derivation.key)
            raise
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
            try:
                self.meter.end_wait(place)
            except (ClientError, BotoCoreError, MattingError):  # the file is made, and the place expires
                self.logger.exception("ending the place in flight failed")

    def _count(self, counted_for: str, limit: int | None) -> None:
        """Count one more variant of a result. Raises InputRefused if it has them all."""
        if limit is None:
            return
        values = {":one": 1, ":limit": limit, ":end": int(self.clock()) + _REMEMBERED_S}
        try:
            write_if(
                self.leases.update_item,
                "attribute_not_exists(made) OR made < :limit",
                Key={"pk": DERIVED + counted_for, "sk": "VARIANTS"},
                UpdateExpression="SET expires_at = :end ADD made :one",
                ExpressionAttributeValues=values,
            )
        except ConditionFailed as error:
            raise InputRefused(Reason.PARAMETER_INVALID, f"A result has at most {limit} variants") from error

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


def picture_header(header: bytes) -> tuple[int, int, int]:
    """Return width, height and colour type (PNG 11.2.2) of a PNG, or zeros of another file."""
    if len(header) < HEADER_BYTES or not header.startswith(_PNG):
        return 0, 0, 0
    width, height, _, colour_type = struct.unpack_from(">IIBB", header, _SIZE_AT)
    return int(width), int(height), int(colour_type)
