"""What is read before rate and quota can bound it costs little, however hostile it is."""

import pytest

from tools.trust.entrances import CPU_LIMIT_S, ENTRANCES, HEADER_BYTES, measured


@pytest.mark.slow
@pytest.mark.no_cover  # tracing doubles the time
def test_the_largest_input_of_every_kind_is_read_in_bounded_time() -> None:
    assert [(one.hostile, seconds) for one, seconds in measured() if seconds > CPU_LIMIT_S] == []


def test_inputs_are_as_large_as_the_gateway_lets_through() -> None:
    for one in ENTRANCES:
        assert sum(len(name) + len(value) for name, value in one.headers) <= HEADER_BYTES, one.hostile
