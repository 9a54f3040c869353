"""Leaves of boto3's descriptions what calls to some services read: INIT parses these files before any call.

    python3.13 shrink_sdk.py FOLDER SERVICE...

boto3 knows every service of AWS in 30 MB. Of the services that stay the prose goes, three quarters of their size; of
the list of all endpoints those of the other services. INIT takes 420 ms for 463.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

_PROSE = frozenset({"documentation", "documentationUrl"})
_CONTEXT = "clientContextParams"


def shrink_sdk(packages: Path, services: frozenset[str]) -> None:
    """Shrinks boto3 and botocore, which lie in `packages`. Raises ValueError for a service that they do not know."""
    data = packages / "botocore" / "data"
    unknown = services - {folder.name for folder in data.iterdir()}
    if unknown:
        raise ValueError(f"botocore does not know {', '.join(sorted(unknown))}")
    for folder in (*data.iterdir(), *(packages / "boto3" / "data").iterdir()):
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    prefixes = set()
    for file in data.glob("*/*/service-2.json.gz"):
        model = json.loads(gzip.decompress(file.read_bytes()))
        prefixes.add(model["metadata"]["endpointPrefix"])
        file.write_bytes(gzip.compress(_compact(_without_prose(model)), mtime=0))
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in prefixes}
    (data / "endpoints.json").write_bytes(_compact(endpoints))


def _without_prose(node: Any) -> Any:
    """A description without its texts; a member of that name is no text and stays."""
    if isinstance(node, dict):
        # botocore reads the texts of these few when it resolves an endpoint, and fails without.
        if _CONTEXT in node:
            return {
                **_without_prose({name: one for name, one in node.items() if name != _CONTEXT}),
                _CONTEXT: node[_CONTEXT],
            }
        kept = ((name, one) for name, one in node.items() if name not in _PROSE or not isinstance(one, str))
        return {name: _without_prose(one) for name, one in kept}
    return [_without_prose(one) for one in node] if isinstance(node, list) else node


def _compact(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


if __name__ == "__main__":
    shrink_sdk(Path(sys.argv[1]), frozenset(sys.argv[2:]))
