"""The template grants and expires what the code stores, by the same names."""

from pathlib import Path

import pytest

from cutline import storage_keys

TEMPLATE = (Path(__file__).parents[1] / "template.yaml").read_text("utf-8")


@pytest.mark.parametrize("prefix", ["DROPS", "UPLOADS", "TASKS", "RESULTS", "ANSWERS", "ENDPOINT_INPUTS"])
def test_a_role_may_use_each_prefix(prefix: str) -> None:
    assert f"Bucket.Arn}}/{getattr(storage_keys, prefix)}*" in TEMPLATE


@pytest.mark.parametrize("prefix", ["UPLOADS", "TASKS", "RESULTS", "ANSWERS"])
def test_what_is_stored_under_each_prefix_expires(prefix: str) -> None:
    assert f"Prefix: {getattr(storage_keys, prefix)}" in TEMPLATE


@pytest.mark.parametrize("key", ["ACCOUNT", "NONCE", "IDEMPOTENT", "DERIVED"])
def test_a_role_is_bound_to_each_key(key: str) -> None:
    assert f'["{getattr(storage_keys, key)}*"]' in TEMPLATE
