"""AWS's answers, for the commands on a deployment."""

from collections.abc import Iterator

import pytest

from tests.support.stubbed_aws import Aws


@pytest.fixture
def aws() -> Iterator[Aws]:
    made = Aws()
    yield made
    made.close()
