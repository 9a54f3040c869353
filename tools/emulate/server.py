"""Starts LocalStack, with its own Python: `build/localstack/bin/python tools/emulate/server.py [PORT]`.

PORT is that of a DynamoDB elsewhere. LocalStack's own is a Java archive that it downloads; without a way there, its
requests are passed on to PORT. Nothing here imports from the repository, whose packages this environment lacks.
"""

import runpy
import sys


def main() -> None:
    """Becomes LocalStack."""
    if len(sys.argv) > 1:
        pass_dynamodb_on(int(sys.argv[1]))
    leave_functions_unprepared()
    sys.argv[1:] = []
    runpy.run_module("localstack.runtime.main", run_name="__main__")


def pass_dynamodb_on(port: int) -> None:
    """Take a server that runs already for LocalStack's own."""
    from localstack import config  # type: ignore[import-not-found]  # noqa: PLC0415
    from localstack.services.dynamodb import server  # type: ignore[import-not-found]  # noqa: PLC0415

    config.DYNAMODB_LOCAL_PORT = port
    server.DynamodbServer.start_dynamodb = lambda self: True
    server.DynamodbServer.stop_dynamodb = lambda self: None
    server.DynamodbServer.wait_for_dynamodb = lambda self: None


def leave_functions_unprepared() -> None:
    """Take every function for ready: only Docker would run it, and its runtime would be downloaded."""
    from localstack.services.lambda_.invocation import (  # type: ignore[import-not-found]  # noqa: PLC0415
        docker_runtime_executor,
    )

    docker_runtime_executor.DockerRuntimeExecutor.prepare_version = classmethod(lambda cls, version: None)


if __name__ == "__main__":
    main()
