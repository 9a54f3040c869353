"""Judged last, and only where all tests of this folder ran: every row of the contracts was reached over HTTP."""

import pytest

from tests.support.judged import Judge

# In a run with workers the first of these waits for the last of the others.
pytestmark = pytest.mark.timeout(1000)


def test_every_row_of_the_contracts_was_reached(judge: Judge) -> None:
    ledger = judge.seen()
    assert not ledger.missing, "\n".join(f"{row.api} {row.table}: {row.name}" for row in ledger.missing)


def test_every_answer_is_one_that_the_contracts_document(judge: Judge) -> None:
    ledger = judge.seen()
    assert not ledger.unexplained, "\n".join(ledger.unexplained)
