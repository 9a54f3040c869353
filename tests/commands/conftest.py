"""A photograph, and AWS's answers for the commands on a deployment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.running import ROOT
from tests.support.stubbed_aws import Aws


@pytest.fixture
def aws() -> Iterator[Aws]:
    made = Aws()
    yield made
    made.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "mug.jpg"
    path.write_bytes((ROOT / "functions" / "site" / "static" / "mug.jpg").read_bytes())
    return path
