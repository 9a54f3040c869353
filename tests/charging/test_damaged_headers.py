"""Damaged headers through a whole call: an answer of the API's own, and charged is what was served."""

import pytest

from tests.support.charging_world import World, was_served
from tests.support.damaged import TEXTS


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("name", ["idempotency-key", "accept", "content-type", "content-length", "origin", "x-api-key"])
def test_a_damaged_header_is_refused_or_passed_over(monkeypatch: pytest.MonkeyPatch, name: str, later: bool) -> None:
    for text in TEXTS:
        world = World(monkeypatch)
        answer = world.post(later=later, headers={name: text})
        world.flow()
        assert answer is not None and answer.status < 500, text[:20]
        assert world.charged() == was_served(answer), text[:20]
        assert world.held() == [], text[:20]
