"""YAML with CloudFormation's short forms."""

from typing import Any

import yaml  # type: ignore[import-untyped]
from samtranslator.yaml_helper import intrinsics_multi_constructor  # type: ignore[import-untyped]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """In C where there is that, which is ten times as fast."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def parse_yaml(text: str) -> Any:
    """The document with its short forms written out: {"Ref": "Name"} for !Ref Name."""
    return yaml.load(text, _Loader)
