"""What is kept next to stored results so that they can be mended, and their versions.

    m/<account>/<id>/<version>.zip           what a version was made of (cutline.pipeline.outputs.mend_file)
    m/<account>/<id>/<version>-<name>.<end>  a result's file of an earlier version; the newest lies under its own key

Each file of a result says in its metadata to which result it belongs, as which part and in which version. The version
of the main part is the result's: its write is the last one of a mend.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from cutline.adapters.result_store import ResultStore
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.storage_keys import MENDS

# Of an object's metadata.
_PART, _VERSION = "mend", "version"


@dataclass(frozen=True)
class Part:
    """One file of a result that can be mended. folder: where the result's versions are kept; etag: the file's."""

    key: str
    folder: str
    name: str
    version: int
    etag: str

    def of_version(self, version: int) -> str:
        """Return the key of the file in this version. Raises InputRefused(NOT_FOUND) for one that is yet to come."""
        if version > self.version:
            raise InputRefused(Reason.NOT_FOUND)
        if version == self.version:
            return self.key
        return self.earlier(version)

    def earlier(self, version: int) -> str:
        """Return the key under which this version of the file is once there is a later one."""
        return f"{self.folder}/{version}-{self.name}{self.key[self.key.rindex('.') :]}"


def part_metadata(result_id: str, name: str, version: int = 1) -> dict[str, str]:
    """Return the metadata by which a file is known as a part of a result."""
    return {_PART: f"{result_id}/{name}", _VERSION: str(version)}


def version_of(metadata: Mapping[str, str]) -> int:
    """Return the version of a result's file by its metadata; 1 of a file that cannot be mended."""
    return int(metadata.get(_VERSION, "1"))


def account_of(key: str) -> str:
    """Return the account whose file this is, of a call or of a drop."""
    return key.partition("/")[2].partition("/")[0]


def find_part(results: ResultStore, key: str) -> Part:
    """Return what is known of a result's file. Raises InputRefused(NOT_FOUND | NOT_KEPT) and ServiceFault."""
    etag, metadata = results.metadata(key)
    if _PART not in metadata:
        raise InputRefused(Reason.NOT_KEPT)
    result_id, _, name = metadata[_PART].partition("/")
    return Part(key, f"{MENDS}{account_of(key)}/{result_id}", name, version_of(metadata), etag)


def key_of_version(results: ResultStore, key: str, version: int) -> str:
    """Return the key of a result's file in this version. Raises InputRefused(NOT_FOUND) and ServiceFault."""
    try:
        return find_part(results, key).of_version(version)
    except InputRefused as error:
        # A file that cannot be mended has a first version all the same.
        if error.reason is Reason.NOT_KEPT and version == 1:
            return key
        raise InputRefused(Reason.NOT_FOUND) from error


@contextmanager
def not_kept() -> Iterator[Callable[[str], dict[str, str]]]:
    """In place of `MendStore.keeping` for a result that cannot be mended."""
    yield lambda _: {}


@dataclass(frozen=True)
class MendStore:
    """Keeps and finds the versions of results."""

    results: ResultStore
    logger: Logger

    @contextmanager
    def keeping(self, account_id: str, result_id: str, file: bytes) -> Iterator[Callable[[str], dict[str, str]]]:
        """Store a result's first version while its files are stored; yield what makes a file's metadata of its name.

        A failure is logged: the result is served all the same, and a mend of it is refused.
        """
        pool = ThreadPoolExecutor(1)
        storing = pool.submit(self.put, f"{MENDS}{account_id}/{result_id}", 1, file)
        pool.shutdown(wait=False)
        try:
            yield lambda name: part_metadata(result_id, name)
        finally:
            try:
                storing.result()
            except ServiceFault:
                self.logger.exception("keeping what a mend needs failed")

    def put(self, folder: str, version: int, file: bytes) -> None:
        """Store what a version was made of. Raises ServiceFault(STORE_FAILED)."""
        self.results.put_at(f"{folder}/{version}.zip", file, "application/zip")

    def get(self, folder: str, version: int) -> bytes:
        """Return what a version was made of. Raises InputRefused(NOT_KEPT) and ServiceFault(STORE_FAILED)."""
        try:
            return self.results.find(f"{folder}/{version}.zip")
        except InputRefused as error:
            raise InputRefused(Reason.NOT_KEPT) from error

    def replace(self, part: Part, version: int, file: bytes, content_type: str, metadata: Mapping[str, str]) -> None:
        """Store a file in a new version, and its present one as an earlier one. Raises ServiceFault(STORE_FAILED).

        A mend that died may have stored the file already; then the earlier one is in its place. A file that a new drop
        of the same name has replaced meanwhile stays, and one that was deleted is gone: InputRefused(NOT_FOUND).
        """
        if part.version < version:
            self.results.copy(part.key, part.earlier(part.version))
        known = part_metadata(part.folder.rpartition("/")[2], part.name, version)
        try:
            self.results.put_at(part.key, file, content_type, {**metadata, **known}, part.etag)
        except InputRefused:
            # The SDK repeats a write whose answer was lost, and then finds its own file.
            present = find_part(self.results, part.key)
            if (present.folder, present.version) != (part.folder, version):
                raise
