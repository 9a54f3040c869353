"""Gradual releases: an alias for every function of the API, and what goes with one.

samconfig.toml may have, in addition to its parameters for `sam deploy`:

    [default.rollout.parameters]
    canary = "Canary10Percent10Minutes"      # how a release takes over, as CodeDeploy names it; alarms take it back
    provisioned = { CutoutFunction = 5 }     # sandboxes that are always warm; paid for day and night
    snapstart = true                         # or sandboxes that start from a snapshot; not both

`make deploy` writes that into the built template, and only there. SAM cannot make an alias under a condition. And an
alias in template.yaml would stay on the old version where a release changes only parameters, because SAM numbers
versions by the code: `sam deploy` would succeed and change nothing. So `sam build` and `sam deploy` without this tool
know no alias, and their code and parameters are in force at once.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALIAS = "live"
# Of the functions' errors. Each function has one more of its own, of faults that a status of 200 hides.
ERRORS_ALARM = "CallErrorsAlarm"
_SECTION = ("default", "rollout", "parameters")
_AT_ONCE = "AllAtOnce"
_CANARIES = (
    _AT_ONCE,
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    *(f"Linear10PercentEvery{minutes}Minute{'s' if minutes > 1 else ''}" for minutes in (1, 2, 3, 10)),
)


class BadRollout(ValueError):
    """What samconfig.toml wants cannot be; the message says why."""


@dataclass(frozen=True)
class Rollout:
    """How a release takes over. Without any of it there is no alias."""

    canary: str = ""
    provisioned: Mapping[str, int] = field(default_factory=dict)
    snapstart: bool = False

    def __bool__(self) -> bool:
        return bool(self.canary or self.provisioned or self.snapstart)


def rollout_of(config: Path) -> Rollout:
    """What samconfig.toml wants. Raises BadRollout."""
    found: Any = tomllib.loads(config.read_text("utf-8"))
    for name in _SECTION:
        found = found.get(name, {})
    unknown = sorted(set(found) - set(Rollout.__dataclass_fields__))
    if unknown:
        raise BadRollout(f"samconfig.toml: a rollout has no {', '.join(unknown)}")
    rollout = Rollout(**found)
    if rollout.canary and rollout.canary not in _CANARIES:
        raise BadRollout(f"samconfig.toml: canary is one of {', '.join(_CANARIES)}")
    if rollout.snapstart and rollout.provisioned:
        raise BadRollout("samconfig.toml: Lambda has no SnapStart where sandboxes are provisioned")
    return rollout


def rolled_out(template: Mapping[str, Any], rollout: Rollout, release: str) -> dict[str, Any]:
    """A SAM template whose API calls the alias, and the alias a version of this `release`. Raises BadRollout.

    release: any text that no release had before. Lambda publishes no version of a function that is the same as its last
    version, and CloudFormation takes that for an error; so it also goes into the functions' environment.
    """
    made = deepcopy(dict(template))
    functions = {
        name: item["Properties"]
        for name, item in made["Resources"].items()
        if item["Type"] == "AWS::Serverless::Function" and _is_called_by_api(item["Properties"])
    }
    unknown = sorted(set(rollout.provisioned) - set(functions))
    if unknown:
        raise BadRollout(f"samconfig.toml: {', '.join(unknown)} cannot be provisioned, the API calls no such function")
    for name, properties in functions.items():
        properties["AutoPublishAlias"] = ALIAS
        properties["AutoPublishCodeSha256"] = hashlib.sha256(release.encode()).hexdigest()
        properties.setdefault("Environment", {}).setdefault("Variables", {})["RELEASE"] = release
        properties["DeploymentPreference"] = {
            "Type": rollout.canary or _AT_ONCE,
            "Alarms": [{"Ref": alarm} for alarm in (ERRORS_ALARM, faults_alarm(name)) if alarm in made["Resources"]],
        }
        if name in rollout.provisioned:
            properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": rollout.provisioned[name]}
        if rollout.snapstart:
            properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    return made


def faults_alarm(function: str) -> str:
    """Return the name of the alarm of a function's faults; the site has none."""
    return f"{function.removesuffix('Function')}FaultsAlarm"


def _is_called_by_api(properties: Mapping[str, Any]) -> bool:
    return any(event["Type"] == "Api" for event in properties.get("Events", {}).values())
