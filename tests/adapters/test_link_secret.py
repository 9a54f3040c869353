"""The rotation of the links' key: sandboxes that have read the secret at any time accept each other's links."""

from dataclasses import dataclass
from typing import Any

import pytest

from cutline.adapters.link_secret import REREAD_S, CachedSecret, LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.errors import InputRefused

NOW = 1_700_000_000.0
DAY_S = 86400
KEY = "r/shop/1.png"


@dataclass
class Vault:
    """The stored secret, and the time."""

    text: str = "first"
    now: float = NOW

    def sandbox(self) -> ResultStore:
        cached = CachedSecret(lambda: self.text, lambda: self.now)
        return ResultStore(Presigner(), "out", cached, clock=lambda: self.now)

    def rotate(self, text: str) -> None:
        self.text = LinkSecret.parse(self.text).rotated(text, self.now).to_text()


class Presigner:
    def generate_presigned_url(self, operation: str, **call: Any) -> str:
        return "https://s3/"


def link(store: ResultStore, vault: Vault) -> str:
    return store.link("https://shop.example", KEY, int(vault.now) + DAY_S).rpartition("/")[2]


def opens(store: ResultStore, token: str, vault: Vault) -> bool:
    try:
        return bool(store.redirect(token, vault.now))
    except InputRefused:
        return False


@pytest.mark.parametrize("passed_s", [0, REREAD_S - 1, REREAD_S, REREAD_S + 301, 3 * REREAD_S, DAY_S - 60])
def test_sandboxes_of_before_and_after_accept_each_others_links(passed_s: int) -> None:
    """Whenever each read the secret: before the rotation, at it, or at the last moment that its copy allows."""
    vault = Vault()
    old = vault.sandbox()
    before = link(old, vault)
    vault.now += 10
    vault.rotate("second")
    for _ in range(passed_s // (REREAD_S // 2)):
        vault.now += REREAD_S // 2
        opens(old, before, vault)
    vault.now = NOW + 10 + passed_s
    new = vault.sandbox()
    links = [before, link(old, vault), link(new, vault)]
    assert [opens(store, token, vault) for store in (old, new) for token in links] == [True] * 6
    # After a quarter of an hour the new key signs.
    by_old_key = LinkSecret.parse(vault.text).signing(vault.now).text == "first"
    assert by_old_key is (passed_s < REREAD_S + 300)


def test_the_last_link_of_the_old_key_lives_its_day_and_a_forger_with_that_key_no_longer() -> None:
    vault = Vault()
    forger = ResultStore(Presigner(), "out", lambda: LinkSecret.parse("first"), clock=lambda: vault.now)
    vault.rotate("second")
    vault.now += REREAD_S + 299
    last = link(vault.sandbox(), vault)
    vault.now += DAY_S - 1
    assert opens(vault.sandbox(), last, vault)
    vault.now += 2
    assert not opens(vault.sandbox(), link(forger, vault), vault)


def test_several_rotations_in_a_day_end_no_link() -> None:
    vault, links = Vault(), []
    for text in ("second", "third", "fourth"):
        links.append(link(vault.sandbox(), vault))
        vault.rotate(text)
        vault.now += 2 * REREAD_S
    assert [opens(vault.sandbox(), token, vault) for token in links] == [True] * 3
    vault.now += 2 * DAY_S
    vault.rotate("fifth")
    assert [key.text for key in LinkSecret.parse(vault.text).keys] == ["fourth", "fifth"]


def test_a_rotation_leaves_the_callbacks_their_key() -> None:
    assert LinkSecret.parse("first").rotated("second", NOW).callbacks == "first"


def test_a_copy_that_cannot_be_renewed_fails_the_call() -> None:
    reads = iter(["first"])
    times = iter([NOW, NOW + REREAD_S - 1, NOW + REREAD_S])
    cached = CachedSecret(lambda: next(reads), lambda: next(times))
    assert (cached().callbacks, cached().callbacks) == ("first", "first")
    with pytest.raises(StopIteration):
        cached()
