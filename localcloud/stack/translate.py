"""SAM's own translator, without a call to AWS."""

import logging
from typing import Any

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

# samtranslator warns about feature switches of AWS's own deployment service.
logging.getLogger("samtranslator").setLevel(logging.ERROR)


class _OfflinePolicies(ManagedPolicyLoader):  # type: ignore[misc]
    """No managed policies by name: they would need a call to IAM. aws/guard.py enforces the roles' inline policies."""

    def __init__(self) -> None:
        super().__init__(None)

    def load(self) -> dict[str, str]:
        return {}


def translate(source: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """A SAM template, which this may change, as plain CloudFormation."""
    plain: dict[str, Any] = transform(source, dict(parameters), _OfflinePolicies())
    return plain
