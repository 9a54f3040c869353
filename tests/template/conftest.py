"""The template after the SAM transform, as CloudFormation would see it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.stack.template import LocalTemplate, load_template

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def local() -> Iterator[LocalTemplate]:
    """The transform asks for a region and for nothing else of AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield load_template(ROOT / "template.yaml", {})


@pytest.fixture
def resources(local: LocalTemplate) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = local.plain["Resources"]
    return found
