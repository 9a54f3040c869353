"""The list of the APIs. What goes through all of them goes through this; nothing else names them all."""

from collections.abc import Mapping

from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picwish, rembg, removebg
from cutline.contracts.wire import Contract

_CONTRACTS: tuple[Contract, ...] = (jd_matting, jd_selfie, picwish, aidge, ailabtools, removebg, rembg)
APIS: Mapping[str, Contract] = {contract.NAME: contract for contract in _CONTRACTS}
