"""A local cloud whose functions' temporary folders lie on a disk that can be filled and sealed.

The disk is a tmpfs of 256 KiB in a mount namespace of the cloud's own (util-linux's unshare and nsenter). Where no one
may mount one, the functions' own Python refuses what it is asked to write (`no_disk`): that says less, for it does not
see what is written without Python's knowing.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devkit.running import ROOT, RunningCloud

HOOK = Path(__file__).parent / "no_disk" / "sitecustomize.py"
_SIZE = 256 * 1024
_MOUNT = 'mkdir -p "$0/tmp" && mount --bind "$0" "$0" && mount -t tmpfs -o size=256k tmpfs "$0/tmp" && exec "$@"'
_LAYER = Path("layers") / "runtime"


@functools.cache
def can_be_mounted() -> bool:
    """Whether this machine lets us make such a namespace."""
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def means() -> str:
    """How disks are filled and sealed here, in words."""
    return "a tmpfs of 256 KiB" if can_be_mounted() else "refused by the functions' Python: nothing can be mounted here"


def on_a_small_disk(home: Path) -> list[str]:
    """What a cloud of the template in `home`, with its state there too, is to be run by."""
    if can_be_mounted():
        return ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(home / "state")]
    shutil.copytree(ROOT / _LAYER, home / _LAYER)
    (home / _LAYER / "python").mkdir()
    shutil.copy(HOOK, home / _LAYER / "python")
    return []


@contextmanager
def full(cloud: RunningCloud) -> Iterator[None]:
    """Not one byte is left on the small disk."""
    if not can_be_mounted():
        with _refused(cloud, "full"):
            yield
        return
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
    if not can_be_mounted():
        with _refused(cloud, "sealed"):
            yield
        return
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


@contextmanager
def _refused(cloud: RunningCloud, name: str) -> Iterator[None]:
    flag = cloud.state_dir.parent / _LAYER / "python" / name
    flag.touch()
    try:
        yield
    finally:
        flag.unlink()


def _wrote(descriptor: int) -> bool:
    try:
        return os.write(descriptor, bytes(4096)) > 0
    except OSError:
        return False


def _remount(cloud: RunningCloud, options: str, path: str) -> None:
    within = ["nsenter", "--target", str(cloud.process.pid), "--user", "--mount", "--preserve-credentials"]
    subprocess.run([*within, "mount", "-o", f"remount,{options}", path], check=True)
