"""A local cloud whose functions' temporary folders lie on a disk of 256 KiB, which can be filled and sealed.

The disk is a tmpfs in a mount namespace of the cloud's own (util-linux's unshare and nsenter). As on Lambda it is all
that the functions may write to once the rest is sealed.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.localcloud.running import RunningCloud

_SIZE = 256 * 1024
_MOUNT = 'mkdir -p "$0/tmp" && mount --bind "$0" "$0" && mount -t tmpfs -o size=256k tmpfs "$0/tmp" && exec "$@"'


def on_a_small_disk(state_dir: Path) -> list[str]:
    """What a cloud with this state folder is to be run by."""
    return ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(state_dir)]


def can_be_mounted() -> bool:
    """Whether this machine lets us make such a namespace."""
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def full(cloud: RunningCloud) -> Iterator[None]:
    """Not one byte is left on the small disk."""
    folder = Path(f"/proc/{cloud.process.pid}/root{cloud.state_dir.resolve()}/tmp")
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        while file.tell() < _SIZE and _wrote(file.fileno()):
            pass
    try:
        assert os.statvfs(folder).f_bavail == 0
        yield
    finally:
        filler.unlink()


@contextmanager
def sealed(cloud: RunningCloud) -> Iterator[None]:
    """Nothing can be written but the cloud's own state: not the small disk, not the code, nothing else of the root."""
    disk = str(cloud.state_dir.resolve() / "tmp")
    _remount(cloud, "ro", disk)
    _remount(cloud, "bind,ro", "/")
    try:
        root = f"/proc/{cloud.process.pid}/root"
        assert all(os.statvfs(root + path).f_flag & os.ST_RDONLY for path in ("/", disk))
        yield
    finally:
        _remount(cloud, "bind,rw", "/")
        _remount(cloud, "rw", disk)


def _wrote(descriptor: int) -> bool:
    try:
        return os.write(descriptor, bytes(4096)) > 0
    except OSError:
        return False


def _remount(cloud: RunningCloud, options: str, path: str) -> None:
    within = ["nsenter", "--target", str(cloud.process.pid), "--user", "--mount", "--preserve-credentials"]
    subprocess.run([*within, "mount", "-o", f"remount,{options}", path], check=True)
