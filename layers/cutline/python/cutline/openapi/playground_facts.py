"""The facts that the playground works with: limits, names, and what each API's codes mean."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from cutline.accounts.demo import DEMO_CREDENTIALS
from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picwish
from cutline.contracts.jd_gateway import SYSTEM_ERRORS
from cutline.errors import Reason
from cutline.pipeline.options import GARMENTS

CONTRACTS: tuple[ModuleType, ...] = (picwish, jd_matting, jd_selfie, aidge, ailabtools)


def playground_facts(*, demo: bool) -> dict[str, Any]:
    """One object for the page; the demo account's credentials are in it only where that account exists."""
    return {
        "apis": {contract.NAME: _api(contract) for contract in CONTRACTS},
        "garments": list(GARMENTS),
        "target_px": [aidge.TARGET_MIN_PX, aidge.TARGET_MAX_PX],
        "demo": {scheme.value: {"key": key, "secret": secret} for scheme, key, secret in DEMO_CREDENTIALS}
        if demo
        else None,
    }


def _api(contract: ModuleType) -> dict[str, Any]:
    limits = contract.LIMITS
    return {
        "scheme": contract.SCHEME.value,
        "formats": sorted(limits.formats),
        "max_bytes": limits.max_bytes,
        "min_side_px": limits.min_side_px,
        "max_side_px": limits.max_side_px,
        "codes": _reasons_by_code(codes_of(contract)),
    }


def codes_of(contract: ModuleType) -> dict[Reason, str]:
    """The code that the API answers for each reason, as text."""
    if contract is picwish:
        return {reason: str(row[0]) for reason, row in picwish.ERRORS.items()} | {
            reason: str(state) for reason, state in picwish.STATES.items()
        }
    if contract is aidge:
        return {reason: str(row[0]) for reason, row in (*aidge.ERRORS.items(), *aidge.GATEWAY_ERRORS.items())}
    if contract is ailabtools:
        return {reason: row.code for reason, row in ailabtools.ERRORS.items()}
    system = {reason: str(row.code) for reason, row in SYSTEM_ERRORS.items()}
    return system | {reason: str(row[0]) for reason, row in contract.ERRORS.items()}


def _reasons_by_code(codes: Mapping[Reason, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason, code in codes.items():
        found.setdefault(code, []).append(str(reason))
    return found
