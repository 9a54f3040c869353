"""The template's stack, made in moto by CloudFormation and set right where moto's copy differs from AWS."""

import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.account import ACCOUNT_ID, REGION, STACK_NAME, client
from localcloud.sandbox import FunctionConfig
from localcloud.template import ARTIFACT_BUCKET, ARTIFACT_KEY, LocalTemplate, rebase_opt

# What moto can make truly enough. Everything else is either ours (API, Lambda's runtime, queue polling, state machines)
# or left out: alarms, dashboards, budgets, log groups, autoscaling, SageMaker, usage plans, permissions.
_MADE_BY_MOTO = {
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Parameter",
    "AWS::SecretsManager::Secret",
}
_MADE_BY_US = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::StepFunctions::StateMachine",
}


@dataclass(frozen=True)
class QueueMapping:
    """An SQS event source mapping, resolved."""

    queue_arn: str
    function_name: str
    batch_size: int
    partial_failures: bool
    max_concurrency: int


@dataclass(frozen=True)
class Deployment:
    """What stands after `deploy`: functions, physical ids by logical id, mappings, the API's swagger, what is missing."""

    functions: list[FunctionConfig]
    resources: dict[str, str]
    mappings: list[QueueMapping]
    swagger: dict[str, Any]
    buckets: set[str]
    left_out: list[str] = field(default_factory=list)


def deploy(template: LocalTemplate) -> Deployment:
    """Make the stack and read it back. The account must be empty."""
    plain = template.plain["Resources"]
    ours = {name: r for name, r in plain.items() if r["Type"] not in _MADE_BY_MOTO}
    questions = _Questions()
    asked = {name: questions.ask(name, r) for name, r in ours.items() if r["Type"] in _MADE_BY_US}
    reserved = {
        name: questions.add(r["Properties"]["ReservedConcurrentExecutions"], r.get("Condition"))
        for name, r in plain.items()
        if "ReservedConcurrentExecutions" in r.get("Properties", {})
    }
    stack = _stack(template.plain, ours, questions)
    _put_artifact()
    resources, answers = _create(stack, template.parameters)
    _fix_buckets(plain, resources)
    _fix_tables(plain, resources)
    resources |= _state_machines(ours, asked, answers)
    limits = {name: int(answers[key]) for name, key in reserved.items() if key in answers}
    return Deployment(
        functions=_functions(template, resources, limits),
        resources=resources,
        mappings=_mappings(ours, asked, answers),
        swagger=next((r["Properties"]["Body"] for r in ours.values() if r["Type"] == "AWS::ApiGateway::RestApi"), {}),
        buckets={resources[name] for name, r in plain.items() if r["Type"] == "AWS::S3::Bucket" and name in resources},
        left_out=sorted(f"{name} ({r['Type']})" for name, r in ours.items() if r["Type"] not in _MADE_BY_US),
    )


class _Questions:
    """Values of resources that moto must not make, resolved by it all the same: each becomes an Output of the stack."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Any]] = {}

    def add(self, value: Any, condition: str | None) -> str:
        """The name of the output that will hold `value`."""
        name = f"Local{len(self.outputs)}"
        value = value if isinstance(value, dict) else str(value)  # moto's outputs know no bare numbers
        self.outputs[name] = {"Value": value} | ({"Condition": condition} if condition else {})
        return name

    def ask(self, logical_id: str, resource: dict[str, Any]) -> dict[str, str]:
        """Output names by property, for the properties that are needed of this type."""
        properties, condition = resource.get("Properties", {}), resource.get("Condition")
        match resource["Type"]:
            case "AWS::Lambda::EventSourceMapping":
                return {key: self.add(properties[key], condition) for key in ("EventSourceArn", "FunctionName")}
            case "AWS::StepFunctions::StateMachine":
                asked = {f"${key}": self.add(v, condition) for key, v in _substitutions(properties).items()}
                asked["definition"] = self.add(_definition(properties), condition)
                return asked
            case _:
                return {}


def _substitutions(properties: dict[str, Any]) -> dict[str, Any]:
    return dict(properties.get("DefinitionSubstitutions", {}))


def _definition(properties: dict[str, Any]) -> Any:
    return properties["DefinitionString"] if "DefinitionString" in properties else json.dumps(properties["Definition"])


def _stack(plain: dict[str, Any], ours: dict[str, Any], questions: _Questions) -> dict[str, Any]:
    kept = {name: r for name, r in plain["Resources"].items() if name not in ours}
    kept = {name: _without_dependencies(r, set(ours)) for name, r in kept.items()}
    stack = {key: value for key, value in plain.items() if key in ("Parameters", "Conditions", "Mappings")}
    stack |= {"Resources": kept, "Outputs": questions.outputs}
    stand_ins = {name: _stand_in(name, r) for name, r in ours.items()}
    replaced = _replace(stack, stand_ins)
    assert isinstance(replaced, dict)
    return replaced


def _without_dependencies(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    depends = resource.get("DependsOn", [])
    left = [name for name in ([depends] if isinstance(depends, str) else depends) if name not in gone]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return rest | ({"DependsOn": left} if left else {})


def _stand_in(logical_id: str, resource: dict[str, Any]) -> dict[str, str]:
    """What Ref and GetAtt answer for a resource that moto does not make."""
    if resource["Type"] == "AWS::StepFunctions::StateMachine":
        arn = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{logical_id}"
        return {"Ref": arn, "Arn": arn, "Name": logical_id}
    name = "local" if resource["Type"].startswith("AWS::ApiGateway") else logical_id
    return {"Ref": name, "Arn": f"arn:aws:local:{REGION}:{ACCOUNT_ID}:{logical_id}"}


def _replace(node: Any, stand_ins: dict[str, dict[str, str]]) -> Any:
    """`node` with every Ref, Fn::GetAtt and ${...} to a missing resource turned into text."""
    if isinstance(node, list):
        return [_replace(item, stand_ins) for item in node]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        key, value = next(iter(node.items()))
        if key == "Ref" and value in stand_ins:
            return stand_ins[value]["Ref"]
        if key == "Fn::GetAtt":
            name, attribute = value.split(".", 1) if isinstance(value, str) else value
            return stand_ins[name].get(attribute, name) if name in stand_ins else node
        if key == "Fn::Sub":
            text, *variables = [value] if isinstance(value, str) else value
            return {key: [_substitute(text, stand_ins), *_replace(variables or [{}], stand_ins)]}
    return {key: _replace(value, stand_ins) for key, value in node.items()}


def _substitute(text: str, stand_ins: dict[str, dict[str, str]]) -> str:
    def value(match: re.Match[str]) -> str:
        name, _, attribute = match[1].partition(".")
        return stand_ins[name].get(attribute or "Ref", name) if name in stand_ins else match[0]

    return re.sub(r"\$\{([\w.]+)\}", value, text)


def _put_artifact() -> None:
    """moto refuses a function whose zip is not in S3; none of it is ever run from there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "")
    s3 = client("s3")
    s3.create_bucket(Bucket=ARTIFACT_BUCKET)
    s3.put_object(Bucket=ARTIFACT_BUCKET, Key=ARTIFACT_KEY, Body=buffer.getvalue())


def _create(stack: dict[str, Any], parameters: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Physical ids by logical id, and outputs by name."""
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK_NAME,
        TemplateBody=json.dumps(stack),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    made = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    outputs = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0].get("Outputs", [])
    physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made if "PhysicalResourceId" in r}
    return physical, {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _fix_buckets(plain: dict[str, Any], resources: dict[str, str]) -> None:
    """moto's CloudFormation drops EventBridgeConfiguration; S3 itself has it."""
    for name, resource in plain.items():
        notification = resource.get("Properties", {}).get("NotificationConfiguration", {})
        if resource["Type"] == "AWS::S3::Bucket" and name in resources and "EventBridgeConfiguration" in notification:
            client("s3").put_bucket_notification_configuration(
                Bucket=resources[name], NotificationConfiguration={"EventBridgeConfiguration": {}}
            )


def _fix_tables(plain: dict[str, Any], resources: dict[str, str]) -> None:
    """moto's CloudFormation drops TimeToLiveSpecification. (It never expires items either; the code checks on read.)"""
    for name, resource in plain.items():
        ttl = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] == "AWS::DynamoDB::Table" and name in resources and ttl:
            specification = {"Enabled": True, "AttributeName": ttl["AttributeName"]}
            client("dynamodb").update_time_to_live(TableName=resources[name], TimeToLiveSpecification=specification)


def _state_machines(ours: dict[str, Any], asked: dict[str, dict[str, str]], answers: dict[str, str]) -> dict[str, str]:
    """Made through the API: moto's CloudFormation would put them into the backend that never runs them."""
    made = {}
    for name, resource in ours.items():
        keys = asked.get(name, {})
        if resource["Type"] != "AWS::StepFunctions::StateMachine" or keys["definition"] not in answers:
            continue
        definition = answers[keys["definition"]]
        for key, output in keys.items():
            if key.startswith("$"):
                definition = definition.replace(f"${{{key[1:]}}}", answers[output])
        machine = client("stepfunctions").create_state_machine(
            name=name, definition=definition, roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/local", type="STANDARD"
        )
        made[name] = machine["stateMachineArn"]
    return made


def _mappings(ours: dict[str, Any], asked: dict[str, dict[str, str]], answers: dict[str, str]) -> list[QueueMapping]:
    found = []
    for name, resource in ours.items():
        keys = asked.get(name, {})
        if resource["Type"] != "AWS::Lambda::EventSourceMapping" or keys["EventSourceArn"] not in answers:
            continue
        properties = resource["Properties"]
        mapping = QueueMapping(
            queue_arn=answers[keys["EventSourceArn"]],
            function_name=answers[keys["FunctionName"]],
            batch_size=int(properties.get("BatchSize", 10)),
            partial_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", []),
            max_concurrency=int(properties.get("ScalingConfig", {}).get("MaximumConcurrency", 2)),
        )
        found.append(mapping)
    return found


def _functions(template: LocalTemplate, resources: dict[str, str], limits: dict[str, int]) -> list[FunctionConfig]:
    logical = {physical: name for name, physical in resources.items() if name in template.code}
    found = []
    for page in client("lambda").get_paginator("list_functions").paginate():
        for made in page["Functions"]:
            name = logical.get(made["FunctionName"])
            if name is None:
                continue
            layers = tuple(template.layers[layer["Arn"].split(":")[6]] for layer in made.get("Layers", []))
            variables = made.get("Environment", {}).get("Variables", {})
            found.append(_function(name, made, template.code[name], layers, variables, limits.get(name)))
    return found


def _function(
    name: str,
    made: dict[str, Any],
    code: Path,
    layers: tuple[Path, ...],
    variables: dict[str, str],
    reserved: int | None,
) -> FunctionConfig:
    return FunctionConfig(
        logical_id=name,
        name=made["FunctionName"],
        arn=made["FunctionArn"].removesuffix(":$LATEST"),
        handler=made["Handler"],
        runtime=made["Runtime"],
        memory_mb=int(made["MemorySize"]),
        timeout_s=int(made["Timeout"]),
        environment={key: rebase_opt(str(value), layers) for key, value in variables.items()},
        code=code,
        layers=layers,
        reserved=reserved,
    )
