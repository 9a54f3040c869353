"""Rules of single AWS services that no checker of templates knows: each would stop or break a deployment."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from devkit.running import ROOT
from localcloud.stack.template import LocalTemplate
from tests.support.template import as_list, of_type

Resources = dict[str, dict[str, Any]]
# Longest names by type and property, from the services' API references.
LONGEST = {
    ("AWS::SageMaker::Endpoint", "EndpointName"): 63,
    ("AWS::ApiGateway::RestApi", "Name"): 1024,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName"): 256,
    ("AWS::IAM::Policy", "PolicyName"): 128,
}
# CloudFormation's own limit for a stack's name, the longest region, and the parts of a stack's id that names use.
PSEUDO = {"AWS::StackName": "s" * 128, "AWS::Region": "ap-southeast-1", "AWS::StackId": f"arn:x/{'s' * 128}/12345678-1"}

# Imports all that functions may, and cuts out a square, where the modules of its arguments are not to be had.
_IMPORTS = f"""
import importlib, io, pkgutil, sys
sys.path.insert(0, {str(ROOT / "layers" / "cutline" / "python")!r})
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import cutline
for module in pkgutil.walk_packages(cutline.__path__, "cutline."):
    # Of the command line and the wheel's extras.
    if not {{"agents", "commands", "learn", "__main__"}} & set(module.name.split(".")):
        importlib.import_module(module.name)
from aws_lambda_powertools import Logger, Metrics, Tracer
import numpy as np
square = np.full((64, 64, 3), 240, np.uint8)
square[16:48, 16:48] = 200, 40, 30
cutline.Cutter().cut(square)
print("cut")
"""


def test_a_policy_of_a_queue_names_only_that_queue(resources: Resources) -> None:
    """SQS: "Each policy must cover only a single queue". With two resources in a statement it refuses the policy."""
    for name, policy in of_type(resources, "AWS::SQS::QueuePolicy").items():
        (queue,) = policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert as_list(statement["Resource"]) == [{"Fn::GetAtt": [queue["Ref"], "Arn"]}], name


def test_nothing_that_is_deployed_names_a_partition() -> None:
    """arn:aws: exists neither in China nor in GovCloud."""
    deployed = [ROOT / "template.yaml", *(ROOT / "functions").rglob("*"), *(ROOT / "layers").glob("*/python/**/*.py")]
    naming = [path for path in deployed if path.suffix in (".yaml", ".json", ".py") and "arn:aws" in path.read_text()]
    assert naming == []


def test_the_quality_tier_is_refused_without_the_memory_that_it_needs(local: LocalTemplate) -> None:
    """docs/speed.md's table: isnet peaks at 1,714 MiB where the default is 1,769 MB."""
    rule = local.plain["Rules"]["IsnetNeedsMemory"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Model"}, "isnet"]}
    (assertion,) = rule["Assertions"]
    enough, asked = assertion["Assert"]["Fn::Contains"]
    memory = local.plain["Parameters"]["SyncMemoryMb"]
    assert asked == {"Ref": "SyncMemoryMb"}
    assert all(4000 <= int(value) <= memory["MaxValue"] for value in enough)
    assert all(value in assertion["AssertDescription"] for value in enough)


def test_pictures_that_no_function_could_open_are_refused_where_they_are_put(resources: Resources) -> None:
    """No role may use another's key, and S3 calls such a picture forbidden, as it does one that is not there."""
    statements = resources["InputBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = {
        key: value
        for statement in statements
        if (statement["Effect"], statement["Action"], statement["Principal"]) == ("Deny", "s3:PutObject", "*")
        for condition in statement["Condition"].values()
        for key, value in condition.items()
    }
    assert denied == {
        "s3:x-amz-server-side-encryption": "aws:kms*",
        "s3:x-amz-server-side-encryption-customer-algorithm": "false",
    }
    encryption = resources["InputBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]


def longest(node: Any, parameters: dict[str, Any]) -> Any:
    """The longest text that a name can become."""
    match node:
        case {"Ref": str(name)}:
            allowed = parameters.get(name, {}).get("AllowedValues", ["x" * 200])
            return PSEUDO.get(name) or max(map(str, allowed), key=len)
        case {"Fn::Sub": template}:
            text, values = template if isinstance(template, list) else (template, {})
            return re.sub(r"\$\{([^}]+)\}", lambda m: longest(values.get(m[1], {"Ref": m[1]}), parameters), text)
        case {"Fn::Join": [str(by), inner]}:
            return by.join(longest(inner, parameters))
        case {"Fn::Split": [str(by), inner]}:
            return longest(inner, parameters).split(by)
        case {"Fn::Select": [int(index), inner]}:
            return longest(inner, parameters)[index]
    return str(node)


def test_no_name_can_become_longer_than_its_service_allows(local: LocalTemplate, resources: Resources) -> None:
    named = [
        (name, item["Type"], key, value)
        for name, item in resources.items()
        for key, value in item.get("Properties", {}).items()
        if re.fullmatch(r"(\w+)?Name", key) and (not isinstance(value, dict) or {"Fn::Sub", "Fn::Join"} & set(value))
    ]
    assert {kind for _, kind, _, _ in named} >= {"AWS::SageMaker::Endpoint", "AWS::CloudWatch::Dashboard"}
    for name, kind, key, value in named:
        if (kind, key) in LONGEST:
            assert len(longest(value, local.plain["Parameters"])) <= LONGEST[kind, key], name


@pytest.mark.parametrize(("given", "machine"), [([], "aarch64"), (["MACHINE=x86_64"], "x86_64")])
def test_the_runtime_layer_says_which_machine_it_was_built_for(given: list[str], machine: str) -> None:
    command = ["make", "--dry-run", "build-RuntimeLayer", "ARTIFACTS_DIR=/layer", *given]
    recipe = subprocess.run(command, cwd=ROOT / "layers" / "runtime", capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"manylinux\w+?_(aarch64|x86_64)", recipe)) == {machine}
    assert f'echo "{machine}" > "/layer/machine"' in recipe


def test_the_functions_import_nothing_that_the_runtime_layer_leaves_out() -> None:
    recipe = (ROOT / "layers" / "runtime" / "Makefile").read_text("utf-8")
    left_out = re.findall(r"/python/(\S*),([\w ./]+)", recipe)
    modules = {f"{parent}{name}".replace("/", ".") for parent, names in left_out for name in names.split()}
    modules = {name for name in modules if not name.endswith(".so.")}
    assert {"google", "packaging", "numpy.f2py", "onnxruntime.tools"} <= modules
    tried = subprocess.run([sys.executable, "-c", _IMPORTS, *modules], check=False, capture_output=True, text=True)
    assert (tried.returncode, tried.stdout) == (0, "cut\n"), tried.stderr


def test_the_runtime_layer_describes_every_service_that_is_called() -> None:
    makefile = (ROOT / "layers" / "runtime" / "Makefile").read_text("utf-8")
    services = re.search(r"^SERVICES := (.+)$", makefile, re.MULTILINE)
    code = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/cutline/python/cutline").rglob("*.py")]
    called = {
        match[1]
        for path in code
        if not {"commands", "batch"} & set(path.parts)  # run where boto3 is whole
        for match in re.finditer(r'(?:client|resource)\("([\w-]+)"', path.read_text("utf-8"))
    }
    assert services is not None
    assert set(services[1].split()) == called


def test_a_queue_hides_a_message_for_as_long_as_its_function_may_take(
    local: LocalTemplate, resources: Resources
) -> None:
    """Lambda refuses a mapping whose queue would hand the message out again while the function still has it."""
    for name, mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").items():
        queue = resources[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        hidden_s = queue["VisibilityTimeout"]
        if isinstance(hidden_s, dict):
            hidden_s = local.plain["Parameters"][hidden_s["Ref"]]["MinValue"]
        assert hidden_s >= resources[mapping["FunctionName"]["Ref"]]["Properties"]["Timeout"], name


def test_the_policies_of_a_role_fit_into_it(resources: Resources) -> None:
    """IAM: 10,240 characters over all inline policies of a role; references become ARNs of some 120."""
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        document = json.dumps(role.get("Policies", []), separators=(",", ":"))
        references = len(re.findall(r'"(?:Ref|Fn::GetAtt|Fn::Sub)"', document))
        assert len(document) + 120 * references < 10_240, name


def decided(node: Any) -> Any:
    """`node` with each Fn::If as the longer of what it may become."""
    match node:
        case {"Fn::If": [_, *branches]}:
            return max((decided(branch) for branch in branches), key=lambda branch: len(json.dumps(branch)))
        case dict():
            return {name: decided(value) for name, value in node.items()}
    return node


def test_the_variables_of_a_function_fit_into_it(resources: Resources) -> None:
    """Lambda: 4 KB over all names and values; FETCH_ALLOWED and PUBLIC_URL are the operator's, some 500 each."""
    for name, function in of_type(resources, "AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        text = json.dumps(decided(variables), separators=(",", ":"))
        references = len(re.findall(r'"(?:Ref|Fn::GetAtt|Fn::Sub)"', text))
        assert len(text) + 100 * references + 1000 < 4096, name
