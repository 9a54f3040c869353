"""The secret of result links and callbacks, and its rotation.

A stack begins with a random text, which is the key of both. A rotation makes of it a document that holds the links'
keys with the times between which each signs and is accepted, so that no deployment is needed and no sandbox refuses
another's links: a new key signs only when every sandbox has read it, and the old one is accepted until its last link
has ended.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

# How old a sandbox's copy may get.
REREAD_S = 600
# After the last sandbox has read it anew.
_AHEAD_S = REREAD_S + 300
# The longest life of a link.
_LINK_LIFE_S = 24 * 3600


@dataclass(frozen=True)
class LinkKey:
    """A key of links. It signs from `since` on, and is accepted until `until`; both in unix seconds."""

    text: str
    since: float = 0.0
    until: float = float("inf")


@dataclass(frozen=True)
class LinkSecret:
    """The callbacks' key, and the links' keys by `since`, of which one at least signs already."""

    callbacks: str
    keys: tuple[LinkKey, ...]

    @classmethod
    def parse(cls, text: str) -> "LinkSecret":
        """Read a stored secret: a document of `to_text`, or the text that a stack begins with."""
        if not text.startswith("{"):
            return cls(text, (LinkKey(text),))
        document = json.loads(text)
        return cls(document["callbacks"], tuple(LinkKey(**key) for key in document["keys"]))

    def to_text(self) -> str:
        """Return the text to store."""
        keys = [{"text": key.text, "since": key.since, "until": key.until} for key in self.keys]
        return json.dumps({"callbacks": self.callbacks, "keys": keys})

    def rotated(self, text: str, now: float) -> "LinkSecret":
        """Return the secret with a new key of links. The callbacks' key stays."""
        since = now + _AHEAD_S
        kept = (LinkKey(key.text, key.since, min(key.until, since + _LINK_LIFE_S)) for key in self.accepted(now))
        return LinkSecret(self.callbacks, (*kept, LinkKey(text, since)))

    def accepted(self, now: float) -> tuple[LinkKey, ...]:
        """Return the keys whose links may still live, also one that does not sign yet: clocks differ."""
        return tuple(key for key in self.keys if now < key.until)

    def signing(self, now: float) -> LinkKey:
        """Return the key of links made now."""
        return [key for key in self.keys if key.since <= now][-1]


class CachedSecret:
    """A function that returns the secret, for each sandbox: reads it again once the copy is REREAD_S old."""

    def __init__(self, read: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._read = read
        self._clock = clock
        self._read_at = float("-inf")
        self._secret: LinkSecret | None = None

    def __call__(self) -> LinkSecret:
        """Return the secret. Raises what `read` raises."""
        now = self._clock()
        if self._secret is None or now - self._read_at >= REREAD_S:
            self._secret, self._read_at = LinkSecret.parse(self._read()), now
        return self._secret
