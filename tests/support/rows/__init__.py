"""Every row of contracts.md, sections 1 to 6; codes and texts come from the tables of the contract modules."""

from tests.support.ledger import Ledger
from tests.support.rows import aidge, ailab, jd, picwish, rembg, removebg
from tests.support.rows.common import gateway_rows

# The API behind a path; what matches none of them is not the contracts' business.
PATHS = {**jd.PATHS, **picwish.PATHS, **aidge.PATHS, **ailab.PATHS, **removebg.PATHS, **rembg.PATHS}


def new_ledger() -> Ledger:
    """All rows, none of them reached."""
    return Ledger(
        [*jd.rows(), *picwish.rows(), *aidge.rows(), *ailab.rows(), *removebg.rows(), *rembg.rows(), *gateway_rows()],
        PATHS,
    )
