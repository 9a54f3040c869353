"""Builds and deploys the stack as samconfig.toml says: `python -m tools.deploy`, then options for `sam deploy`.

`sam build` does not know the stack's parameters, so a layer built for one processor could be deployed for another, and
every function would fail at its first import. Here the build follows the parameter, and what was built is looked at.
What the parameters leave out leaves the built template (`tools.conditions`).
A release that is to take over gradually gets its aliases here, too (`tools.rollout`).
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cutline.commands.failure import CommandFailed
from cutline.commands.sam_project import MACHINES, built_for, network_problems, read_samconfig
from localcloud.stack.short_forms import parse_yaml
from tools.conditions import settled
from tools.rollout import BadRollout, Rollout, rolled_out, rollout_of

ROOT = Path(__file__).resolve().parents[1]
_BUILT_TEMPLATE = Path(".aws-sam", "build", "template.yaml")


class NotReady(Exception):
    """Why there is nothing to deploy; the message says what to do."""


def main() -> int:
    """The status of the first command that failed, or 0."""
    try:
        check_options(sys.argv[1:])
        template = parse_yaml((ROOT / "template.yaml").read_text("utf-8"))
        given = parameters_of(ROOT / "samconfig.toml", template["Parameters"])
        check_networks(ROOT, given, template["Parameters"])
        machine = machine_of(given, template["Parameters"])
        rollout = rollout_of(ROOT / "samconfig.toml")
        sam = _sam()
        built = subprocess.run([sam, "build"], cwd=ROOT, env={**os.environ, "MACHINE": machine}, check=False)
        if built.returncode:
            return built.returncode
        check_build(ROOT, machine)
        release = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_built(ROOT / _BUILT_TEMPLATE, given, rollout, release)
        return subprocess.run([sam, "deploy", *sys.argv[1:]], cwd=ROOT, check=False).returncode
    except (NotReady, BadRollout, CommandFailed) as problem:
        print(problem, file=sys.stderr)
        return 1


def check_options(options: list[str]) -> None:
    """Raises NotReady for parameters that the next deployment would undo, because the file names others or none."""
    if any(option.startswith("--parameter-overrides") for option in options):
        raise NotReady(
            "Parameters belong into parameter_overrides of samconfig.toml: said once, the next deploy undoes them"
        )


def parameters_of(config: Path, declared: dict[str, Any]) -> dict[str, str]:
    """What samconfig.toml sends. Raises NotReady without the file, and for names that the template does not have."""
    if not config.exists():
        raise NotReady("There is no samconfig.toml: cp samconfig.toml.example samconfig.toml, and change what is yours")
    given = dict(read_samconfig(config).parameters)
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise NotReady(f"samconfig.toml sets {', '.join(unknown)}, which template.yaml does not have")
    return given


def check_networks(root: Path, given: dict[str, str], declared: dict[str, Any]) -> None:
    """Raises NotReady for a network that models.toml or the model layer lacks; the template cannot list them."""
    chosen = {name: given.get(name, declared[name]["Default"]) for name in ("Model", "GpuEndpoint", "EndpointModel")}
    for name, problem in network_problems(root, chosen).items():
        if problem:
            raise NotReady(f"{name}={chosen[name]}: {problem}")


def machine_of(given: dict[str, str], declared: dict[str, Any]) -> str:
    """What the layers are to be built for."""
    return MACHINES[given.get("Architecture", declared["Architecture"]["Default"])]


def check_build(root: Path, machine: str) -> None:
    """Raises NotReady where the runtime layer is another machine's."""
    built = built_for(root)
    if built != machine:
        raise NotReady(f"The runtime layer was built for {built}, the functions run on {machine}: delete .aws-sam")


def write_built(built: Path, given: dict[str, str], rollout: Rollout, release: str) -> None:
    """Takes what the parameters leave out from the built template, and puts the aliases in. Raises BadRollout.

    JSON is YAML, too.
    """
    template = settled(parse_yaml(built.read_text("utf-8")), given)
    if rollout:
        template = rolled_out(template, rollout, release)
    built.write_text(json.dumps(template, indent=1, default=str), "utf-8")


def _sam() -> str:
    sam = shutil.which("sam") or str(ROOT / "build" / "sam" / "bin" / "sam")
    if not Path(sam).exists():
        raise NotReady("The SAM CLI is not installed: make build/sam/ready, or see AWS's guide")
    return sam


if __name__ == "__main__":
    sys.exit(main())
