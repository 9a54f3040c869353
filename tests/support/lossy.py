"""A table on a bad line: writes that come twice, whose answers are lost, that are refused, or whose sender dies."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from devkit.memory_table import MemoryTable, client_error

# What may become of one write.
#   repeated   applied, its answer lost; the SDK sends it again and gets that answer
#   lost       applied, and no answer ever comes
#   unsent     not applied, and no answer comes
#   refused    not applied, and the table says so
#   killed     not applied, because the sender dies before it
#   died       applied, and the sender dies before the answer
FATES = ("repeated", "lost", "unsent", "refused", "killed", "died")


class Killed(BaseException):
    """The process is no more. Nothing of it may write any more."""


class Line:
    """The line between a process and what it writes to; `fate` names the fate of each write.

    After a death every write is the dead one's and raises Killed again, until `dead` is reset.
    """

    def __init__(self, fate: Callable[[str], str] = lambda _: "") -> None:
        self.fate = fate
        self.dead = False

    def send(self, kind: str, write: Callable[..., Any], arguments: dict[str, Any], *, tokened: bool = False) -> Any:
        """The answer to the write, if its fate lets it have one. `tokened`: a repeat is known for one."""
        if self.dead:
            raise Killed
        fate = self.fate(kind)
        if fate == "killed":
            self.dead = True
            raise Killed
        if fate == "refused":
            raise client_error("ThrottlingException", 400)
        if fate == "unsent":
            raise ReadTimeoutError(endpoint_url=f"https://{kind}")
        if fate in ("repeated", "lost", "died"):
            answer = _quietly(write, arguments)
            if tokened and fate == "repeated" and not isinstance(answer, ClientError):
                return answer
        if fate == "lost":
            raise ReadTimeoutError(endpoint_url=f"https://{kind}")
        if fate == "died":
            self.dead = True
            raise Killed
        try:
            return write(**arguments)
        except ClientError as error:
            error.response["ResponseMetadata"]["RetryAttempts"] = int(fate == "repeated")
            raise


class LossyTable(MemoryTable):
    """A table at the end of such a line."""

    def __init__(self, name: str, *keys: str, line: Line | None = None) -> None:
        super().__init__(name, *keys)
        self.line = line or Line()

    def put_item(self, **arguments: Any) -> Any:
        return self.line.send(f"{self.name} put", super().put_item, arguments)

    def delete_item(self, **arguments: Any) -> Any:
        return self.line.send(f"{self.name} delete", super().delete_item, arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self.line.send(f"{self.name} update", super().update_item, arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        return self.line.send(f"{self.name} transact", super().transact_write_items, arguments, tokened=True)

    def get_item(self, **arguments: Any) -> Any:
        if self.line.dead:
            raise Killed
        return super().get_item(**arguments)


def _quietly(write: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """The answer that a lost write would have had, a refusal included."""
    try:
        return write(**arguments)
    except ClientError as error:
        return error
