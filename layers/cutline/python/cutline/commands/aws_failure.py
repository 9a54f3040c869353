"""AWS's refusals, told like any other failure of a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from cutline.adapters.dynamodb import ConditionFailed
from cutline.commands.failure import CommandFailed


@contextmanager
def aws_failures_told() -> Iterator[None]:
    """Around or above a function that calls AWS. Raises CommandFailed in place of AWS's own exceptions."""
    try:
        yield
    except (ConditionFailed, ClientError, BotoCoreError) as error:
        raise CommandFailed(str(error)) from error
