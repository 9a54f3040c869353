"""What the site function answers: pages, their headers, and nothing of the demo account outside the local cloud."""

import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from cutline.contracts.apis import APIS
from cutline.contracts.wire import Request
from cutline.openapi.playground_facts import playground_facts
from devkit.running import RunningCloud

SITE = Path(__file__).parents[2] / "functions" / "site"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_pages", SITE / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["site_pages"] = module
    spec.loader.exec_module(module)
    return module


def root_request(stage: str) -> Request:
    return Request("GET", "/", f"{stage}/", (), {}, b"", "id", 0.0, "https://example.com")


def policy_of(headers: Mapping[str, str]) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in headers["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_a_path_is_written_into_the_page_as_text(pages: ModuleType) -> None:
    answer = pages.Site.from_environment({}).playground(root_request('/"><script>'))
    assert b'<base href="/&quot;&gt;&lt;script&gt;/">' in answer.body


@pytest.mark.parametrize("path", ["/", "/reference", "/reference/"])
@pytest.mark.parametrize(("stage", "base"), [("", "/"), ("/v1", "/v1/")])
def test_the_pages_base_is_the_stage(pages: ModuleType, stage: str, base: str, path: str) -> None:
    site = pages.Site.from_environment({})
    request = replace(root_request(stage), path=path, raw_path=stage + path)
    page = site.playground(request) if path == "/" else site.reference(request)
    assert f'<base href="{base}">' in page.body.decode()


def test_the_page_loads_from_itself_and_from_where_results_are(pages: ModuleType) -> None:
    site = pages.Site.from_environment({"BUCKET_ORIGINS": "https://b.s3.amazonaws.com https://b.s3.eu.amazonaws.com"})
    policy = policy_of(site.playground(root_request("/v1")).headers)
    assert policy["connect-src"] == "'self' data: https://b.s3.amazonaws.com https://b.s3.eu.amazonaws.com"
    by_proxy = pages.Site.from_environment({"RESULTS_CDN": "https://d1.cloudfront.net arn:secret K1=key"})
    assert "https://d1.cloudfront.net" in policy_of(by_proxy.playground(root_request("/v1")).headers)["connect-src"]
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"


def test_a_deployed_page_knows_no_demo_account(pages: ModuleType) -> None:
    facts = json.loads(pages.Site.from_environment({}).file("facts.json").body)
    assert facts["demo"] is None
    assert "demo-key" not in json.dumps(facts)
    assert all(b"demo-key" not in path.read_bytes() for path in (SITE / "static").iterdir())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/site/playground.js", "text/javascript; charset=utf-8"),
        ("/site/playground.css", "text/css; charset=utf-8"),
        ("/site/mug.jpg", "image/jpeg"),
        ("/site/icon.svg", "image/svg+xml"),
    ],
)
def test_files_come_with_their_type_and_are_not_guessed_at(cloud: RunningCloud, path: str, kind: str) -> None:
    answer = cloud.call("GET", path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["nothing.js", "index.html", "..%2Fapp.py", "app.py"])
def test_other_names_are_not_found(cloud: RunningCloud, name: str) -> None:
    assert cloud.call("GET", f"/site/{name}").status == 404


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    for path in (SITE / "static").glob("*.*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "http://" not in text, path
            assert "https://" not in text, path
            assert "//cdn" not in text, path


def test_the_functions_folder_stays_small() -> None:
    total = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert total < 300 * 1024


def test_the_facts_are_the_contracts_own() -> None:
    facts = playground_facts(demo=True)
    assert set(facts["apis"]) == set(APIS)
    assert facts["demo"]["jd"]["key"] == "DEMOAK"
    for name, contract in APIS.items():
        reported = facts["apis"][name]
        assert reported["max_side_px"] == contract.LIMITS.max_side_px
        assert sum(len(reasons) for reasons in reported["codes"].values()) == len(contract.CODES)
