"""Accounts and results in memory, for all tests of this folder."""

from tests.support.bank import aws, bank
from tests.support.links import links

__all__ = ["aws", "bank", "links"]
