"""Lints the stack as CloudFormation gets it: template.yaml after the SAM transform, whatever its parameters are.

`cfn-lint template.yaml` sees neither the resources that SAM makes nor what becomes of references when a condition is
false. Run it as `python -m tools.lint_template`; it prints what is wrong and ends with 1, or ends with 0.
"""

import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Types and values differ between regions: the first of AWS, Frankfurt, and one each of China and GovCloud.
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"]
_OTHER = "anything else"
_PSEUDO = "AWS::"


# Conditions and what they must be, all of them.
Choices = tuple[tuple[str, bool], ...]
_NEVER: dict[str, Any] = {"Condition": "never"}


@dataclass(frozen=True)
class Case:
    """Values of the parameters that conditions ask about, and what the conditions then are."""

    parameters: dict[str, str]
    conditions: dict[str, bool]

    def holds(self, choices: Choices) -> bool:
        """Whether every condition is as `choices` says; one that the template does not have is false."""
        return all(self.conditions.get(name, False) is wanted for name, wanted in choices)


@dataclass(frozen=True)
class Reference:
    """What names what, where it does so, and where there is such a resource."""

    owner: str
    wanted: str
    needed_where: Choices
    there_where: Choices


def main() -> int:
    """1 if anything is wrong."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGIONS[0])
    from localcloud.stack.template import load_template  # noqa: PLC0415 (slow, and asks for the region at once)

    plain = load_template(ROOT / "template.yaml", {}).plain
    found = sorted({*dangling_references(plain), *lint(plain)})
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def lint(plain: dict[str, Any]) -> list[str]:
    """What cfn-lint says about plain CloudFormation."""
    from cfnlint.api import ManualArgs  # type: ignore[import-untyped]  # noqa: PLC0415 (slow)
    from cfnlint.api import lint as cfn_lint  # noqa: PLC0415

    matches = cfn_lint(json.dumps(plain), config=ManualArgs(regions=REGIONS))
    return [f"{match.rule.id} {'/'.join(str(part) for part in match.path or [])}: {match.message}" for match in matches]


def dangling_references(plain: dict[str, Any]) -> list[str]:
    """References to resources that are not there, in any case of the conditions."""
    resources = plain["Resources"]
    owners = {**resources, **{f"output {name}": item for name, item in plain.get("Outputs", {}).items()}}
    known = {*plain.get("Parameters", {}), *(name for name, item in resources.items() if "Condition" not in item)}
    # Few lead to what may not be there, so that many cases are soon looked through.
    doubtful = [
        Reference(name, wanted, (*_conditions_of(item), *chosen), _conditions_of(resources.get(wanted, _NEVER)))
        for name, item in owners.items()
        for wanted, chosen in _references(item)
        if wanted not in known and not wanted.startswith(_PSEUDO)
    ]
    found: dict[str, str] = {}
    for case in cases(plain) if doubtful else []:
        for reference in doubtful:
            if case.holds(reference.needed_where) and not case.holds(reference.there_where):
                text = f"{reference.owner} names {reference.wanted}, which is not there"
                found.setdefault(text, f"{text}, with {case.parameters}")
    return list(found.values())


def cases(plain: dict[str, Any]) -> Iterator[Case]:
    """Every combination of the parameters that change conditions."""
    choices = _choices(plain)
    for values in itertools.product(*choices.values()):
        parameters = dict(zip(choices, values, strict=True))
        conditions = plain.get("Conditions", {})
        yield Case(parameters, {name: bool(_value({"Condition": name}, conditions, parameters)) for name in conditions})


def _choices(plain: dict[str, Any]) -> dict[str, list[str]]:
    """By parameter: what conditions compare it with, and one value that none does."""
    compared: dict[str, set[str]] = {}
    for node in _nodes(plain.get("Conditions", {})):
        if "Fn::Equals" in node:
            names = [side["Ref"] for side in node["Fn::Equals"] if isinstance(side, dict) and "Ref" in side]
            constants = {str(side) for side in node["Fn::Equals"] if not isinstance(side, dict)}
            for name in names:
                compared.setdefault(name, set()).update(constants)
    choices = {}
    for name, constants in compared.items():
        allowed = {str(value) for value in plain["Parameters"].get(name, {}).get("AllowedValues", [])}
        others = sorted(allowed - constants) or ([] if allowed else [_OTHER])
        choices[name] = [*sorted(constants & allowed if allowed else constants), *others[:1]]
    return choices


def _value(node: Any, conditions: dict[str, Any], parameters: dict[str, str]) -> Any:
    """A condition, resolved."""

    def of(inner: Any) -> Any:
        return _value(inner, conditions, parameters)

    match node:
        case {"Condition": str(name)}:
            return of(conditions[name])
        case {"Fn::Equals": [left, right]}:
            return str(of(left)) == str(of(right))
        case {"Fn::Not": [inner]}:
            return not of(inner)
        case {"Fn::And": list(inner)}:
            return all(of(item) for item in inner)
        case {"Fn::Or": list(inner)}:
            return any(of(item) for item in inner)
    return parameters.get(node["Ref"]) if isinstance(node, dict) and "Ref" in node else node


def _conditions_of(item: dict[str, Any]) -> Choices:
    return ((item["Condition"], True),) if "Condition" in item else ()


def _references(node: Any, chosen: Choices = ()) -> Iterator[tuple[str, Choices]]:
    """Names of resources, each with the branches of Fn::If that lead to it."""
    match node:
        case {"Fn::If": [str(name), yes, no]}:
            yield from _references(yes, (*chosen, (name, True)))
            yield from _references(no, (*chosen, (name, False)))
        case list():
            for item in node:
                yield from _references(item, chosen)
        case dict():
            yield from ((name, chosen) for name in _named(node))
            for inner in node.values():
                yield from _references(inner, chosen)


def _named(node: dict[str, Any]) -> list[str]:
    """What `node` itself names."""
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} | {"DependsOn": str(name)}:
            return [name]
        case {"DependsOn": [*names]}:
            return names
        case {"Fn::Sub": str(text)}:
            return list(_substituted(text, {}))
        case {"Fn::Sub": [str(text), dict(own)]}:
            return list(_substituted(text, own))
    return []


def _substituted(text: str, own: dict[str, Any]) -> Iterator[str]:
    names = (name.partition(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text))
    yield from (name for name in names if name not in own)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in `node`, itself included."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from _nodes(inner)


if __name__ == "__main__":
    sys.exit(main())
