"""The product's AWS account on one machine: the real template.yaml, one process, one port, no Docker. Linux only.

    stack/      template, translate  template.yaml -> plain CloudFormation, offline
                stack, deploy  CloudFormation -> resources in moto, then read back
    functions/  runtime, sandbox, runtime_api, launch  Lambda: each sandbox is a real awslambdaric process
                events  SQS event source mappings
    api/        gateway, routes, proxy_event  API Gateway: the REST API and its limits, at / and below its stage
    aws/        front, presign  the one port for Lambda, the API and moto's AWS services
                guard, roles, needs  refuse a call that the caller's role does not permit
                sagemaker, endpoint_process  the endpoint: the real serve.py on the CPU, called directly or through S3
                atomic, faults, tally  one DynamoDB request at a time; faults on purpose; counted calls

    __main__, cloud  start and stop everything          aws_account  region, credentials, clients
    welcome, sign    the text at the start, signed curl calls

Roles are enforced: the inline policies of the functions' and the state machine's roles.

Not emulated: managed, bucket, queue and key policies, usage plans, API keys and method throttling, request validation,
mapping templates, WAF, X-Ray, alarms and dashboards, autoscaling, schedules, EventBridge, S3 and DynamoDB expiry,
asynchronous retries and destinations, and Amazon Linux: functions run on this machine's Python and its full CPU. Of
Signature Version 2 presigned URLs only the time is checked.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The repository's folder of the package `cutline`; an installed one is next to this package.
PACKAGE = ROOT / "layers" / "cutline" / "python" if (ROOT / "layers").is_dir() else ROOT
# Here, because the README's commands are typed without PYTHONPATH.
if str(PACKAGE) not in sys.path:
    sys.path.insert(0, str(PACKAGE))
