"""Schemathesis, which shares no code with ours, reads the document from the service and tries to prove it wrong."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.running import RunningCloud

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)


@pytest.fixture(scope="module")
def schemathesis() -> str:
    """Its program as a line of Python; ALL_TESTS=required, as in CI, turns its absence into a failure."""
    if importlib.util.find_spec("schemathesis") is None:
        reason = "the document is not tried by schemathesis: run make, which installs it"
        if os.environ.get("ALL_TESTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return "from schemathesis.cli import schemathesis; schemathesis()"


def test_generated_calls_get_only_answers_that_the_document_describes(
    schemathesis: str, cloud: RunningCloud, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", schemathesis, "run", f"{cloud.url}/openapi.json", "--no-color"]
    command += ["--seed", "1", "--max-examples", "5"]
    command += ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--request-timeout", "60"]
    # JD's and Aidge's calls are signed over what they send: those are tried by test_described_service.
    command += ["--header", "X-API-KEY: demo-key", "--header", "ailabapi-api-key: demo-key"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=890)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
