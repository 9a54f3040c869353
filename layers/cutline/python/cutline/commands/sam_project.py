"""A checkout as `sam` sees it: what samconfig.toml says is deployed where, and what was built."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cutline.commands.failure import CommandFailed

# The template's Architecture, and what the layers' build calls the same.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
_BUILT = Path(".aws-sam", "build", "RuntimeLayer", "machine")


@dataclass(frozen=True)
class SamConfig:
    """What `sam deploy` is told; an empty text is not said."""

    stack: str = ""
    region: str = ""
    profile: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_samconfig(path: Path) -> SamConfig:
    """The section `deploy`, which counts for more than `global`. Raises CommandFailed for a file that is no TOML."""
    try:
        default = tomllib.loads(path.read_text("utf-8")).get("default", {})
    except tomllib.TOMLDecodeError as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    said = {
        key: value
        for part in ("global", "deploy")
        for key, value in default.get(part, {}).get("parameters", {}).items()
    }
    overrides = said.get("parameter_overrides", [])
    pairs = overrides.split() if isinstance(overrides, str) else overrides
    parameters = {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}
    stack, region, profile = (str(said.get(name, "")) for name in ("stack_name", "region", "profile"))
    return SamConfig(stack, region, profile, parameters)


def built_for(root: Path) -> str:
    """The machine that the runtime layer under `root` was built for, or "nothing"."""
    path = root / _BUILT
    return path.read_text("utf-8").strip() if path.exists() else "nothing"
