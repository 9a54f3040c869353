"""How a command ends when it cannot do what it was asked to."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_STATUS = "exit status: 0 done, 1 something failed (see stderr), 2 wrong arguments, 130 interrupted"


class CommandFailed(Exception):
    """The message is for the person who ran the command; status: the command's exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def interrupted_by_signals() -> None:
    """Let SIGTERM, which schedulers send, and SIGINT, which a shell's background jobs ignore, be KeyboardInterrupts."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


@contextmanager
def aws_errors_as_failures() -> Iterator[None]:
    """Wrap a block or decorate a function that calls AWS: raises CommandFailed in place of AWS's own exceptions."""
    # Here, because `cutline cut` needs none of AWS's libraries.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from cutline.adapters.dynamodb import ConditionFailed  # noqa: PLC0415

    try:
        yield
    except (ConditionFailed, ClientError, BotoCoreError) as error:
        raise CommandFailed(str(error)) from error
    except UnicodeEncodeError as error:  # an argument in another encoding
        raise CommandFailed(f"{error.object!r} is not valid Unicode") from error
