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


@dataclass(frozen=True)
class Case:
    """Values of the parameters that conditions ask about, and what the conditions then are."""

    parameters: dict[str, str]
    conditions: dict[str, bool]


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
    found: dict[str, str] = {}
    for case in cases(plain):
        for text in _dangling_in(plain, case):
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


def _dangling_in(plain: dict[str, Any], case: Case) -> Iterator[str]:
    def stands(item: dict[str, Any]) -> bool:
        return "Condition" not in item or case.conditions[item["Condition"]]

    resources = {name: item for name, item in plain["Resources"].items() if stands(item)}
    known = {*resources, *plain.get("Parameters", {})}
    outputs = {f"output {name}": item for name, item in plain.get("Outputs", {}).items() if stands(item)}
    for name, item in {**resources, **outputs}.items():
        for wanted in _references(_chosen(item, case)):
            if wanted not in known and not wanted.startswith(_PSEUDO):
                yield f"{name} names {wanted}, which is not there"


def _chosen(node: Any, case: Case) -> Any:
    """`node` with every Fn::If replaced by the branch that holds."""
    if isinstance(node, list):
        return [_chosen(item, case) for item in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        name, yes, no = node["Fn::If"]
        return _chosen(yes if case.conditions[name] else no, case)
    return {key: _chosen(value, case) for key, value in node.items()}


def _references(item: dict[str, Any]) -> Iterator[str]:
    depends = item.get("DependsOn", [])
    yield from [depends] if isinstance(depends, str) else depends
    for node in _nodes(item):
        match node:
            case {"Ref": str(name)}:
                yield name
            case {"Fn::GetAtt": [str(name), _]}:
                yield name
            case {"Fn::Sub": str(text)}:
                yield from _substituted(text, {})
            case {"Fn::Sub": [str(text), dict(own)]}:
                yield from _substituted(text, own)


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
