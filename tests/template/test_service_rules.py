"""Rules of single AWS services that no checker of templates knows: each would stop or break a deployment."""

from typing import Any

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
