"""The simulated AWS account: region, number, credentials, address, clients."""

import functools
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
STACK_NAME = "cutline"
HOST = "127.0.0.1"
ACCESS_KEY = "LOCALCLOUD"
SECRET_KEY = "localcloud-secret"
# In the state folder; `make run` says how to use it.
OPERATOR_FILE = "operator.env"
# What the guides' examples call the stack's buckets.
BUCKETS = {"INPUT_BUCKET": "InputBucket", "OUTPUT_BUCKET": "OutputBucket"}


def endpoint_url(port: int) -> str:
    """The address of all the account's services."""
    return f"http://{HOST}:{port}"


def credentials_environment(port: int, access_key: str = ACCESS_KEY) -> dict[str, str]:
    """The variables that point every AWS SDK at the local account and away from the user's own profile."""
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint_url(port),
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        # The user's proxy must not see (or break) calls to 127.0.0.1.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def write_operator_file(path: Path, port: int, package: Path, resources: Mapping[str, str]) -> None:
    """Write a file for `. FILE` in a shell: points the shell at the local account and defines the command `cutline`.

    The shell also gets the names of the buckets among `resources`, which the guides' examples use.
    """
    buckets = {name: resources[logical] for name, logical in BUCKETS.items() if logical in resources}
    names = {**credentials_environment(port), **buckets, "PYTHONPATH": str(package)}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in names.items())
    path.write_text(f'{exports}cutline() {{ {shlex.quote(sys.executable)} -m cutline "$@"; }}\n', "utf-8")


def enter_account(port: int) -> None:
    """Point this process and its children at the local account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(credentials_environment(port))
    # moto's Step Functions interpreter calls http://localhost:$MOTO_PORT.
    os.environ["MOTO_PORT"] = str(port)


@functools.cache
def client(service: str, access_key: str = ACCESS_KEY) -> Any:
    """The boto3 client of the local account, the operator's or a function's; call it after `enter_account`."""
    import boto3  # noqa: PLC0415 (the environment must be set first)

    return boto3.client(service, aws_access_key_id=access_key, aws_secret_access_key=SECRET_KEY)
