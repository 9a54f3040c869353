"""What layers/runtime leaves of boto3's descriptions is enough for every call."""

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.loaders import JSONFileLoader, Loader

from devkit.running import ROOT

RUNTIME = ROOT / "layers" / "runtime"
_FOUND = re.search(r"^SERVICES := (.+)$", (RUNTIME / "Makefile").read_text("utf-8"), re.MULTILINE)
SERVICES = _FOUND[1].split() if _FOUND else []
# One of each partition, and the one whose S3 has an address of its own.
REGIONS = ("us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """botocore's data after the script, with one service more before it."""
    packages = tmp_path_factory.mktemp("packages")
    for package in (botocore, boto3):
        full, copy = Path(package.__file__).parent / "data", packages / package.__name__ / "data"
        copy.mkdir(parents=True)
        for file in full.glob("*.json"):
            shutil.copy(file, copy)
        for service in (*SERVICES, "sns"):
            if (full / service).is_dir():
                shutil.copytree(full / service, copy / service)
    subprocess.run([sys.executable, str(RUNTIME / "shrink_sdk.py"), str(packages), *SERVICES], check=True)
    assert not (packages / "boto3" / "data" / "sns").exists()
    return packages / "botocore" / "data"


class Unshared(JSONFileLoader):
    """Reads for itself: what the tests' process shares with moto has moto's additions in it."""

    def load_file(self, file_path: str) -> Any:
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return json.loads(plain.read_bytes())
        return json.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


def client(service: str, region: str, data: Path | None) -> Any:
    session = botocore.session.Session()
    paths = [] if data is None else [str(data)]
    loader = Loader(paths, file_loader=Unshared(), include_default_search_paths=data is None)
    session.register_component("data_loader", loader)
    return session.create_client(service, region, aws_access_key_id="id", aws_secret_access_key="key")


def without_prose(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {name: without_prose(one) for name, one in shape.items() if name != "documentation"}
    return shape


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_of_what_is_left_is_the_same(data: Path, service: str) -> None:
    for region in REGIONS:
        small, full = client(service, region, data), client(service, region, None)
        assert small.meta.endpoint_url == full.meta.endpoint_url
        assert small.meta.partition == full.meta.partition
        assert small.meta.config.signature_version == full.meta.config.signature_version
        assert small._request_signer.region_name == full._request_signer.region_name
    names = full.meta.service_model.operation_names
    assert small.meta.service_model.operation_names == names
    for name in names:
        ours, theirs = (one.meta.service_model.operation_model(name) for one in (small, full))
        for ours_shape, shape in ((ours.input_shape, theirs.input_shape), (ours.output_shape, theirs.output_shape)):
            assert (ours_shape is None) == (shape is None)
            if shape is not None:
                assert ours_shape._shape_model == without_prose(shape._shape_model)


class Body(io.BytesIO):
    """An answer's body as botocore reads it."""

    def __init__(self) -> None:
        super().__init__(b"")

    def stream(self, **_: Any) -> Any:
        yield self.read()


CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("describe_table", {"TableName": "table"}),
    "kms": ("describe_key", {"KeyId": "key"}),
    "s3": ("head_object", {"Bucket": "bucket", "Key": "key"}),
    "sagemaker-runtime": ("invoke_endpoint", {"EndpointName": "name", "Body": b""}),
    "secretsmanager": ("get_secret_value", {"SecretId": "secret"}),
    "sqs": ("get_queue_url", {"QueueName": "queue"}),
    "stepfunctions": ("describe_execution", {"executionArn": "arn"}),
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_call_goes_to_the_same_address(data: Path, service: str) -> None:
    sent = []

    def keep(request: Any, **rest: Any) -> AWSResponse:
        sent.append(request.url)
        return AWSResponse(request.url, 200, {}, Body())

    operation, parameters = CALLS[service]
    for one in (client(service, "eu-central-1", data), client(service, "eu-central-1", None)):
        one.meta.events.register("before-send", keep)
        getattr(one, operation)(**parameters)
    small, full = sent
    assert small == full


def test_other_services_and_prose_are_gone(data: Path) -> None:
    assert {folder.name for folder in data.iterdir() if folder.is_dir()} == set(SERVICES)
    endpoints = json.loads((data / "endpoints.json").read_bytes())
    named = {name for partition in endpoints["partitions"] for name in partition["services"]}
    assert {"s3", "dynamodb", "kms", "sqs", "states", "secretsmanager"} <= named
    assert len(named) == len(SERVICES)
    assert (
        "documentation"
        not in client("s3", "us-east-1", data).meta.service_model.operation_model("PutObject")._operation_model
    )


def test_a_service_that_boto3_does_not_know_fails_the_build(data: Path) -> None:
    command = [sys.executable, str(RUNTIME / "shrink_sdk.py"), str(data.parents[1]), "s4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "s4" in done.stderr
