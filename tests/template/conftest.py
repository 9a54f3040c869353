"""The template after the SAM transform, as CloudFormation would see it."""

from typing import Any

import pytest

from localcloud.stack.template import LocalTemplate
from tests.support.template import whole_template


@pytest.fixture(scope="session")
def local() -> LocalTemplate:
    return whole_template()


@pytest.fixture
def resources(local: LocalTemplate) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = local.plain["Resources"]
    return found
