"""Conditions of a template: every combination of what they ask about, and the template that one combination leaves.

CloudFormation refuses a template with a resource type that the region does not have, also where a condition keeps the
resource from being made: no stack with a budget can be deployed to Stockholm, and none with a distribution to GovCloud.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NO_VALUE = {"Ref": "AWS::NoValue"}
_OTHER = "anything else"
# Conditions and what they must be, all of them.
Choices = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Case:
    """Values of the parameters that conditions ask about, and what the conditions then are."""

    parameters: dict[str, str]
    conditions: dict[str, bool]

    def holds(self, choices: Choices) -> bool:
        """Whether every condition is as `choices` says; one that the template does not have is false."""
        return all(self.conditions.get(name, False) is wanted for name, wanted in choices)


def cases(plain: dict[str, Any], asked: Collection[str]) -> Iterator[Case]:
    """Every combination of the parameters that change the conditions `asked`; all have hundreds of thousands."""
    every = plain.get("Conditions", {})
    needed = _needed(asked, every)
    conditions = {name: rule for name, rule in every.items() if name in needed}
    choices = _choices(conditions, plain["Parameters"])
    for values in itertools.product(*choices.values()):
        parameters = dict(zip(choices, values, strict=True))
        yield Case(parameters, {name: bool(_value({"Condition": name}, conditions, parameters)) for name in conditions})


def _needed(asked: Collection[str], conditions: dict[str, Any]) -> set[str]:
    """Return the conditions `asked` that there are, and those that they name."""
    found = {name for name in asked if name in conditions}
    named = {node["Condition"] for name in found for node in _nodes(conditions[name]) if "Condition" in node}
    return found | (_needed(named, conditions) if named else set())


def _choices(conditions: dict[str, Any], declared: dict[str, Any]) -> dict[str, list[str]]:
    """By parameter: what conditions compare it with, and one value that none does."""
    compared: dict[str, set[str]] = {}
    for node in _nodes(conditions):
        if "Fn::Equals" in node:
            names = [side["Ref"] for side in node["Fn::Equals"] if isinstance(side, dict) and "Ref" in side]
            constants = {str(side) for side in node["Fn::Equals"] if not isinstance(side, dict)}
            for name in names:
                compared.setdefault(name, set()).update(constants)
    choices = {}
    for name, constants in compared.items():
        allowed = {str(value) for value in declared.get(name, {}).get("AllowedValues", [])}
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


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in `node`, itself included."""
    if isinstance(node, dict):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        yield from _nodes(inner)


def settled(template: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return the template without resources and outputs whose condition is false, and with each Fn::If decided.

    `parameters`: values that differ from the defaults.
    """
    declared = template.get("Parameters", {})
    values = {name: str(entry.get("Default", "")) for name, entry in declared.items()} | dict(parameters)
    conditions = template.get("Conditions", {})
    holds = {name: bool(_value({"Condition": name}, conditions, values)) for name in conditions}
    kept = {
        section: {
            name: {key: value for key, value in entry.items() if key != "Condition"}
            for name, entry in template.get(section, {}).items()
            if holds.get(entry.get("Condition"), True)
        }
        for section in ("Resources", "Outputs")
    }
    gone = set(template["Resources"]) - set(kept["Resources"])
    return {**template, **{section: _decided(entries, holds, gone) for section, entries in kept.items()}}


def _decided(node: Any, holds: Mapping[str, bool], gone: set[str]) -> Any:
    match node:
        case {"Fn::If": [str(name), yes, no]}:
            return _decided(yes if holds[name] else no, holds, gone)
        case dict():
            decided = {name: _decided(value, holds, gone) for name, value in node.items()}
            if isinstance(decided.get("DependsOn"), list):
                decided["DependsOn"] = [name for name in decided["DependsOn"] if name not in gone]
            return {name: value for name, value in decided.items() if value != _NO_VALUE}
        case list():
            return [value for value in (_decided(item, holds, gone) for item in node) if value != _NO_VALUE]
    return node
