"""The sample events under events/ are valid calls, and every function of the template has one."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from cutline.accounts import aidge_signature, jd_signature
from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picture_check, picwish, rembg, removebg
from cutline.contracts.wire import Request, Scheme
from cutline.serving.proxy_event import to_request

EVENTS = Path(__file__).parents[2] / "events"
CALLS = {
    "cutout-jd": jd_matting,
    "cutout-aidge": aidge,
    "selfie": jd_selfie,
    "tasks-create": picwish,
    "costume": ailabtools,
    "cutout-removebg": removebg,
    "cutout-rembg": rembg,
    "cutout-check": picture_check,
}


def request_of(name: str) -> Request:
    return to_request(json.loads((EVENTS / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize(("name", "contract"), CALLS.items())
def test_a_sample_event_is_a_valid_call_of_its_contract(name: str, contract: ModuleType) -> None:
    request = request_of(name)
    assert request.method in contract.METHODS
    assert contract.parse(request).source.data.startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "contract"), CALLS.items())
def test_a_sample_event_carries_the_demo_credentials(name: str, contract: ModuleType) -> None:
    request = request_of(name)
    if contract.SCHEME is Scheme.JD:
        assert jd_signature.is_signed_by(request, jd_signature.parse_authorization(request), "DEMOSK")
    elif contract.SCHEME is Scheme.AIDGE:
        assert aidge_signature.is_signed_by(request, aidge_signature.parse_signature(request), "demo-secret")
    else:
        assert request.headers[contract.SCHEME.value] == "demo-key"


def test_every_function_has_a_sample_event() -> None:
    functions = {path.parent.name for path in (EVENTS.parent / "functions").glob("*/app.py")}
    assert functions <= {path.stem.partition("-")[0] for path in EVENTS.glob("*.json")}
