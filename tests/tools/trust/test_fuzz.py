"""Every way in takes a few hundred hostile examples, the same ones each time; `make fuzz` goes on with others."""

import pytest

from tools.trust.fuzz import run
from tools.trust.target import Target
from tools.trust.targets import TARGETS


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_only_refusals_come_out(target: Target) -> None:
    run(target, target.examples)
