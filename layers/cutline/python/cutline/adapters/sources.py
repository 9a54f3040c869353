"""Pictures that a caller named instead of sending: an address on the network, or an upload of their own."""

from dataclasses import dataclass

from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.adapters.input_files import InputFiles, unreachable
from cutline.contracts.uploads import PREFIX, own_key
from cutline.errors import InputRefused, Reason


@dataclass(frozen=True)
class Sources:
    """`files` is None where no API takes an address."""

    policy: FetchPolicy
    files: InputFiles | None = None

    def read(self, url: str, account_id: str, max_bytes: int, *, once: bool = False) -> bytes:
        """Return the picture. `once` deletes an upload as soon as it has been read or found too large for it.

        Raises InputRefused(URL_UNREACHABLE | URL_TOO_LARGE), in the same words for every cause.
        """
        if not url.startswith(PREFIX):
            return fetch(url, max_bytes, self.policy)
        key = own_key(url, account_id)
        if key is None or self.files is None:
            raise unreachable()
        try:
            data = self.files.read(key, max_bytes)
        except InputRefused as refusal:
            if once and refusal.reason is Reason.URL_TOO_LARGE:
                self.files.delete(key)
            raise
        if once:
            self.files.delete(key)
        return data
