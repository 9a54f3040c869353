"""Rules of single AWS services that no checker of templates knows: each would stop or break a deployment."""

from typing import Any

from localcloud.stack.template import LocalTemplate
from tests.template.conftest import ROOT
from tests.template.test_template import as_list, of_type

Resources = dict[str, dict[str, Any]]


def test_a_policy_of_a_queue_names_that_queue_alone(resources: Resources) -> None:
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
    """README's table: isnet peaks at 1,714 MiB where the default is 1,769 MB."""
    rule = local.plain["Rules"]["IsnetNeedsMemory"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Model"}, "isnet"]}
    (assertion,) = rule["Assertions"]
    enough, asked = assertion["Assert"]["Fn::Contains"]
    memory = local.plain["Parameters"]["SyncMemoryMb"]
    assert asked == {"Ref": "SyncMemoryMb"}
    assert all(4000 <= int(value) <= memory["MaxValue"] for value in enough)
    assert all(value in assertion["AssertDescription"] for value in enough)
