"""Whether a callback is Cutline's: X-Cutline-Signature is `t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>">`.

The key is the account's, printed by `cutline account callback-key NAME`. Check before anything else is done with the
body, over its bytes as they came, and answer 2xx; whatever else is answered is tried again, three times in all.
"""

import hashlib
import hmac
import time

TOLERANCE_S = 300


def is_genuine(key: str, header: str, body: bytes, now: float | None = None) -> bool:
    """False too for a signature that is older than five minutes: somebody may have recorded it."""
    fields = dict(field.partition("=")[::2] for field in header.split(","))
    sent_at, signature = fields.get("t", ""), fields.get("v1", "")
    if not (sent_at.isascii() and sent_at.isdigit()):
        return False
    expected = hmac.new(key.encode(), f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    fresh = abs((time.time() if now is None else now) - int(sent_at)) <= TOLERANCE_S
    return hmac.compare_digest(expected.encode(), signature.encode()) and fresh
