"""The part of the template that moto creates, with stand-in values for the rest."""

import json
import re
from typing import Any

from localcloud.aws_account import ACCOUNT_ID, REGION, client

# What moto's CloudFormation creates closely enough to AWS.
_MADE_BY_MOTO = {
    "AWS::DynamoDB::Table",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
}
# Our own (the API, queue polling, the endpoint), created through moto's API instead (`premade`, state machines), or
# without a meaning here (log groups are files; resource policies are not enforced, but roles are: aws/guard.py). All
# other types are left out, and the start prints them: alarms, dashboards, budgets, autoscaling, usage plans.
MADE_BY_US = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::KMS::Key",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::Model",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}
_PASSWORD_OPTIONS = {
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "PasswordLength",
    "RequireEachIncludedType",
}


def optional(value: Any, condition: str | None) -> tuple[Any, str | None]:
    """A property's value and the condition that it is there at all: that of its Fn::If, or else `condition`."""
    match value:
        case {"Fn::If": [str(name), inner, {"Ref": "AWS::NoValue"}]}:
            return inner, name
    return value, condition


def is_made_by_moto(resource: dict[str, Any]) -> bool:
    """Whether moto's CloudFormation creates this resource as AWS does; it makes every key an encryption key."""
    encrypts = resource.get("Properties", {}).get("KeyUsage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"
    return resource["Type"] in _MADE_BY_MOTO and encrypts


def premade(ours: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Create the secrets and HMAC keys, which moto's CloudFormation cannot. Returns their Ref and GetAtt values."""
    made = {}
    for name, resource in ours.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SecretsManager::Secret":
            arn = client("secretsmanager").create_secret(Name=name, SecretString=_secret(properties))["ARN"]
            made[name] = {"Ref": arn, "Id": arn}
        elif resource["Type"] == "AWS::KMS::Key":
            key = client("kms").create_key(KeySpec=properties["KeySpec"], KeyUsage=properties["KeyUsage"])
            made[name] = {"Ref": key["KeyMetadata"]["KeyId"], "Arn": key["KeyMetadata"]["Arn"]}
    return made


def _secret(properties: dict[str, Any]) -> str:
    value = properties.get("SecretString")
    if isinstance(value, str):
        return value
    options = {k: v for k, v in properties.get("GenerateSecretString", {}).items() if k in _PASSWORD_OPTIONS}
    return str(client("secretsmanager").get_random_password(**options)["RandomPassword"])


class Questions:
    """Values of resources that moto does not create, resolved by it: each becomes an Output of the stack."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Any]] = {}

    def add(self, value: Any, condition: str | None) -> str:
        """The name of the output that will hold `value`."""
        name = f"Local{len(self.outputs)}"
        value = value if isinstance(value, dict) else str(value)  # moto's outputs take no numbers
        self.outputs[name] = {"Value": value} | ({"Condition": condition} if condition else {})
        return name

    def ask(self, logical_id: str, resource: dict[str, Any]) -> dict[str, str]:
        """Output names by property, for the properties needed of this type."""
        properties, condition = resource.get("Properties", {}), resource.get("Condition")
        match resource["Type"]:
            case "AWS::Lambda::EventSourceMapping":
                wanted = {key: properties[key] for key in ("EventSourceArn", "FunctionName")}
                wanted |= properties.get("ScalingConfig", {})
                return {key: self.add(value, condition) for key, value in wanted.items()}
            case "AWS::StepFunctions::StateMachine":
                asked = {f"${key}": self.add(v, condition) for key, v in _substitutions(properties).items()}
                asked["definition"] = self.add(_definition(properties), condition)
                return asked
            case "AWS::SageMaker::Endpoint":
                return {"stands": self.add("yes", condition)}
            case "AWS::SageMaker::Model":
                variables = properties["PrimaryContainer"].get("Environment", {})
                return {key: self.add(value, condition) for key, value in variables.items()}
            case "AWS::SageMaker::EndpointConfig":
                return self._ask_output(properties.get("AsyncInferenceConfig", {}))
            case _:
                return {}

    def _ask_output(self, config: dict[str, Any]) -> dict[str, str]:
        """The S3 addresses of an asynchronous endpoint's answers; empty for a realtime endpoint."""
        config, condition = optional(config, None)
        output = config.get("OutputConfig", {})
        return {key: self.add(output[key], condition) for key in ("S3OutputPath", "S3FailurePath") if key in output}


def _substitutions(properties: dict[str, Any]) -> dict[str, Any]:
    return dict(properties.get("DefinitionSubstitutions", {}))


def _definition(properties: dict[str, Any]) -> Any:
    return properties["DefinitionString"] if "DefinitionString" in properties else json.dumps(properties["Definition"])


def moto_stack(
    plain: dict[str, Any], ours: dict[str, Any], questions: Questions, known: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """The template for moto. `known` holds Ref and GetAtt values of existing resources."""
    kept = {name: r for name, r in plain["Resources"].items() if name not in ours}
    kept = {name: _without_gaps(_without_dependencies(r, set(ours))) for name, r in kept.items()}
    kept = _with_layers_named(kept)
    stack = {key: value for key, value in plain.items() if key in ("Parameters", "Conditions", "Mappings")}
    stand_ins = {name: _stand_in(name, r, known) for name, r in ours.items()}
    # The template's own outputs, except those about resources that do not exist here: the API's address differs.
    missing = {name: stand_in for name, stand_in in stand_ins.items() if name not in known}
    outputs = {name: o for name, o in plain.get("Outputs", {}).items() if _replace(o, missing) == o}
    stack |= {"Resources": kept, "Outputs": {**outputs, **questions.outputs}}
    replaced = _replace(stack, stand_ins)
    assert isinstance(replaced, dict)
    return replaced


def _with_layers_named(kept: dict[str, Any]) -> dict[str, Any]:
    """Replace references to layers in the functions' variables: moto puts the object there, and not its ARN."""
    layers = {
        name: r["Properties"].get("LayerName", name)
        for name, r in kept.items()
        if r["Type"] == "AWS::Lambda::LayerVersion"
    }
    arns = {name: {"Ref": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer:{layer}:1"} for name, layer in layers.items()}
    made = dict(kept)
    for name, resource in kept.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::Function" and "Environment" in properties:
            variables = _replace(properties["Environment"], arns)
            made[name] = {**resource, "Properties": {**properties, "Environment": variables}}
    return made


def _without_dependencies(resource: dict[str, Any], gone: set[str]) -> dict[str, Any]:
    depends = resource.get("DependsOn", [])
    left = [name for name in ([depends] if isinstance(depends, str) else depends) if name not in gone]
    rest = {key: value for key, value in resource.items() if key != "DependsOn"}
    return rest | ({"DependsOn": left} if left else {})


def _without_gaps(resource: dict[str, Any]) -> dict[str, Any]:
    """moto stumbles over a role's policy that Fn::If leaves out; here it is one that allows nothing."""
    if resource["Type"] != "AWS::IAM::Role":
        return resource
    policies = []
    for number, policy in enumerate(resource["Properties"].get("Policies", [])):
        inner, condition = optional(policy, None)
        nothing = {"PolicyName": f"Nothing{number}", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}
        policies.append({"Fn::If": [condition, inner, nothing]} if condition else inner)
    return {**resource, "Properties": {**resource["Properties"], "Policies": policies}}


def _stand_in(logical_id: str, resource: dict[str, Any], known: dict[str, dict[str, str]]) -> dict[str, str]:
    """Ref and GetAtt values of a resource that moto's CloudFormation does not create."""
    if logical_id in known:
        return known[logical_id]
    if resource["Type"] == "AWS::StepFunctions::StateMachine":
        arn = f"arn:aws:states:{REGION}:{ACCOUNT_ID}:stateMachine:{logical_id}"
        return {"Ref": arn, "Arn": arn, "Name": logical_id}
    if resource["Type"] == "AWS::SageMaker::Endpoint":
        return {"Ref": f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:endpoint/{logical_id}", "EndpointName": logical_id}
    name = "local" if resource["Type"].startswith("AWS::ApiGateway") else logical_id
    return {"Ref": name, "Arn": f"arn:aws:local:{REGION}:{ACCOUNT_ID}:{logical_id}"}


def _replace(node: Any, stand_ins: dict[str, dict[str, str]]) -> Any:
    """`node` with every Ref, Fn::GetAtt and ${...} to a missing resource replaced by text."""
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
