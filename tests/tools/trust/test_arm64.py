"""The functions start under Lambda's other processor; runs only where `python -m tools.trust.arm64` has run once."""

from pathlib import Path

import pytest

from tools.trust.arm64 import functions, inference, init, is_ready

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not is_ready(), reason="needs qemu-user-static, and python -m tools.trust.arm64 once"),
]


@pytest.mark.parametrize("folder", functions(), ids=lambda folder: folder.name)
def test_a_function_starts_on_arm64(folder: Path) -> None:
    assert init(folder) == ""


def test_its_maps_are_those_of_the_other_processor() -> None:
    assert inference() <= 2 / 255
