"""AWS as a test says it answers, by botocore's own models."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import boto3
from botocore.stub import Stubber

GONE = "Stack with id x does not exist"
REGION = "eu-central-1"


class Aws:
    """Clients that answer what a test has said, in that order, and fail at any other call."""

    def __init__(self, region: str = REGION) -> None:
        self.region = region
        self._session = boto3.Session("x", "x", region_name=region)
        self._stubs: dict[str, Stubber] = {}
        self._entered = ExitStack()

    def __call__(self, service: str) -> Any:
        if service not in self._stubs:
            self._stubs[service] = Stubber(self._session.client(service))
            self._entered.enter_context(self._stubs[service])
        return self._stubs[service].client

    def says(self, service: str, method: str, answer: Mapping[str, Any]) -> None:
        self(service)
        self._stubs[service].add_response(method, dict(answer))

    def refuses(self, service: str, method: str, code: str, message: str = "") -> None:
        self(service)
        self._stubs[service].add_client_error(method, code, message)

    def has(self, *names: str, state: str = "UPDATE_COMPLETE", **more: Any) -> None:
        """CloudFormation's answers: a stack of each name, or none where the name is empty."""
        for name in names:
            if name:
                made = {"StackName": name, "StackStatus": state, "CreationTime": "2026-11-22T00:00:00Z", **more}
                self.says("cloudformation", "describe_stacks", {"Stacks": [made]})
            else:
                self.refuses("cloudformation", "describe_stacks", "ValidationError", GONE)

    def close(self) -> None:
        self._entered.close()
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
