"""What ships is locked by hash, licensed as NOTICE says, and listed in the SBOM."""

import re
from importlib.metadata import metadata

import pytest

from devkit.running import ROOT
from tools.trust.shipped import LOCKS, licences, locked, sbom

# The same licences as older packages word them.
_ALIASES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil
    "MIT License": "MIT",
    "3-Clause BSD License": "BSD-3-Clause",
}
# It says MIT in one field and MIT No Attribution, which its licence file holds, in another.
_EXCEPTIONS = {"aws-lambda-powertools": "MIT"}
RUNTIME = [package.name for package in locked(LOCKS["runtime layer"])]


def test_notice_lists_the_packages_of_the_runtime_layer_and_no_other() -> None:
    assert licences().keys() == set(RUNTIME)


@pytest.mark.parametrize("name", RUNTIME)
def test_notice_names_the_licence_that_the_package_declares(name: str) -> None:
    about = metadata(name)
    declared = about["License-Expression"] or _ALIASES.get(about["License"], about["License"])
    reported = licences()[name].partition(" (")[0]
    offered = set(re.split(r" or ", reported))
    assert offered & set(re.split(r" AND | OR ", declared)) or _EXCEPTIONS.get(name) == declared


def test_every_lock_names_a_hash_for_every_package() -> None:
    for lock in (*LOCKS.values(), ROOT / "requirements.txt"):
        text = lock.read_text("utf-8")
        packages = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==", text, re.MULTILINE)
        assert len(packages) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 0
        assert len(re.findall(r"^    --hash=sha256:", text, re.MULTILINE)) >= len(packages)
        assert "://" not in "".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_the_sbom_lists_every_package_with_hashes_and_every_model() -> None:
    document = sbom()
    assert document == sbom()
    listed = {component["bom-ref"]: component for component in document["components"]}
    assert len(listed) == len(document["components"])
    for part, lock in LOCKS.items():
        for package in locked(lock):
            component = listed[f"pkg:pypi/{package.name}@{package.version}#{part}"]
            assert [each["content"] for each in component["hashes"]] == list(package.sha256)
    assert {"model:matte.onnx", "model:costume.onnx"} <= listed.keys()
    assert all("licenses" in listed[ref] for ref in listed if ref.endswith("#runtime layer"))
