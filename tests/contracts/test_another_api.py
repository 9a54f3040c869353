"""Another API is one contract module, one openapi module, one row of the playground's data and its route."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cutline.accounts.account import Account
from cutline.commands.account_options import add_account_options, with_options
from cutline.contracts import jd_matting, picwish, task_record, wire
from cutline.contracts.apis import APIS, CALLS, TASK_APIS
from cutline.contracts.usage import UsageRow
from cutline.contracts.wire import Contract, Progress, Quota
from cutline.errors import MattingError
from cutline.openapi import document, examples
from cutline.openapi.document import part_of
from cutline.openapi.operation import Api, body, operation
from cutline.openapi.playground_facts import playground_facts
from cutline.openapi.schema import file
from localcloud.welcome import curl_lines

ROOT = Path(__file__).parents[2]
PACKAGE = "layers/cutline/python/cutline"
MODULES = {contract.__name__.rpartition(".")[2]: name for name, contract in APIS.items()}
FOLDERS = ("contracts", "openapi")
# Where an API may be named besides its own two modules, and why.
ROWS = {
    f"{PACKAGE}/contracts/apis.py": "the one list",
    "functions/site/static/apis.js": "its row of the playground's data",
    "template.yaml": "its route, its function, its line of the dashboard",
}
HANDLERS = {
    "functions/cutout/app.py": {"jdc", "aid", "rbg", "rem", "ail", "chk"},
    "functions/selfie/app.py": {"jds"},
    "functions/costume/app.py": {"ail"},
}
_KINDS = "a kind of credential, which has its vendor's name and which several APIs can share"
_SIGNED = "Aidge's signature is a kind of credential"
_STATES = "background tasks have PicWish's states, and PicWish's module shows them"
_BATCH = "cutline batch is a client of PicWish's tasks"
_SMOKE = "the scheduled smoke calls one synchronous API and one with tasks, and says which it leaves to make smoke"
_DROPS = "a drop is worked and charged as a task of PicWish's"
REASONS: dict[str, tuple[set[str], str]] = {
    f"{PACKAGE}/contracts/__init__.py": (set(MODULES.values()), "the map, and the guide, which has an example"),
    f"{PACKAGE}/contracts/wire.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/contracts/native.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/contracts/removebg_fields.py": ({"rbg"}, "its parameters"),
    f"{PACKAGE}/contracts/drops.py": ({"pw"}, _DROPS),
    f"{PACKAGE}/accounts/account.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/accounts/aidge_signature.py": ({"aid"}, _SIGNED),
    f"{PACKAGE}/accounts/demo.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/accounts/identity.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/accounts/registry.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/commands/find_usage.py": (
        {"jdc", "jds", "pw", "aid", "ail", "rbg", "rem"},
        "by what the APIs are known in other people's code",
    ),
    f"{PACKAGE}/commands/account.py": ({"aid"}, _KINDS),
    f"{PACKAGE}/commands/batch.py": ({"pw"}, _BATCH),
    f"{PACKAGE}/batch/client.py": ({"pw"}, _BATCH),
    f"{PACKAGE}/batch/run.py": ({"pw"}, _BATCH),
    f"{PACKAGE}/commands/smoke_key.py": ({"pw", "ail"}, _SMOKE),
    f"{PACKAGE}/watch": ({"pw", "ail", "aid", "jds"}, _SMOKE),
    f"{PACKAGE}/tasks": ({"pw"}, _STATES),
    f"{PACKAGE}/contracts/task_record.py": ({"pw"}, _STATES),
    "functions/site/static/call.js": ({"aid"}, _SIGNED),
    "functions/site/static/sign.js": ({"aid"}, _SIGNED),
    "functions/site/static/words.js": ({"aid"}, _SIGNED),
    "functions/site/static/curl.js": ({"aid"}, _SIGNED),
    "functions/site/static/python.js": ({"aid"}, _SIGNED),
    "functions/site/static/javascript.js": ({"aid"}, _SIGNED),
    "localcloud/sign.py": ({"aid"}, _SIGNED),
    "localcloud/welcome.py": ({"aid"}, _SIGNED),
}


def product_files() -> Iterator[Path]:
    for folder in (PACKAGE, "functions", "localcloud"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".js", ".html", ".json"):
                yield path
    yield ROOT / "template.yaml"


def naming(module: str, contract: Contract) -> re.Pattern[str]:
    """What names an API: its module, its id in quotes, its title, its routes."""
    # A route of one word is a word of the language without its slash.
    bare = [route.strip("/") if "/" in route.strip("/") else route for route in contract.ROUTES]
    routes = [rf"(?<![\w.-]){re.escape(route)}(?!/?\w)" for route in bare]
    return re.compile(
        "|".join([rf"\b{module}\b", rf"""["'`]{contract.NAME}["'`]""", re.escape(contract.TITLE), *routes]), re.I
    )


@cache
def named() -> dict[str, set[str]]:
    """The APIs that each file names."""
    patterns = {name: naming(module, APIS[name]) for module, name in MODULES.items()}
    found = {}
    for path in product_files():
        text = path.read_text("utf-8")
        if names := {name for name, pattern in patterns.items() if pattern.search(text)}:
            found[path.relative_to(ROOT).as_posix()] = names
    return found


def allowed(path: str) -> set[str]:
    """The APIs that a file may name."""
    if path in ROWS:
        return set(APIS)
    own = {f"{PACKAGE}/{folder}/{module}.py": {name} for module, name in MODULES.items() for folder in FOLDERS}
    reasons = {place: names for place, (names, _) in REASONS.items()}
    places = {**own, **HANDLERS, **reasons}
    return set().union(*(names for place, names in places.items() if path == place or path.startswith(f"{place}/")))


def test_nothing_else_names_an_api() -> None:
    assert {path: more for path, names in named().items() if (more := names - allowed(path))} == {}


def test_an_exception_that_is_no_longer_needed_is_removed() -> None:
    found = named()
    for place, (names, why) in REASONS.items():
        there = [value for path, value in found.items() if path == place or path.startswith(f"{place}/")]
        assert set().union(*there) >= names, (place, why)


def test_every_contract_is_in_the_list_and_has_its_place_everywhere() -> None:
    modules = {path.stem for path in (ROOT / PACKAGE / "contracts").glob("*.py") if "\nNAME = " in path.read_text()}
    # A mend works on a result, for the holder of its link: it is no API that a key calls.
    assert modules == {*MODULES, "mend"}
    found = named()
    for module, name in MODULES.items():
        assert part_of(APIS[name]).paths()
        places = [*ROWS, f"{PACKAGE}/contracts/{module}.py", f"{PACKAGE}/openapi/{module}.py"]
        assert [place for place in places if name not in found.get(place, ())] == []
        assert name in TASK_APIS or [place for place, names in HANDLERS.items() if name in names] != []


@pytest.mark.parametrize("name", APIS)
def test_codes_are_what_a_refusal_says(name: str) -> None:
    contract = APIS[name]
    # A task has failed only once there is one.
    options = task_record.TaskOptions("task") if contract is picwish else None
    progress = Progress(examples.job(contract, options), Quota(1))
    assert contract.CODES
    for reason, code in contract.CODES.items():
        answer = contract.refuse(examples.REQUEST, MattingError(reason), progress)
        assert code in re.findall(r"[-\w]+", answer.body.decode()), reason


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Another API: one contract module, one openapi module, one line in the list."""
    contract: Any = ModuleType("cutline.contracts.toy")
    vars(contract).update({name: value for name, value in vars(jd_matting).items() if not name.startswith("__")})
    contract.NAME, contract.TITLE, contract.ROUTES = "toy", "Toy", ("/toy", "/toy/again")
    contract.SCHEME = wire.Scheme.API_KEY
    part: Any = ModuleType("cutline.openapi.toy")
    part.FACTS = {"toys": ["bear"]}
    part.components = dict
    part.paths = lambda: {"/toy": {"post": _described(contract)}}
    monkeypatch.setitem(sys.modules, "cutline.openapi.toy", part)
    monkeypatch.setitem(APIS, "toy", contract)
    monkeypatch.setitem(CALLS, "toy", contract.ROUTES[0])
    document._document.cache_clear()
    yield contract
    document._document.cache_clear()


def _described(contract: Contract) -> dict[str, Any]:
    api = Api(contract, examples.job(contract), examples.outcome("image"), ("JdcSuccess", "JdcFailure"), "PwError")
    content = {"application/octet-stream": (file("A picture."), "photo.jpg")}
    return operation(api, "playWithToy", "Cut out toys", "Toys.", requestBody=body(content))


def test_a_sixth_api_is_everywhere_at_once(toy: Contract) -> None:
    openapi = document.document("https://cutout.example.com")
    assert {"name": "Toy"} in openapi["tags"]
    assert "success" in openapi["paths"]["/toy"]["post"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert openapi["paths"]["/toy"]["post"]["security"] == [{"api_key": []}]
    assert "toy" in json.dumps(openapi["components"]["schemas"]["UsageReport"])
    facts = playground_facts(demo=False)
    assert facts["apis"]["toy"]["max_bytes"] == toy.LIMITS.max_bytes
    assert facts["toys"] == ["bear"]
    assert UsageRow("2026-01-31", "toy").cells()["route"] == "/toy"
    (line,) = curl_lines(openapi, {"/toy"})
    assert line.startswith("curl -s https://cutout.example.com/toy -H 'X-API-KEY: demo-key'")
    parser = argparse.ArgumentParser()
    add_account_options(parser)
    account = with_options(Account("shop"), parser.parse_args(["--api", "toy", "--price", "toy=0.002"]))
    assert (account.apis, account.price_of("toy")) == (frozenset({"toy"}), 2000)
