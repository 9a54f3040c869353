"""Assembles the container's build context: `python endpoint/package.py [FOLDER]`, by default build/endpoint.

The same checkout gives the same bytes, times and modes; their hash is the image's tag. Prints the Docker commands to
run next and needs no Docker itself.
"""

import hashlib
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "cutline-endpoint"
_OWN = ("Dockerfile", "requirements.txt", "admission.py", "batcher.py", "inference.py", "serve.py")
# The part of the package that runs the network, without AWS.
_PACKAGE = ("__init__.py", "environment.py", "errors.py", "limits.py", "local_file.py", "pipeline")
_MODELS = ROOT / "layers" / "model"
_EPOCH_S = 315_532_800  # 1 January 1980, the earliest time that archives can hold


def main() -> int:
    """Return 0 if the folder is complete, 1 if it lacks a network's file."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "endpoint"
    missing = assemble(target)
    print(f"{target} holds the build context.\n\n{commands(target, digest(target)[:12])}")
    if missing:
        print(f"\nNot in it: {', '.join(missing)}. Fetch them (docs/models.md), or set another EndpointModel.")
    return 1 if missing else 0


def assemble(target: Path) -> list[str]:
    """Replaces `target` and returns the names of the networks that this checkout lacks."""
    shutil.rmtree(target, ignore_errors=True)
    missing = []
    for source, name in _sources():
        if source.is_file():
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
            copy.chmod(0o644)
        else:
            missing.append(source.name)
    for path in [*target.rglob("*"), target]:
        os.utime(path, (_EPOCH_S, _EPOCH_S))
    return missing


def digest(folder: Path) -> str:
    """sha256 over the names and contents of all files."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def commands(target: Path, tag: str) -> str:
    """The commands to run next, with Docker and an AWS account."""
    return f"""With ACCOUNT and REGION set to yours:
  case $REGION in cn-*) SUFFIX=amazonaws.com.cn;; *) SUFFIX=amazonaws.com;; esac
  REGISTRY=$ACCOUNT.dkr.ecr.$REGION.$SUFFIX
  aws ecr create-repository --repository-name {REPOSITORY}    # once
  aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY
  # Without --provenance=false the push is an index of manifests, which SageMaker refuses.
  docker buildx build --platform linux/amd64 --provenance=false --load -t $REGISTRY/{REPOSITORY}:{tag} {target}
  docker push $REGISTRY/{REPOSITORY}:{tag}
Put what this prints into parameter_overrides of samconfig.toml, then deploy:
  echo GpuEndpoint=async EndpointImage=$REGISTRY/{REPOSITORY}:{tag}"""


def _sources() -> Iterator[tuple[Path, Path]]:
    """Each file and its place in the context."""
    for name in _OWN:
        yield ROOT / "endpoint" / name, Path(name)
    package = ROOT / "layers" / "cutline" / "python" / "cutline"
    for part in _PACKAGE:
        source = package / part
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            yield path, Path("cutline") / path.relative_to(package)
    for name in ("models.toml", *_network_files()):
        yield _MODELS / name, Path("models") / name


def _network_files() -> list[str]:
    """Return the files of the networks that make cut-outs, each once."""
    entries = tomllib.loads((_MODELS / "models.toml").read_text("utf-8")).values()
    return list(dict.fromkeys(entry["file"] for entry in entries if "foreground" in entry["channels"]))


if __name__ == "__main__":
    raise SystemExit(main())
