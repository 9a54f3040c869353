"""Decodes untrusted images in a child process, so that a timeout, crash or resource limit kills only the child.

Decoders and littlecms are native code: while they run, no signal's handler does, so a deadline in the same process
comes too late, and a crash takes the answer with it. Here the caller waits for a socket instead. Whatever interrupts
the wait kills the decoder, and the next picture gets a new one.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import math
import mmap
import os
import resource
import signal
import socket
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import numpy as np

from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.limits import KIB, MIB, PictureLimits
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.codecs.file_metadata import FileMetadata
from cutline.pipeline.codecs.memory import keep_freed_memory
from cutline.pipeline.options import Depth, MetadataMode
from cutline.pipeline.timing import SLOWDOWN

# The slowest well-formed picture of 4096 x 4096 takes 0.6 s.
_CPU_LIMIT_S = 10
# A picture of 4096 x 4096 may need 302 MiB, 19 bytes a pixel (`decode_image`); only `max_pixels` admits larger ones.
_MEMORY_BYTES, _BYTES_PER_PX = 512 * MIB, 28
# What the kernel and the C library send a process that overran its limit or tripped over its input.
_BROKEN_BY_INPUT = frozenset(
    {signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP}
)
_TRIES = 2
_MESSAGE_BYTES = 64 * KIB
# The decoder keeps the memory of smaller pictures for the next one.
_LARGE_BYTES = 16 * MIB


class _Gone(Exception):
    """The other end of the socket is closed."""


@dataclass(frozen=True)
class _Worker:
    pid: int
    line: socket.socket


class Decoder:
    """One process that decodes, forked on first use and again after it was killed. One picture at a time."""

    def __init__(self, cpu_limit_s: int = _CPU_LIMIT_S) -> None:
        self._cpu_limit_s = cpu_limit_s
        self._lock = Lock()
        self._worker: _Worker | None = None

    def start(self) -> None:
        """Forks now; best before networks are opened, whose memory and threads the fork would have to copy."""
        with self._lock:
            self._started()

    def decode(self, data: bytes, limits: PictureLimits, metadata: MetadataMode = "none", depth: Depth = 8) -> Picture:
        """Return or raise what `decode_image` does; a file that costs too much or breaks its decoder is corrupt.

        A decoder that was killed is replaced, once for a picture.

        Raises:
            InputRefused: for the picture.
            ServiceFault: where the second process was killed too; not to be tried again.
        """
        with self._lock:
            for _ in range(_TRIES):
                try:
                    return self._ask(data, limits, {"metadata": metadata, "depth": depth})
                except InputRefused:
                    raise
                except (_Gone, ConnectionError) as error:
                    if self._stop() in _BROKEN_BY_INPUT:
                        raise InputRefused(Reason.IMAGE_CORRUPT, "The picture cannot be decoded.") from error
                except BaseException:
                    # A deadline, as a rule: what the process is busy with is of no use any more.
                    self._stop()
                    raise
        raise ServiceFault(Reason.INTERNAL, "two decoders were killed over one picture", retry=False)

    def _ask(self, data: bytes, limits: PictureLimits, extras: dict[str, Any]) -> Picture:
        line = self._started().line
        cpu_limit_s = math.ceil(self._cpu_limit_s * SLOWDOWN.cpu)
        _send(line, {**_limits_as_json(limits), "cpu_limit_s": cpu_limit_s, **extras}, data)
        return _received_picture(line)

    def close(self) -> None:
        """Ends the process, if there is one."""
        with self._lock:
            self._stop()

    def hang_up(self) -> None:
        """Closes the socket, upon which the process ends. For the end of this process."""
        if self._worker is not None:
            self._worker.line.close()

    def _started(self) -> _Worker:
        if self._worker is not None and _is_alive(self._worker.pid):
            return self._worker
        if self._worker is not None:
            self._worker.line.close()
            self._worker = None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with warnings.catch_warnings():
            # Python warns of a fork while other threads run. The child uses no lock that those may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _work(theirs)
        theirs.close()
        self._worker = _Worker(pid, ours)
        return self._worker

    def _stop(self) -> int:
        """Kills the process, unless it has ended by itself. The signal that ended it, or 0."""
        worker, self._worker = self._worker, None
        if worker is None:
            return 0
        worker.line.close()
        # One that broke was on its way out before its end of the socket closed, so this changes nothing for it.
        os.kill(worker.pid, signal.SIGKILL)
        _, status = os.waitpid(worker.pid, 0)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def _is_alive(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


_decoder = Decoder()
atexit.register(_decoder.hang_up)


def start_decoder() -> None:
    """Starts the process that `decode_in_subprocess` uses. For INIT."""
    _decoder.start()


def decode_in_subprocess(
    data: bytes, limits: PictureLimits, metadata: MetadataMode = "none", depth: Depth = 8
) -> Picture:
    """`decode_image` in a process of its own. Raises InputRefused and, where that process ends, ServiceFault."""
    return _decoder.decode(data, limits, metadata, depth)


def _work(line: socket.socket) -> NoReturn:
    """Decode in the child until its parent is gone."""
    try:
        for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: meant for the parent
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        kept = line.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, 1 << 16)
        keep_freed_memory()
        c_library = ctypes.CDLL(None)
        while True:
            if _answer_one(line) > _LARGE_BYTES:
                # Else it keeps up to 150 MiB of a large picture that it has sent.
                c_library.malloc_trim(0)
    except (_Gone, OSError):
        pass
    except Exception:  # the end of a process, which its log has to explain
        traceback.print_exc()
    finally:
        os._exit(0)


def _answer_one(line: socket.socket) -> int:
    """Decodes a picture; the bytes of its colours."""
    order, shared = _receive(line)
    data = bytes(shared)
    _limit(resource.RLIMIT_CPU, int(time.process_time()) + 1 + order.pop("cpu_limit_s"))
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    extras = order.pop("metadata"), order.pop("depth")
    limits = PictureLimits(**{**order, "formats": frozenset(order["formats"])})
    memory = max(_MEMORY_BYTES, _BYTES_PER_PX * (limits.max_pixels or 0))
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    try:
        picture = decode_image(data, limits, *extras)
    except InputRefused as error:
        _send(line, {"reason": error.reason.value, "detail": error.detail})
        return _LARGE_BYTES + 1  # how large it was is not known
    height, width = picture.rgb_u8.shape[:2]
    alpha = () if picture.alpha_u8 is None else (picture.alpha_u8.data,)
    facts = {
        "height": height,
        "width": width,
        "alpha": bool(alpha),
        "format": picture.format,
        "colour_space": picture.colour_space,
    }
    kept = picture.metadata
    if kept is not None:
        facts["metadata"] = [len(kept.exif), len(kept.xmp), kept.dpi, kept.left_out]
    deep = () if picture.rgb_u16 is None else (picture.rgb_u16.data,)
    facts["deep"] = bool(deep)
    # The deep colours first, where they are aligned.
    _send(line, facts, *deep, picture.rgb_u8.data, *alpha, *(() if kept is None else (kept.exif, kept.xmp)))
    return picture.rgb_u8.nbytes


def _limit(kind: int, soft: int) -> None:
    """Sets a soft limit, no higher than the hard one."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _limits_as_json(limits: PictureLimits) -> dict[str, Any]:
    return {**asdict(limits), "formats": sorted(limits.formats)}


def _received_picture(line: socket.socket) -> Picture:
    facts, shared = _receive(line)
    if "reason" in facts:
        raise InputRefused(Reason(facts["reason"]), facts["detail"])
    height, width = facts["height"], facts["width"]
    rgb_u16 = None
    begin = height * width * 6 if facts["deep"] else 0
    if begin:
        rgb_u16 = np.frombuffer(shared, np.uint16, height * width * 3).reshape(height, width, 3)
    pixels_u8 = np.frombuffer(shared, np.uint8, offset=begin)
    rgb_u8 = pixels_u8[: height * width * 3].reshape(height, width, 3)
    end = height * width * (4 if facts["alpha"] else 3)
    alpha_u8 = pixels_u8[height * width * 3 : end].reshape(height, width) if facts["alpha"] else None
    metadata = _received_metadata(facts["metadata"], shared[begin + end :]) if "metadata" in facts else None
    return Picture(rgb_u8, alpha_u8, facts["format"], facts["colour_space"], metadata, rgb_u16)


def _received_metadata(known: list[Any], parts: bytes) -> FileMetadata:
    exif_bytes, xmp_bytes, dpi, left_out = known
    exif, xmp = parts[:exif_bytes], parts[exif_bytes : exif_bytes + xmp_bytes]
    return FileMetadata(exif, xmp, None if dpi is None else (dpi[0], dpi[1]), tuple(left_out))


def _send(line: socket.socket, document: dict[str, Any], *payloads: bytes | memoryview) -> None:
    """Send one message, with its payloads in memory that both ends may map: a socket would copy each byte twice."""
    shared = os.memfd_create("cutline")
    try:
        for payload in payloads:
            left = memoryview(payload).cast("B")
            while left:
                left = left[os.write(shared, left) :]
        socket.send_fds(line, [json.dumps(document).encode()], [shared])
    finally:
        os.close(shared)


def _receive(line: socket.socket) -> tuple[dict[str, Any], mmap.mmap | bytes]:
    """Receive one message and its payloads, end to end. Raises _Gone."""
    message, files, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 1)
    if not message:
        raise _Gone
    try:
        size = os.fstat(files[0]).st_size
        shared = mmap.mmap(files[0], size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE) if size else b""
    finally:
        os.close(files[0])
    return json.loads(message), shared
