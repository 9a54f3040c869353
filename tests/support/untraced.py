"""A plugin: botocore, and moto behind it, run at full speed; `untraced` does so for any function of others.

Measuring coverage slows every line that runs, and a call to an AWS service in memory is thousands of lines of
libraries. Tests with a cloud, whose functions run in other processes, are not measured at all.
"""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import boto3
import pytest
from botocore.client import BaseClient

from localcloud.aws.models import read_models_once

P = ParamSpec("P")
R = TypeVar("R")


def untraced(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, unseen by whatever traces the thread that calls it."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        trace = sys.gettrace()
        sys.settrace(None)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(trace)

    return call


def pytest_configure() -> None:
    read_models_once()
    BaseClient._make_api_call = untraced(BaseClient._make_api_call)
    boto3.Session.client = untraced(boto3.Session.client)
    boto3.Session.resource = untraced(boto3.Session.resource)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("http"):
            item.add_marker("no_cover")
