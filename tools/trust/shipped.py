"""What a deployment ships, read from the hashed lock files, NOTICE and the models.

`python -m tools.trust.shipped build/sbom.json` writes an SBOM, CycloneDX 1.6 in JSON. The same input
gives the same bytes.
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.running import ROOT

LOCKS = {
    "runtime layer": ROOT / "layers/runtime/requirements.txt",
    "heif layer": ROOT / "layers/heif/requirements.txt",
    "endpoint": ROOT / "endpoint/requirements.txt",
}
NOTICE = ROOT / "NOTICE"
_PACKAGE = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
_SPACE = uuid.UUID("2f6b2f43-8b0a-4b53-9d13-0a4f6f2a6c11")


@dataclass(frozen=True)
class Package:
    """A locked package; any of the hashes is that of its file for some platform."""

    name: str
    version: str
    sha256: tuple[str, ...]


def locked(lock: Path) -> list[Package]:
    """The packages of a lock file. Raises ValueError where one has no hash."""
    text = lock.read_text("utf-8")
    found = [Package(name, version, tuple(re.findall(r"[0-9a-f]{64}", hashes))) for name, version, hashes in
             _PACKAGE.findall(text)]  # fmt: skip
    if len(found) != len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)):
        raise ValueError(f"{lock} names a package without version or hash")
    return found


def licences() -> dict[str, str]:
    """The licences that NOTICE lists, by package."""
    table = NOTICE.read_text("utf-8").partition("The runtime layer installs")[2]
    return dict(re.findall(r"^  (\S+) +(\S.*)$", table, re.MULTILINE))


def sbom() -> dict[str, Any]:
    """The CycloneDX document."""
    known = licences()
    packages = [
        _component(package, part, known.get(package.name)) for part, lock in LOCKS.items() for package in locked(lock)
    ]
    components = [*packages, *_models()]
    name = uuid.uuid5(_SPACE, json.dumps(components))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{name}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
    }


def _component(package: Package, part: str, licence: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{package.name}@{package.version}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"{purl}#{part}",
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": content} for content in package.sha256],
        "properties": [{"name": "cutline:part", "value": part}],
    }
    return component | ({"licenses": [{"license": {"name": licence}}]} if licence else {})


def _models() -> list[dict[str, Any]]:
    files = sorted((ROOT / "layers/model").glob("*.onnx"))
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{file.name}",
            "name": file.name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(file.read_bytes()).hexdigest()}],
            "properties": [{"name": "cutline:part", "value": "model layer"}],
        }
        for file in files
    ]


def main() -> None:
    """Writes the SBOM to the file named."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    document = sbom()
    target.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    print(f"{len(document['components'])} components in {target}")


if __name__ == "__main__":
    main()
