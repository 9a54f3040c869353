"""Lints the stack as CloudFormation gets it: template.yaml after the SAM transform, whatever its parameters are.

`cfn-lint template.yaml` sees neither the resources that SAM makes nor what becomes of references when a condition is
false. Run it as `python -m tools.lint_template`; it prints what is wrong and ends with 1, or ends with 0.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.conditions import Choices, cases, settled

ROOT = Path(__file__).resolve().parents[1]
# Everything that is off by default, on.
ALL_ON: dict[str, str | int] = {
    "GpuEndpoint": "async",
    "EndpointImage": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/cutline:1",
    "AlarmEmail": "ops@example.com",
    "BudgetUsd": "100",
    "ResultsCdn": "cloudfront",
    "ResultsKeyA": f"{'A' * 64},{'A' * 58}==",
    "ResultsKeyB": f"{'B' * 64},{'B' * 58}==",
    "HeicPictures": "yes",
    "SmokeMinutes": 5,
    "RequestsPerAddress": "2000",
    "SyncConcurrency": "10",
    "DomainName": "cutout.example.com",
    "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/a",
    "HostedZoneId": "Z0000000000000000000",
    "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/a",
    "AccountsTableName": "restored-accounts",
    "MeterTableName": "restored-meter",
    "PermissionsBoundary": "arn:aws:iam::111122223333:policy/company",
}
# What has to be off where a region lacks a type.
OPTIONS = {
    "AWS::Budgets::Budget": ("BudgetUsd", "0"),
    "AWS::CloudFront::Distribution": ("ResultsCdn", "none"),
    "AWS::CloudFront::KeyGroup": ("ResultsCdn", "none"),
    "AWS::CloudFront::OriginAccessControl": ("ResultsCdn", "none"),
    "AWS::CloudFront::PublicKey": ("ResultsCdn", "none"),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResultsCdn", "none"),
    "AWS::SageMaker::Endpoint": ("GpuEndpoint", "none"),
    "AWS::SageMaker::EndpointConfig": ("GpuEndpoint", "none"),
    "AWS::SageMaker::Model": ("GpuEndpoint", "none"),
}
# A settled template has parameters, conditions and mappings that are asked no more. Those of the whole one are linted.
ASKED_NO_MORE = frozenset({"W2001", "W8001", "W1001", "W7001"})
_PSEUDO = "AWS::"
_NEVER: dict[str, Any] = {"Condition": "never"}


@dataclass(frozen=True)
class Reference:
    """What names what, where it does so, and where there is such a resource."""

    owner: str
    wanted: str
    needed_where: Choices
    there_where: Choices


def main() -> int:
    """1 if anything is wrong."""
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from localcloud.stack.template import load_template  # noqa: PLC0415 (slow, and asks for the region at once)

    plain = load_template(ROOT / "template.yaml", {}).plain
    found = sorted({*dangling_references(plain), *lint(plain, ["us-east-1"]), *lint_everywhere(plain)})
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


def lint_everywhere(plain: dict[str, Any]) -> list[str]:
    """What cfn-lint says of each region that has schemas, with every option off and with all that the region has on."""
    found = lint(settled(plain, {}), regions(), ASKED_NO_MORE)
    groups: dict[frozenset[str], list[str]] = {}
    for region in regions():
        groups.setdefault(missing_types(plain, region), []).append(region)
    for missing, same in groups.items():
        given = ALL_ON | dict(OPTIONS[kind] for kind in missing)
        declared = {
            name: {**entry, "Default": given.get(name, entry.get("Default", ""))}
            for name, entry in plain["Parameters"].items()
        }
        found += lint(settled({**plain, "Parameters": declared}, {}), same, ASKED_NO_MORE)
    return found


def regions() -> list[str]:
    """Every region that cfn-lint has schemas of."""
    from cfnlint.helpers import REGIONS  # type: ignore[import-untyped]  # noqa: PLC0415 (slow)

    return list(REGIONS)


def missing_types(plain: dict[str, Any], region: str) -> frozenset[str]:
    """The template's types that a region lacks."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER as SCHEMAS  # type: ignore[import-untyped]  # noqa: PLC0415

    return frozenset({item["Type"] for item in plain["Resources"].values()} - set(SCHEMAS.get_resource_types(region)))


def lint(plain: dict[str, Any], where: list[str], ignored: frozenset[str] = frozenset()) -> list[str]:
    """What cfn-lint says about plain CloudFormation in some regions."""
    from cfnlint.api import ManualArgs  # type: ignore[import-untyped]  # noqa: PLC0415 (slow)
    from cfnlint.api import lint as cfn_lint  # noqa: PLC0415

    matches = cfn_lint(json.dumps(plain), config=ManualArgs(regions=where))
    return [
        f"{match.rule.id} {'/'.join(str(part) for part in match.path or [])}: {match.message}"
        for match in matches
        if match.rule.id not in ignored
    ]


def dangling_references(plain: dict[str, Any]) -> list[str]:
    """References to resources that are not there, in any case of the conditions."""
    resources = plain["Resources"]
    owners = {**resources, **{f"output {name}": item for name, item in plain.get("Outputs", {}).items()}}
    known = {*plain.get("Parameters", {}), *(name for name, item in resources.items() if "Condition" not in item)}
    undecided = [
        Reference(name, wanted, (*_conditions_of(item), *chosen), _conditions_of(resources.get(wanted, _NEVER)))
        for name, item in owners.items()
        for wanted, chosen in _references(item)
        if wanted not in known and not wanted.startswith(_PSEUDO)
    ]
    found: dict[str, str] = {}
    for reference in undecided:
        asked = {name for name, _ in (*reference.needed_where, *reference.there_where)}
        for case in cases(plain, asked):
            if case.holds(reference.needed_where) and not case.holds(reference.there_where):
                text = f"{reference.owner} names {reference.wanted}, which is not there"
                found.setdefault(text, f"{text}, with {case.parameters}")
    return list(found.values())


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


if __name__ == "__main__":
    sys.exit(main())
