"""Creates the template's stack in moto and corrects it where moto differs from AWS."""

import io
import json
import os
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.endpoint_process import EndpointConfig
from localcloud.aws.roles import Grant, read_boundary, read_grants
from localcloud.aws_account import ACCOUNT_ID, REGION, STACK_NAME, client
from localcloud.functions.sandbox import FunctionConfig
from localcloud.stack.stack import MADE_BY_US, Questions, is_made_by_moto, moto_stack, optional, premade
from localcloud.stack.template import ARTIFACT_BUCKET, ARTIFACT_KEY, LocalTemplate, rebase_opt

_GATEWAY = rf"https://local\.execute-api\.{REGION}\.amazonaws\.com(/\w+)?"


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
    """The created stack: `resources` are physical ids by logical id, `left_out` the resources that are not emulated.

    `grants` belong to the functions and to the state machine, whose logical id is `machine`; `bounds` are the
    boundaries of those that have one.
    """

    functions: list[FunctionConfig]
    resources: dict[str, str]
    mappings: list[QueueMapping]
    swagger: dict[str, Any]
    stage: str
    grants: dict[str, list[Grant]]
    buckets: set[str]
    endpoint: EndpointConfig | None = None
    machine: str = ""
    bounds: dict[str, list[Grant]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def deploy(template: LocalTemplate) -> Deployment:
    """Create the stack and read it back. The account must be empty."""
    plain = template.plain["Resources"]
    ours = {name: r for name, r in plain.items() if not is_made_by_moto(r)}
    questions = Questions()
    asked = {name: questions.ask(name, r) for name, r in ours.items() if r["Type"] in MADE_BY_US}
    reserved = {
        name: questions.add(*optional(r["Properties"]["ReservedConcurrentExecutions"], r.get("Condition")))
        for name, r in plain.items()
        if "ReservedConcurrentExecutions" in r.get("Properties", {})
    }
    omitted = {
        f"{name} ({r['Type']})": questions.add("yes", r.get("Condition"))
        for name, r in ours.items()
        if r["Type"] not in MADE_BY_US
    }
    notified = _notified_queues(plain, questions)
    known = premade(ours)
    stack = moto_stack(template.plain, ours, questions, known)
    _put_artifact()
    resources, answers = _create(stack, template.parameters)
    _fix_buckets(plain, resources, {name: [answers[key] for key in keys] for name, keys in notified.items()})
    _fix_tables(plain, resources)
    _fix_keys(plain, resources)
    machines = _state_machines(ours, asked, answers)
    resources |= {name: made["Ref"] for name, made in known.items()} | machines
    endpoint = _endpoint(ours, asked, answers)
    if endpoint is not None:
        resources[endpoint.name] = endpoint.name
    roles = {name: resources[f"{name}Role"] for name in (*template.code, *machines) if name in resources}
    bounds = {name: read_boundary(role) for name, role in roles.items()}
    limits = {name: int(answers[key]) for name, key in reserved.items() if key in answers}
    return Deployment(
        functions=_functions(template, resources, limits),
        resources=resources,
        mappings=_mappings(ours, asked, answers),
        swagger=next((r["Properties"]["Body"] for r in ours.values() if r["Type"] == "AWS::ApiGateway::RestApi"), {}),
        stage=next((r["Properties"]["StageName"] for r in ours.values() if r["Type"] == "AWS::ApiGateway::Stage"), ""),
        grants={name: read_grants(role) for name, role in roles.items()},
        bounds={name: bound for name, bound in bounds.items() if bound is not None},
        buckets={resources[name] for name, r in plain.items() if r["Type"] == "AWS::S3::Bucket" and name in resources},
        endpoint=endpoint,
        machine=next(iter(machines), ""),
        left_out=sorted(name for name, key in omitted.items() if key in answers),
    )


def _put_artifact() -> None:
    """Put an empty zip into S3: moto refuses a function without one, but the code runs from its folder."""
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
        # No YAML begins with a tab, so moto reads it as the JSON that it is: a tenth of the time.
        TemplateBody="\t" + json.dumps(stack),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    made = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    outputs = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0].get("Outputs", [])
    physical = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made if "PhysicalResourceId" in r}
    return physical, {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _notified_queues(plain: dict[str, Any], questions: Questions) -> dict[str, list[str]]:
    """By bucket, the outputs that will hold the addresses of the queues that it notifies."""
    return {
        name: [questions.add(config["Queue"], resource.get("Condition")) for config in _queue_configurations(resource)]
        for name, resource in plain.items()
        if resource["Type"] == "AWS::S3::Bucket"
    }


def _queue_configurations(bucket: dict[str, Any]) -> list[dict[str, Any]]:
    return list(bucket.get("Properties", {}).get("NotificationConfiguration", {}).get("QueueConfigurations", []))


def _fix_buckets(plain: dict[str, Any], resources: dict[str, str], queues: dict[str, list[str]]) -> None:
    """moto's CloudFormation drops NotificationConfiguration; S3 itself has it."""
    for name, arns in queues.items():
        if name not in resources or not arns:
            continue
        wanted = [
            {
                "QueueArn": arn,
                "Events": [config["Event"]],
                "Filter": {"Key": {"FilterRules": config.get("Filter", {}).get("S3Key", {}).get("Rules", [])}},
            }
            for config, arn in zip(_queue_configurations(plain[name]), arns, strict=True)
        ]
        client("s3").put_bucket_notification_configuration(
            Bucket=resources[name], NotificationConfiguration={"QueueConfigurations": wanted}
        )


def _fix_tables(plain: dict[str, Any], resources: dict[str, str]) -> None:
    """Set TimeToLiveSpecification through DynamoDB: moto's CloudFormation drops it. (moto expires no items.)"""
    for name, resource in plain.items():
        ttl = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if resource["Type"] == "AWS::DynamoDB::Table" and name in resources and ttl:
            specification = {"Enabled": True, "AttributeName": ttl["AttributeName"]}
            client("dynamodb").update_time_to_live(TableName=resources[name], TimeToLiveSpecification=specification)


def _fix_keys(plain: dict[str, Any], resources: dict[str, str]) -> None:
    """Set the keys' policy through KMS: moto's CloudFormation keeps it in a form that DescribeKey fails at."""
    root = {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}
    allow = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    for name, resource in plain.items():
        if resource["Type"] == "AWS::KMS::Key" and is_made_by_moto(resource) and name in resources:
            client("kms").put_key_policy(KeyId=resources[name], PolicyName="default", Policy=policy)


def _state_machines(ours: dict[str, Any], asked: dict[str, dict[str, str]], answers: dict[str, str]) -> dict[str, str]:
    """Create the state machines through the API: moto's CloudFormation uses a backend that never runs them."""
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
            max_concurrency=int(answers.get(keys.get("MaximumConcurrency", ""), 2)),
        )
        found.append(mapping)
    return found


def _endpoint(ours: dict[str, Any], asked: dict[str, dict[str, str]], answers: dict[str, str]) -> EndpointConfig | None:
    """The template's one SageMaker endpoint, named by its logical id, if its condition holds."""
    for name, resource in ours.items():
        if resource["Type"] != "AWS::SageMaker::Endpoint" or asked[name]["stands"] not in answers:
            continue
        parts = [asked[other] for other, r in ours.items() if r["Type"].startswith("AWS::SageMaker::")]
        values = {key: answers[output] for part in parts for key, output in part.items() if output in answers}
        del values["stands"]
        output, failure = (values.pop(key, "") for key in ("S3OutputPath", "S3FailurePath"))
        return EndpointConfig(name, values, output, failure)
    return None


def _at_home(value: str) -> str:
    """Return `value` with API Gateway's address, made of stand-ins for API and stage, replaced by this cloud's."""
    return re.sub(_GATEWAY, os.environ["AWS_ENDPOINT_URL"], value)


def _functions(template: LocalTemplate, resources: dict[str, str], limits: dict[str, int]) -> list[FunctionConfig]:
    made = {
        function["FunctionName"]: function
        for page in client("lambda").get_paginator("list_functions").paginate()
        for function in page["Functions"]
    }
    found = []
    for name, code in template.code.items():
        if name not in resources:
            continue  # its condition is false
        function, layers = made[resources[name]], template.layers[name]
        variables = function.get("Environment", {}).get("Variables", {})
        config = FunctionConfig(
            logical_id=name,
            name=function["FunctionName"],
            arn=function["FunctionArn"].removesuffix(":$LATEST"),
            handler=function["Handler"],
            runtime=function["Runtime"],
            memory_mb=int(function["MemorySize"]),
            timeout_s=int(function["Timeout"]),
            environment={key: _at_home(rebase_opt(str(value), layers)) for key, value in variables.items()},
            log_format=template.plain["Resources"][name]["Properties"]
            .get("LoggingConfig", {})
            .get("LogFormat", "Text"),
            code=code,
            layers=layers,
            reserved=limits.get(name),
        )
        found.append(config)
    return found
