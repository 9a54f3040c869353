"""AWS's models in a process that makes many sessions; tests/support/untraced.py has called `read_models_once`."""

import boto3
from botocore.loaders import create_loader


def test_sessions_share_what_was_read() -> None:
    first, second = (create_loader().load_data("sqs/2012-11-05/service-2") for _ in range(2))
    assert first is second
    assert first["metadata"]["endpointPrefix"] == "sqs"


def test_services_and_resources_are_found_where_each_library_has_them() -> None:
    session = boto3.Session()
    assert {"dynamodb", "s3", "stepfunctions"} <= set(session.get_available_services())
    assert {"dynamodb", "s3"} <= set(session.get_available_resources())
    assert "stepfunctions" not in session.get_available_resources()


def test_regions_are_known_without_ec2s_model() -> None:
    assert {"us-east-1", "eu-central-1"} <= set(boto3.Session().get_available_regions("ec2"))
