"""Cutline: background removal behind the wire contracts of commercial APIs.

    contracts/   the wire: one module per API parses requests, renders answers and words refusals
    serving/     one synchronous call, from API Gateway's event to its answer
    tasks/       one background task, one file per state of flow.asl.json
    accounts/    credentials, signatures, rate, quota, charge
    adapters/    DynamoDB, S3, KMS, SageMaker, downloads
    pipeline/    one picture: decode, network, refine, foreground, compose, encode
    openapi/     the description of the APIs, and the facts that the playground works with
    commands/    the command `cutline`; batch/ is `cutline batch`

    bootstrap    builds what a function needs, from settings (environment)
    errors       every reason for a refusal or fault; limits; storage_keys: every name under which something is stored

A call: functions/<name>/app.py, serving/service.py, accounts/gate.py, contracts/<api>.py, serving/processors.py,
pipeline/cutout.py, adapters/result_store.py. A task: tasks/accept.py, prepare.py, queue.py and matte.py, finish.py and
charge.py, or fail.py.

Imports point one way: functions, then serving and tasks, then accounts and contracts, then pipeline. pipeline/ imports
no boto3, contracts/ and adapters/ no numpy.
"""

import os

__version__ = "0.1.0"

# onnxruntime tells its maker of its use, over the network, unless told otherwise before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
