"""`cutline results-key`: the secret gets a private key, the operator its public one."""

import json

import boto3
import pytest
from moto import mock_aws

from cutline.adapters.signed_urls import public_text, read_keys
from cutline.commands import main


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_each_run_adds_a_key_and_keeps_the_one_that_signs(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="keys", SecretString="as CloudFormation made it")
        printed = []
        for _ in range(3):
            assert main(["results-key", "--results-keys", "keys"]) == 0
            printed.append(capsys.readouterr().out.strip())
        kept = read_keys(client.get_secret_value(SecretId="keys")["SecretString"])
    assert [public_text(key) for key in kept] == [printed[2], printed[1]]
    assert len(set(printed)) == 3


def test_without_the_parameter_there_is_no_secret_and_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        empty = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
        boto3.client("cloudformation").create_stack(StackName="cutline", TemplateBody=json.dumps(empty))
        assert main(["results-key"]) == 1
    assert "no output ResultsKeys" in capsys.readouterr().err
