"""Translates template.yaml, offline, into plain CloudFormation and the local folders it names."""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from localcloud import ROOT
from localcloud.stack.short_forms import parse_yaml

ARTIFACT_BUCKET = "localcloud-artifacts"
ARTIFACT_KEY = "empty.zip"
_ARTIFACT_URI = f"s3://{ARTIFACT_BUCKET}/{ARTIFACT_KEY}"

_TRANSLATED = ROOT / "build" / "translated"
# Values for parameters that make no sense on one machine, if the template has them.
LOCAL_PARAMETERS = {
    "GpuEndpoint": "none",
    "ResultsCdn": "none",
    # For an endpoint: every checkout has this network, and the image is never pulled.
    "EndpointModel": "matte",
    "EndpointImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/cutline-endpoint:local",
}

# A makefile layer can build its folder under another name: /opt/models comes from layers/model.
_BUILT_FOLDERS = {"models": "models.toml"}


@dataclass(frozen=True)
class LocalTemplate:
    """`plain` is CloudFormation without SAM; `code` and `layers` hold each function's folders, by logical id."""

    plain: dict[str, Any]
    code: dict[str, Path]
    layers: dict[str, tuple[Path, ...]]
    parameters: dict[str, str]


def load_template(path: Path, overrides: dict[str, str]) -> LocalTemplate:
    """The translated template with its local folders. Raises ValueError if the file is not a template."""
    source = parse_yaml(path.read_text("utf-8"))
    if not isinstance(source, dict) or "Resources" not in source:
        raise ValueError(f"{path} is not a CloudFormation template")
    parameters = _parameters(source, overrides)
    code, layers = _detach_folders(source, path.parent)
    plain = _translated(source, parameters)
    return LocalTemplate(plain, code, _layers_of_functions(plain, layers), parameters)


def _translated(source: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """CloudFormation of `source`. It is kept in build/, because to translate it takes a third of a start's time."""
    asked = json.dumps(
        [source, parameters, os.environ.get("AWS_DEFAULT_REGION"), version("aws-sam-translator")], default=str
    )
    kept = _TRANSLATED / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
    if kept.is_file():
        known: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return known
    from localcloud.stack.translate import translate  # noqa: PLC0415 - it takes 0.35 s

    plain = translate(source, parameters)
    # Not where the package is installed, or the checkout is read-only.
    with contextlib.suppress(OSError):
        if (ROOT / "layers").is_dir():
            _TRANSLATED.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(plain), "utf-8")
            partial.replace(kept)
    return plain


def _parameters(source: dict[str, Any], overrides: dict[str, str]) -> dict[str, str]:
    declared = source.get("Parameters", {})
    unknown = set(overrides) - set(declared)
    if unknown:
        raise ValueError(f"the template has no parameter {', '.join(sorted(unknown))}")
    local = {name: value for name, value in LOCAL_PARAMETERS.items() if name in declared}
    defaults = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in spec}
    values = defaults | local | overrides
    missing = set(declared) - set(values)
    if missing:
        raise ValueError(f"no value for parameter {', '.join(sorted(missing))}: use --parameter NAME=VALUE")
    return values


def _detach_folders(source: dict[str, Any], root: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Replace every local path with the S3 address that `sam package` would write, and return the paths."""
    code: dict[str, Path] = {}
    layers: dict[str, Path] = {}
    shared = source.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    for logical_id, resource in source["Resources"].items():
        properties = resource.setdefault("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function" if "InlineCode" not in properties:
                code[logical_id] = _folder(root, properties.get("CodeUri", shared), logical_id)
                properties["CodeUri"] = _ARTIFACT_URI
            case "AWS::Serverless::LayerVersion":
                layers[logical_id] = _folder(root, properties["ContentUri"], logical_id)
                properties["ContentUri"] = _ARTIFACT_URI
                # The translator adds a hash to the logical id; `_layers_of_functions` finds the layer by this name.
                properties["LayerName"] = logical_id
            case "AWS::Serverless::StateMachine" if "DefinitionUri" in properties:
                definition = root / properties.pop("DefinitionUri")
                properties["Definition"] = parse_yaml(definition.read_text("utf-8"))
    return code, layers


def _layers_of_functions(plain: dict[str, Any], folders: dict[str, Path]) -> dict[str, tuple[Path, ...]]:
    """Each function's layers, those among them that have a condition: moto's CloudFormation drops them all."""
    resources = plain["Resources"]
    by_reference = {
        name: folders[resource["Properties"]["LayerName"]]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::LayerVersion"
    }
    return {
        name: tuple(by_reference[_reference(layer)] for layer in resource["Properties"].get("Layers", []))
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def _reference(layer: dict[str, Any]) -> str:
    """The layer's logical id; of `!If [condition, !Ref layer, nothing]` the one that the condition allows."""
    return str(layer["Fn::If"][1]["Ref"] if "Fn::If" in layer else layer["Ref"])


def _folder(root: Path, uri: object, logical_id: str) -> Path:
    folder = root / str(uri)
    if not folder.is_dir():
        raise ValueError(f"{logical_id} points to {uri}, which is not a folder")
    return folder.resolve()


def python_paths(layers: tuple[Path, ...]) -> list[str]:
    """The folders that the layers put on sys.path under /opt/python.

    A layer that holds only requirements (no package) adds nothing: the running virtual environment has its packages.
    """
    found = []
    for layer in layers:
        if (layer / "python").is_dir():
            found.append(str(layer / "python"))
        elif any(layer.glob("*/__init__.py")):
            found.append(str(layer))
    return found


def rebase_opt(value: str, layers: tuple[Path, ...]) -> str:
    """`value` with a leading /opt/ path, where Lambda unpacks layers, replaced by the layer's local folder."""
    if not value.startswith("/opt/"):
        return value
    first, _, rest = value.removeprefix("/opt/").partition("/")
    for layer in layers:
        if (layer / first).exists():
            return str(layer / first / rest)
        if first in _BUILT_FOLDERS and (layer / _BUILT_FOLDERS[first]).exists():
            return str(layer / rest)
    return value
