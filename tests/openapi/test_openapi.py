"""The OpenAPI document by itself: valid, complete, and true to the contracts' code."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from cutline.contracts import aidge
from cutline.contracts.apis import APIS
from cutline.contracts.wire import Contract, Request
from cutline.errors import InputRefused, Reason
from cutline.openapi.reference_page import operations, reference, resolved
from localcloud.api.routes import RouteTable
from tests.support.described import DOCUMENT, Operation, all_operations, encode, faults, is_file
from tests.support.template import whole_template

ROOT = Path(__file__).parents[2]
CONTRACT_OF = {
    path: contract
    for path, item in DOCUMENT["paths"].items()
    for contract in APIS.values()
    # What refuses every picture takes none.
    if path.rstrip("/") in contract.ROUTES and "post" in item and path != "/v1.0/improve"
}
WITH_BODY = [operation for operation in all_operations() if operation.path in CONTRACT_OF and operation.kind]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_it_describes_the_routes_of_the_template_and_no_others() -> None:
    resources = whole_template().plain["Resources"]
    (swagger,) = (r["Properties"]["Body"] for r in resources.values() if r["Type"] == "AWS::ApiGateway::RestApi")
    routes = RouteTable(swagger)
    assert {path.rstrip("/") or "/" for path in DOCUMENT["paths"]} == routes.paths()
    for path, method, _ in operations(DOCUMENT):
        assert routes.find(method.upper(), path) is not None, (method, path)


@pytest.mark.parametrize(("path", "contract"), CONTRACT_OF.items())
def test_it_describes_the_methods_that_a_contract_takes(path: str, contract: Contract) -> None:
    assert {method.upper() for method in DOCUMENT["paths"][path]} == set(contract.METHODS)


@pytest.mark.parametrize("contract", APIS.values(), ids=lambda contract: contract.NAME)
def test_every_reason_that_a_contract_words_has_an_example(contract: Contract) -> None:
    (path, *_) = (path for path, module in CONTRACT_OF.items() if module is contract)
    responses = DOCUMENT["paths"][path]["post"]["responses"].values()
    media = [resolved(DOCUMENT, response)["content"].get("application/json", {}) for response in responses]
    shown = {name for one in media for name in one.get("examples", {})}
    assert {str(reason) for reason in contract.CODES} <= shown
    # The result itself is no example.
    assert "success" in shown or contract.NAME == "rem"


def answer_examples() -> list[tuple[str, dict[str, Any], Any]]:
    found = []
    for path, method, spec in operations(DOCUMENT):
        for status, given in spec["responses"].items():
            for media in resolved(DOCUMENT, given).get("content", {}).values():
                for name, example in media.get("examples", {}).items():
                    found.append((f"{method} {path} {status} {name}", media["schema"], example["value"]))
    return found


def test_every_example_of_an_answer_fits_its_schema() -> None:
    examples = answer_examples()
    assert len(examples) > 200
    assert {name: wrong for name, schema, value in examples if (wrong := faults(schema, value))} == {}


def request_of(operation: Operation, fields: Any) -> Request:
    body, kind = encode(operation, fields)
    query = tuple(operation.required_query.items())
    return Request(
        "POST", operation.path, operation.path, query, {"content-type": kind}, body, "id", 1.7e9, "https://x"
    )


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_every_example_of_a_body_is_a_call_that_its_contract_takes(operation: Operation) -> None:
    if isinstance(operation.example, dict):
        typed = {name: value for name, value in operation.example.items() if name != "file"}
        assert faults({**operation.schema, "required": []}, typed) == []
    job = CONTRACT_OF[operation.path].parse(request_of(operation, operation.example))
    assert (job.source.data or b"").startswith(b"\x89PNG")


def enumerated() -> list[Any]:
    found = []
    for operation in WITH_BODY:
        for name, schema in operation.schema.get("properties", {}).items():
            if "enum" in schema:
                found.append(pytest.param(operation, name, schema["enum"], id=f"{operation} {name}"))
    return found


# Fields of the example that cannot be combined with another field: a profile makes no mask.
INCOMPATIBLE = {"profile": ("output_type",)}


@pytest.mark.parametrize(("operation", "name", "values"), enumerated())
def test_a_contract_takes_every_listed_value_and_no_other(operation: Operation, name: str, values: list[Any]) -> None:
    contract = CONTRACT_OF[operation.path]
    others = {other: text for other, text in operation.example.items() if other not in INCOMPATIBLE.get(name, ())}
    for value in values:
        contract.parse(request_of(operation, {**others, "sync": "1", name: value}))
    with pytest.raises(InputRefused) as caught:
        contract.parse(request_of(operation, {**operation.example, name: "something else"}))
    assert caught.value.reason is Reason.PARAMETER_INVALID


@pytest.mark.parametrize("name", ["targetWidth", "targetHeight"])
def test_the_bounds_of_numbers_are_the_contracts_own(name: str) -> None:
    (operation, *_) = (one for one in WITH_BODY if one.path == "/ai/image/cut/out")
    schema = operation.schema["properties"][name]
    for value in (schema["minimum"], schema["maximum"]):
        aidge.parse(request_of(operation, {**operation.example, name: value}))
    for value in (schema["minimum"] - 1, schema["maximum"] + 1):
        with pytest.raises(InputRefused):
            aidge.parse(request_of(operation, {**operation.example, name: value}))


def test_the_limits_of_pictures_are_described() -> None:
    for path, contract in CONTRACT_OF.items():
        words = DOCUMENT["paths"][path]["post"]["description"]
        assert f"{contract.LIMITS.min_side_px} to {contract.LIMITS.max_side_px} pixels" in words
        assert all(name in words for name in contract.LIMITS.formats)


def test_files_are_the_only_fields_that_are_no_text_or_number() -> None:
    for operation in WITH_BODY:
        for name, schema in operation.schema.get("properties", {}).items():
            assert is_file(schema) == (
                name in ("image_file", "bg_image_file", "background_file", "file")
                or (name == "image" and operation.kind.startswith("multi"))
            )


class Outline(HTMLParser):
    """Anchors and links of a page; an element that is closed in the wrong order is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {str(values["id"])} if "id" in values else set()
        self.links |= {str(values["href"])} if tag == "a" else set()
        if tag not in ("meta", "base", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_reference_page_shows_every_operation_and_its_links_lead_somewhere() -> None:
    page = reference(DOCUMENT, "/v1/")
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    wanted = {spec["operationId"] for _, _, spec in operations(DOCUMENT)}
    assert wanted <= outline.anchors
    assert {f"reference#{name}" for name in wanted} <= outline.links
    assert {link for link in outline.links if "#" not in link} == {"./", "openapi.json"}
    for field in ("image_file", "cloth_class", "targetWidth", "bg_color", "cutout_image_url"):
        assert f"<code>{field}" in page or f".{field}</code>" in page
