"""Networks that more than one module needs."""

from pathlib import Path

import pytest

from cutline.pipeline.inference.network import Network
from devkit.serving import MODELS
from tests.support.tiny_model import write_tiny_models


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`matte` takes batches, `isnet` does not; both are one convolution."""
    return write_tiny_models(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny(tiny_models: Path) -> Network:
    return Network.open(tiny_models, "matte", 1)


@pytest.fixture(scope="session")
def matte() -> Network:
    return Network.open(MODELS, "matte", 1)
