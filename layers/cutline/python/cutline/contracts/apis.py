"""The lists of the APIs: all of them, those with background tasks, those that answer what is left of the day.

CALLS is by name the route of everything that is counted and has a price: the APIs, and the mend of their results.
"""

from collections.abc import Mapping

from cutline.contracts import (
    aidge,
    ailabtools,
    jd_matting,
    jd_selfie,
    mend,
    picture_check,
    picwish,
    rembg,
    removebg,
)
from cutline.contracts.task_record import TaskContract
from cutline.contracts.wire import Contract, CreditContract

_CONTRACTS: tuple[Contract, ...] = (
    jd_matting,
    jd_selfie,
    picwish,
    aidge,
    ailabtools,
    removebg,
    rembg,
    picture_check,
)
APIS: Mapping[str, Contract] = {contract.NAME: contract for contract in _CONTRACTS}
TASK_APIS: Mapping[str, TaskContract] = {contract.NAME: contract for contract in (picwish, ailabtools)}
CREDITS: Mapping[str, CreditContract] = {contract.CREDITS_ROUTE: contract for contract in (removebg, ailabtools)}
CALLS: Mapping[str, str] = {contract.NAME: contract.ROUTES[0] for contract in (*_CONTRACTS, mend)}
