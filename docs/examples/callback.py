"""Checks that a callback is Cutline's: X-Cutline-Signature is `t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>">`.

`cutline account callback-key NAME` prints the account's key. Check the signature before you use the body, over the
bytes as received. Answer 2xx; after any other answer Cutline tries again, ten times in all.
"""

import hashlib
import hmac
import time

TOLERANCE_S = 300


def is_genuine(key: str, header: str, body: bytes, now: float | None = None) -> bool:
    """Checks that the signature is right and at most five minutes old; an older one could be a replay."""
    fields = dict(field.partition("=")[::2] for field in header.split(","))
    sent_at, signature = fields.get("t", ""), fields.get("v1", "")
    if not (sent_at.isascii() and sent_at.isdigit()):
        return False
    expected = hmac.new(key.encode(), f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    fresh = abs((time.time() if now is None else now) - int(sent_at)) <= TOLERANCE_S
    return hmac.compare_digest(expected.encode(), signature.encode()) and fresh
