"""`make sam-build` ends with this: how large each function and its layers are, as SAM built them.

python -m tools.trust.sizes build/sam-build/template.yaml
"""

import os
import sys
from pathlib import Path

from localcloud.stack.template import load_template

LIMIT_BYTES = 250 * 1024 * 1024
_MIB = 1024 * 1024


def size_of(folder: Path) -> int:
    """Bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def sizes(template: Path) -> dict[str, dict[str, int]]:
    """Bytes by function and part: its code and each of its layers."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the transform asks for one
    built = load_template(template, {})
    return {
        name: {"code": size_of(code), **{layer.name: size_of(layer) for layer in built.layers[name]}}
        for name, code in built.code.items()
    }


def main() -> int:
    """0 if every function fits."""
    template = Path(sys.argv[1])
    found = sizes(template)
    for name, parts in found.items():
        parts_mib = "  ".join(f"{part} {size / _MIB:.1f}" for part, size in parts.items())
        print(f"{name:<22}{sum(parts.values()) / _MIB:>7.1f} MiB   {parts_mib}")
    caches = list(template.parent.rglob("*.pyc"))
    print(f"compiled files (.pyc) in the build: {len(caches)}; the limit is {LIMIT_BYTES // _MIB} MiB")
    return 0 if all(sum(parts.values()) < LIMIT_BYTES for parts in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
