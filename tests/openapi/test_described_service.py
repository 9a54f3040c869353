"""The running service does what the OpenAPI document says: every example, every way in, and drawn variations."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutline.contracts.apis import APIS
from cutline.openapi import examples
from cutline.openapi.document import document
from devkit.patience import WAIT_S
from devkit.running import RunningCloud
from localcloud.welcome import curl_lines
from tests.support.described import DOCUMENT, Operation, all_operations, call, is_file, judge

ROOT = Path(__file__).parents[2]
OPERATIONS = list(all_operations())
FORMS = [one for one in OPERATIONS if one.kind and one.schema.get("type") == "object"]
# Addresses are never fetched here: the tests stay on this machine.
NOT_DRAWN = {"image_url", "imageUrl", "callback_url"}


def query_of(operation: Operation) -> dict[str, Any]:
    """What a GET of Aidge carries besides its signature, and what a call cannot be made without."""
    names = {parameter["name"] for parameter in operation.parameters if parameter["in"] == "query"}
    picture = {"imageBase64": examples.PICTURE} if "imageBase64" in names and operation.method == "get" else {}
    return {**picture, **operation.required_query}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_example_is_answered_as_described(cloud: RunningCloud, operation: Operation) -> None:
    fields = operation.example if operation.kind else None
    answer = call(cloud, operation, fields, query_of(operation))
    judge(operation, answer)
    # Ids that do not exist and fields left out; a square is no person and wears no garment.
    lost = {"getTask": 404, "followLink": 404, "lookBehindLink": 404, "mend": 404, "costume": 422, "cutOutPeople": 422}
    lost |= {"queryTask": 400, "improveRemoval": 400, "removeFromUrl": 422}
    assert answer.status == lost.get(operation.spec["operationId"], 200)


def test_the_curl_lines_of_the_terminal_work(cloud: RunningCloud, tmp_path: Path) -> None:
    lines = curl_lines(document(cloud.url), {path.rstrip("/") for path in DOCUMENT["paths"]})
    assert len(lines) == len(APIS)
    (tmp_path / "photo.jpg").write_bytes(examples.picture())
    for line in lines:
        here = f"PYTHONPATH={ROOT} {sys.executable} -m localcloud.sign"
        command = re.sub(r"[^\s(]+ -m localcloud\.sign", here, line)
        done = subprocess.run(["bash", "-euc", command], cwd=tmp_path, capture_output=True, check=False, timeout=WAIT_S)
        saved = tmp_path / line.rpartition(" -o ")[2]
        answer = "a file" if " -o " in line and saved.read_bytes().startswith(b"\x89PNG") else done.stdout.decode()
        # A square is no person and wears no garment.
        said = (
            '"Search succeeded"',
            '"state":1',
            '"resMessage":"success"',
            "NO_RECOGNITION_TARGET",
            '"status":1006',
            "a file",
            '"verdicts":[',
        )
        assert done.returncode == 0, (line, done.stderr)
        assert any(words in answer for words in said), (line, answer)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.spec["security"]], ids=str)
def test_a_call_without_credentials_is_refused_as_described(cloud: RunningCloud, operation: Operation) -> None:
    bare = Operation(operation.path, operation.method, operation.kind, {**operation.spec, "security": []})
    answer = call(cloud, bare, operation.example if operation.kind else None)
    judge(operation, answer)
    assert answer.status in (200, 401, 403)
    assert b'success":true' not in answer.body


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that the schema admits, and some that it does not."""
    good: st.SearchStrategy[Any] = st.text(max_size=12)
    if "enum" in schema:
        good = st.sampled_from(schema["enum"])
    elif schema.get("type") == "integer":
        good = st.integers(schema["minimum"], schema["maximum"])
    elif schema.get("contentEncoding") == "base64":
        good = st.sampled_from([examples.PICTURE, "", "%%%", examples.PICTURE[:80]])
    elif "pattern" in schema:
        good = st.from_regex(schema["pattern"], fullmatch=True)
    odd = st.one_of(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), st.integers(-5, 5000))
    return st.one_of(good, good, good, odd)


@pytest.mark.parametrize("operation", FORMS, ids=str)
def test_variations_of_a_body_are_answered_as_described(cloud: RunningCloud, operation: Operation) -> None:
    properties = {name: schema for name, schema in operation.schema["properties"].items() if name not in NOT_DRAWN}
    drawn = {
        name: st.just("photo.jpg") if is_file(schema) else values_of(schema) for name, schema in properties.items()
    }

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(st.fixed_dictionaries({}, optional=drawn))
    def check(fields: dict[str, Any]) -> None:
        answer = call(cloud, operation, fields)
        judge(operation, answer)
        assert answer.status < 500, answer.body

    check()


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.kind], ids=str)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00junk", b"[]"], ids=["empty", "brace", "bytes", "list"])
def test_a_body_that_is_none_is_refused_as_described(
    cloud: RunningCloud, operation: Operation, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.described.encode", lambda one, fields: (body, one.kind))
    answer = call(cloud, operation)
    judge(operation, answer)
    assert answer.status < 500
