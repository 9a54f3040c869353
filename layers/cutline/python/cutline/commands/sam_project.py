"""The configuration and the build of `sam` in a checkout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.local_file import read_file, read_toml
from cutline.pipeline.inference.model_config import MODELS_FILE, names_with, read_entry

# The template's Architecture by the names of the layers' build.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# layers/model/Makefile leaves larger files out.
_MAX_LAYER_BYTES = 120_000_000
_BUILT = Path(".aws-sam", "build", "RuntimeLayer", "machine")


@dataclass(frozen=True)
class SamConfig:
    """Parameters of `sam deploy`; empty where the file does not set them."""

    stack: str = ""
    region: str = ""
    profile: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    rollout: Mapping[str, Any] = field(default_factory=dict)


def read_samconfig(path: Path) -> SamConfig:
    """Read the section `deploy`, which overrides `global`. Raises CommandFailed for an unreadable file."""
    try:
        return _config(read_toml(path).get("default", {}))
    except ValueError as error:
        raise CommandFailed(f"cannot read {path}: {error}") from error
    except (AttributeError, TypeError) as error:
        raise CommandFailed(f"{path} is not a configuration of sam: {error}") from error


def _config(default: Mapping[str, Any]) -> SamConfig:
    found = {
        key: value
        for part in ("global", "deploy")
        for key, value in default.get(part, {}).get("parameters", {}).items()
    }
    overrides = found.get("parameter_overrides", [])
    pairs = overrides.split() if isinstance(overrides, str) else overrides
    parameters = {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}
    stack, region, profile = (str(found.get(name, "")) for name in ("stack_name", "region", "profile"))
    return SamConfig(stack, region, profile, parameters, default.get("rollout", {}).get("parameters", {}))


def network_problems(root: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """Return by parameter that names a network why its deployment would fail and what to do, or "".

    parameters: Model, GpuEndpoint and EndpointModel.
    """
    folder = root / "layers" / "model"
    problems = {"Model": _entry_problem(folder, parameters["Model"]) or _layer_problem(folder, parameters["Model"])}
    if parameters["GpuEndpoint"] != "none":
        problems["EndpointModel"] = _entry_problem(folder, parameters["EndpointModel"])
    return problems


def _entry_problem(folder: Path, name: str) -> str:
    try:
        names = names_with(folder)
        if name in names:
            read_entry(folder, name)
            return ""
    except MattingError as error:
        return error.detail
    return f"{folder / MODELS_FILE} has no such network; it has {', '.join(names)}"


def _layer_problem(folder: Path, name: str) -> str:
    """Why the functions could not run a network: their layer would lack its file."""
    file = read_entry(folder, name).path
    if not file.is_file():
        return f"{file} is missing: make isnet, or docs/models.md"
    if file.stat().st_size >= _MAX_LAYER_BYTES:
        return f"{file.name} is too large for the functions: name it in EndpointModel (docs/models.md)"
    return ""


def built_for(root: Path) -> str:
    """Return the machine that the runtime layer under `root` was built for, or "nothing"."""
    try:
        return read_file(root / _BUILT).decode("utf-8", "replace").strip()
    except OSError:
        return "nothing"
