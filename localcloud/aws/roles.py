"""The grants of the functions' roles, read from the stack, and whether they cover a call."""

import ast
import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.aws.needs import Need
from localcloud.aws_account import client


@dataclass(frozen=True)
class Grant:
    """One action on one pattern of resources, from a statement of a role's policies."""

    sid: str
    action: str
    resource: str
    condition: Mapping[str, Any]

    def covers(self, need: Need) -> bool:
        """Whether this grant permits the need on its own."""
        return (
            self.action == need.action
            and (not need.resource or fnmatch.fnmatchcase(need.resource, self.resource))
            and all(_holds(operator, wanted, need.context) for operator, wanted in self.condition.items())
        )


def read_grants(role_name: str) -> list[Grant]:
    """All grants of the role's inline policies. Raises ValueError for statements that are not supported here."""
    iam = client("iam")
    names = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"] for name in names]
    return [grant for document in documents for grant in _grants(document)]


def read_boundary(role_name: str) -> list[Grant] | None:
    """What the role's permissions boundary permits at most, or None without one. Raises ValueError as `read_grants`."""
    iam = client("iam")
    attached = iam.get_role(RoleName=role_name)["Role"].get("PermissionsBoundary")
    if not attached:
        return None
    arn = attached["PermissionsBoundaryArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return list(_grants(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]))


def _grants(document: str | dict[str, Any]) -> Iterable[Grant]:
    if isinstance(document, str):  # moto's CloudFormation stores a policy resource as printed Python
        document = dict(ast.literal_eval(document))
    for statement in _listed(document["Statement"]):
        if statement["Effect"] != "Allow" or not {"Action", "Resource"} <= statement.keys():
            raise ValueError(f"a role's statement is more than an Allow of actions: {statement}")
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                # moto leaves nothing in the place of AWS::NoValue, which CloudFormation takes out of the list.
                if resource is not None:
                    yield Grant(statement.get("Sid", ""), action, resource, statement.get("Condition", {}))


def _holds(operator: str, wanted: Mapping[str, Any], context: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a condition holds. ForAllValues holds without values, every other operator needs one."""
    everything = operator == "ForAllValues:StringLike"
    if not everything and operator != "StringLike":
        raise ValueError(f"conditions by {operator} are not judged")
    for name, patterns in wanted.items():
        values = context.get(name, ())
        fits = [any(fnmatch.fnmatchcase(value, pattern) for pattern in _listed(patterns)) for value in values]
        if not (all(fits) if everything else any(fits)):
            return False
    return True


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
