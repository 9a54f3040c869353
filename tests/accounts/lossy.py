"""A table on a bad line: writes that come twice, whose answers are lost, that are refused, or whose sender dies."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tools.memory_table import MemoryTable, client_error

# What may become of one write.
#   repeated   applied, its answer lost; the SDK sends it again and hears that answer
#   lost       applied, and no answer ever comes
#   unsent     not applied, and no answer comes
#   refused    not applied, and the table says so
#   killed     not applied, because the sender dies before it
#   died       applied, and the sender dies before it hears so
FATES = ("repeated", "lost", "unsent", "refused", "killed", "died")


class Killed(BaseException):
    """The process is no more. Nothing that is left of it may write."""


class LossyTable(MemoryTable):
    """Deals the fate that `fate` names to each write. After Killed, every write is the dead's and raises it again."""

    def __init__(self, name: str, *keys: str, fate: Callable[[str], str] = lambda _: "") -> None:
        super().__init__(name, *keys)
        self.fate = fate
        self.dead = False

    def put_item(self, **arguments: Any) -> Any:
        return self.deal("put", super().put_item, arguments)

    def delete_item(self, **arguments: Any) -> Any:
        return self.deal("delete", super().delete_item, arguments)

    def update_item(self, **arguments: Any) -> Any:
        return self.deal("update", super().update_item, arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        return self.deal("transact", super().transact_write_items, arguments)

    def get_item(self, **arguments: Any) -> Any:
        if self.dead:
            raise Killed
        return super().get_item(**arguments)

    def deal(self, kind: str, write: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """The write and its fate."""
        if self.dead:
            raise Killed
        fate = self.fate(f"{self.name} {kind}")
        if fate in ("killed", "died"):
            self.dead = True
        if fate == "refused":
            raise client_error("ThrottlingException", 400)
        if fate in ("repeated", "lost", "died"):
            answer = _quietly(write, arguments)
            if kind == "transact" and fate == "repeated":
                return answer  # its token tells the table that it has been here before
        if fate in ("lost", "unsent"):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        if self.dead:
            raise Killed
        try:
            return write(**arguments)
        except ClientError as error:
            error.response["ResponseMetadata"]["RetryAttempts"] = int(fate == "repeated")
            raise


def _quietly(write: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """A write whose answer nobody hears, a refusal included."""
    try:
        return write(**arguments)
    except ClientError:
        return None
