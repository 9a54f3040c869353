"""Judged last, and only where all tests of this folder ran: every row of the contracts was reached over HTTP."""

from tests.support.ledger import Ledger


def test_every_row_of_the_contracts_was_reached(ledger: Ledger) -> None:
    assert not ledger.missing, "\n".join(f"{row.api} {row.table}: {row.name}" for row in ledger.missing)


def test_every_answer_is_one_that_the_contracts_document(ledger: Ledger) -> None:
    assert not ledger.unexplained, "\n".join(ledger.unexplained)
