"""Cutline: background removal behind the wire contracts of commercial APIs.

    contracts/    the wire formats: one module per API parses requests and renders responses and errors
    serving/      one synchronous call, from API Gateway's event to its response
    tasks/        one background task, one file per state of flow.asl.json
    accounts/     credentials, signatures, rate, quota, charge
    adapters/     AWS services and HTTP downloads
    pipeline/     one picture: decode, network, refine, foreground, compose, encode
    openapi/      the OpenAPI document, and the data of the playground
    commands/     the command `cutline`; batch/, review/, live/ and agents/ hold the work of some

    library       `from cutline import remove_background`
    local_pictures  pictures and backgrounds as callers on this machine name them
    bootstrap     builds the services of a function from its settings
    settings      a function's environment variables, checked at start; environment: their parsing
    errors        every reason for a refusal or fault
    limits        bounds of pictures
    local_file    files of commands and the library, read within a bound and written whole
    storage_keys  every name under which something is stored
    resources     locations of networks and template, for commands and the library

A call: functions/<name>/app.py, serving/service.py, accounts/gate.py, contracts/<api>.py, serving/processors.py,
pipeline/outputs/files.py, adapters/result_store.py. A task: tasks/accept.py, prepare.py, queue.py and matte.py,
finish.py and charge.py, or fail.py.

Imports point one way: functions, then serving and tasks, then accounts and contracts, then pipeline. pipeline/ imports
no boto3, contracts/ and adapters/ no numpy.
"""

import gc
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutline.library import Cut as Cut
    from cutline.library import Cutter as Cutter
    from cutline.library import remove_background as remove_background

__all__ = ["Cut", "Cutter", "__version__", "remove_background"]
__version__ = "0.1.0"

# onnxruntime sends telemetry over the network unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# A function's imports make half a million objects that stay. Searching them for cycles again and again would take a
# seventh of INIT, so the search waits until there are many; `cutline.bootstrap` ends that.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.set_threshold(200_000)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """The library's names, on demand: a function that only counts calls must not wait for the networks' imports."""
        if name.startswith("_") or name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from cutline import library  # noqa: PLC0415

        return getattr(library, name)
