"""The data behind the playground: limits, names, and the meaning of each API's codes."""

from typing import Any

from cutline.accounts.demo import DEMO_CREDENTIALS
from cutline.contracts.apis import APIS
from cutline.contracts.wire import Contract
from cutline.openapi.document import part_of


def playground_facts(*, demo: bool) -> dict[str, Any]:
    """Return the page's data; `demo` adds the credentials of the demo account, where that exists."""
    own = {name: fact for contract in APIS.values() for name, fact in part_of(contract).FACTS.items()}
    return {
        "apis": {name: _api(contract) for name, contract in APIS.items()},
        **own,
        "demo": {scheme.value: {"key": key, "secret": secret} for scheme, key, secret in DEMO_CREDENTIALS}
        if demo
        else None,
    }


def _api(contract: Contract) -> dict[str, Any]:
    limits = contract.LIMITS
    return {
        "scheme": contract.SCHEME.value,
        "formats": sorted(limits.formats),
        "max_bytes": limits.max_bytes,
        "min_side_px": limits.min_side_px,
        "max_side_px": limits.max_side_px,
        "codes": _reasons_by_code(contract),
    }


def _reasons_by_code(contract: Contract) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason, code in contract.CODES.items():
        found.setdefault(code, []).append(str(reason))
    return found
