"""An account in memory, for all tests of this folder."""

from tests.support.bank import aws, bank

__all__ = ["aws", "bank"]
