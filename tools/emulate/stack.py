"""The transformed template in another emulator, resource by resource."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud.stack.template import ARTIFACT_BUCKET, ARTIFACT_KEY, load_template
from tools.conditions import settled

STACK = "cutline"
ROOT = Path(__file__).resolve().parents[2]
_DONE = "CREATE_COMPLETE"
_WAIT = {"Delay": 3, "MaxAttempts": 100}
Clients = Callable[[str], Any]


def create(clients: Clients) -> tuple[dict[str, str], bool]:
    """Create the stack. Returns physical names by logical id, and whether all is there; prints what is not."""
    plain = settled(load_template(ROOT / "template.yaml", {}).plain, {})
    put_artifacts(clients, plain)
    address = f"{clients('s3').meta.endpoint_url}/{ARTIFACT_BUCKET}/template.json"
    cloudformation = clients("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateURL=address, Capabilities=["CAPABILITY_IAM"])
    state = ended(cloudformation)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    found = [item for page in pages for item in page["StackResourceSummaries"]]
    made = [item for item in found if item["ResourceStatus"] == _DONE]
    print(f"Stack {state}: {len(made)} of {len(plain['Resources'])} resources created")
    for item in found:
        if item["ResourceStatus"] != _DONE:
            reason = item.get("ResourceStatusReason", "")
            print(f"  {item['ResourceStatus']} {item['LogicalResourceId']} ({item['ResourceType']}) {reason[:200]}")
    absent = Counter(
        plain["Resources"][name]["Type"]
        for name in set(plain["Resources"]) - {item["LogicalResourceId"] for item in found}
    )
    for kind, count in sorted(absent.items()):
        print(f"  not begun: {kind} ({count})")
    names = {item["LogicalResourceId"]: item.get("PhysicalResourceId", "") for item in made}
    return names, len(made) == len(plain["Resources"])


def ended(cloudformation: Any) -> str:
    """The stack's state once it changes no more."""
    from botocore.exceptions import WaiterError  # noqa: PLC0415 (rarely needed)

    try:
        cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=_WAIT)
    except WaiterError as error:
        print(f"  {error}")
    return str(cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])


def put_artifacts(clients: Clients, plain: dict[str, Any]) -> None:
    """Store the template, and a zip that stands for the code of every function and layer."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): ...\n")
    s3 = clients("s3")
    s3.create_bucket(Bucket=ARTIFACT_BUCKET)
    s3.put_object(Bucket=ARTIFACT_BUCKET, Key=ARTIFACT_KEY, Body=buffer.getvalue())
    s3.put_object(Bucket=ARTIFACT_BUCKET, Key="template.json", Body=json.dumps(plain, default=str).encode())
