"""The state machine that works tasks: starts executions and answers the state that waits for a worker."""

import json
from typing import Any

from botocore.exceptions import ClientError

# The execution went on or ended without this answer: the message came twice, or too late.
_TOO_LATE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class StateMachine:
    """Executions by task id: one task is never worked by two executions."""

    def __init__(self, stepfunctions: Any, machine_arn: str) -> None:
        self._stepfunctions = stepfunctions
        self._machine_arn = machine_arn

    def start(self, task_id: str) -> bool:
        """Starts the task's execution; False where there has been one that is over."""
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._machine_arn, name=task_id, input=json.dumps({"task_id": task_id})
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            return False
        return True

    def succeed(self, token: str) -> bool:
        """Lets the waiting state go on. False if it no longer waits."""
        return self._answer(self._stepfunctions.send_task_success, taskToken=token, output="{}")

    def fail(self, token: str, error: str, message: str) -> bool:
        """Fails the waiting state, in the form of a function's own error. False if it no longer waits."""
        cause = json.dumps({"errorType": error, "errorMessage": message})
        return self._answer(self._stepfunctions.send_task_failure, taskToken=token, error=error, cause=cause)

    @staticmethod
    def _answer(send: Any, **fields: str) -> bool:
        try:
            send(**fields)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TOO_LATE:
                raise
            return False
        return True
