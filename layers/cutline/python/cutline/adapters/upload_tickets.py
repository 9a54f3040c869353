"""Tickets for uploads: S3's presigned POST, which bounds size, type, key and time."""

import uuid
from typing import Any

from cutline.contracts.uploads import Ticket, TicketRequest, folder_of


class UploadTickets:
    """Issues tickets into `u/<account>/`. Nothing is written, and no call to S3 is made.

    A ticket dies with the credentials that signed it, so one may end before its `lifetime_s`.
    """

    def __init__(self, s3: Any, bucket: str, lifetime_s: int) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._lifetime_s = lifetime_s

    def issue(self, account_id: str, wanted: TicketRequest, now: float) -> Ticket:
        """Return a ticket with a random key of 128 bits."""
        key = folder_of(account_id) + uuid.uuid4().hex
        wanted_type = {"Content-Type": wanted.content_type}
        post = self._s3.generate_presigned_post(
            self._bucket,
            key,
            Fields=wanted_type,
            Conditions=[wanted_type, ["content-length-range", 1, wanted.max_bytes]],
            ExpiresIn=self._lifetime_s,
        )
        return Ticket(post["url"], post["fields"], key, int(now) + self._lifetime_s)
