"""Describes an operation of any API: its body, its parameters, and every response that the contract's code makes."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cutline.contracts.wire import Contract, Job, Outcome, Progress, Quota, Response
from cutline.errors import MattingError
from cutline.limits import MIB
from cutline.openapi import examples
from cutline.openapi.schema import Schema, one_of, ref

_BODY_LIMIT = "A synchronous call's body may have up to about 4.4 MiB."
_TOO_LARGE = 413
# Formats that some deployments do not decode.
_FORMATS = {"HEIF": "HEIF (HEIC) if the deployment supports it"}
# The file name in examples of an operation that returns the file itself.
SAVED_AS = "x-saved-as"


@dataclass(frozen=True)
class Api:
    """One API, for the description of its operations.

    job, outcome: the call behind the examples, and its outcome
    shapes: schemas of responses with the status of success; success first, for readers
    fault: the schema of all other responses, except those with a status in `faults`
    headers: components of the API's own headers, by the header's name
    more: responses other than success and errors, by the name of the example
    files: content types of a response that is the result itself
    """

    contract: Contract
    job: Job
    outcome: Outcome
    shapes: tuple[str, ...]
    fault: str
    faults: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Response] = field(default_factory=dict)
    files: tuple[str, ...] = ()


def operation(api: Api, name: str, summary: str, description: str, **more: Any) -> dict[str, Any]:
    """Return the OpenAPI operation of a call that sends a picture."""
    return {
        "operationId": name,
        "tags": [api.contract.TITLE],
        "summary": summary,
        "description": f"{description}\n\nPictures: {limits_in_words(api.contract)} {_BODY_LIMIT}",
        "security": [{security_name(api.contract): []}],
        **more,
        "responses": responses(api),
    }


def limits_in_words(contract: Contract) -> str:
    """Return the contract's limits on pictures as a sentence."""
    limits = contract.LIMITS
    size = f"{limits.max_bytes // MIB} MiB" if limits.max_bytes % MIB == 0 else f"{limits.max_bytes:,} bytes"
    sides = f"{limits.min_side_px} to {limits.max_side_px} pixels per side"
    formats = [_FORMATS.get(name, name) for name in sorted(limits.formats)]
    return f"{', '.join(formats)}; {sides}; up to {size}."


def body(content: dict[str, tuple[Schema, Any]]) -> dict[str, Any]:
    """Return a required body: schema and example by content type."""
    media = {kind: {"schema": schema, "example": example} for kind, (schema, example) in content.items()}
    return {"required": True, "content": media}


def responses(api: Api) -> dict[str, Any]:
    """Return the OpenAPI responses, made by the contract's own code and sorted by HTTP status."""
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    success = api.contract.render(examples.REQUEST, api.job, api.outcome)
    for name, answer in {"success": success, **api.more}.items():
        # A response that is the result itself has no example.
        found[answer.status] |= {name: json.loads(answer.body)} if _is_json(answer) else {}
    progress = Progress(api.job, Quota(500))
    for reason in api.contract.CODES:
        answer = api.contract.refuse(examples.REQUEST, MattingError(reason), progress)
        found[answer.status][str(reason)] = json.loads(answer.body)
    described = {str(status): _response(api, status, found[status], success.status) for status in sorted(found)}
    # API Gateway's own errors.
    return described | {"default": {"$ref": "#/components/responses/GatewayRefusal"}}


def _response(api: Api, status: int, answers: dict[str, Any], success_status: int) -> dict[str, Any]:
    succeeds = status == success_status
    shape = one_of(*api.shapes) if succeeds else ref(api.faults.get(status, api.fault))
    if status == _TOO_LARGE:
        shape = {"anyOf": [shape, ref("GatewayRefusal")]}
    reasons = [name for name in answers if name not in ("success", *api.more)]
    first = ["the result"] if succeeds else []
    description = "; ".join([*first, *(name.replace("_", " ") for name in reasons)]).capitalize() + "."
    content: dict[str, Any] = {}
    if answers:
        content["application/json"] = {"schema": shape, "examples": examples.examples(answers)}
    if succeeds:
        content |= {kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in api.files}
    known = {"X-Cutline-Confidence": ref("Confidence", "headers"), "X-Cutline-Shadow": ref("Shadow", "headers")}
    known["X-Cutline-Metadata"] = ref("FileMetadata", "headers")
    known["X-Cutline-Depth"] = ref("Depth", "headers")
    headers = _headers(api) | (known if succeeds else {})
    return {"description": description, "headers": headers, "content": content}


def _is_json(answer: Response) -> bool:
    return answer.headers["Content-Type"].startswith("application/json")


def _headers(api: Api) -> dict[str, Any]:
    common = {"Server-Timing": "ServerTiming", "X-Cutline-Charge-Micros": "ChargeMicros"}
    return {name: ref(component, "headers") for name, component in {**common, **api.headers}.items()}


def security_name(contract: Contract) -> str:
    """Return the name of the contract's credential among the document's security schemes."""
    return contract.SCHEME.name.lower()


def credential(name: str, place: str, description: str) -> dict[str, Any]:
    """Return a security scheme: a value sent under `name` in a header or the query."""
    return {"type": "apiKey", "name": name, "in": place, "description": description}


def header(description: str, **schema: Any) -> dict[str, Any]:
    """Return a response header."""
    return {"description": description, "schema": {"type": "string", **schema}}


def query(name: str, description: str, schema: Schema) -> dict[str, Any]:
    """Return an optional query parameter."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    """Return a path parameter."""
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def components() -> dict[str, dict[str, Any]]:
    """Return the components that the operations of all APIs refer to."""
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Any text of yours. A repeated call with the same key gets the first response and is charged "
        "once, unless the account stores nothing (retention off).",
        "schema": {"type": "string", "maxLength": 255},
    }
    charge = header("The call's price, in millionths of the operator's currency.", pattern="^[0-9]+$")
    confidence = header(
        "The probability that the cut-out is good, from 0.0000 to 1.0000; absent if the network has no fit.",
        pattern="^(0[.][0-9]{4}|1[.]0000)$",
    )
    shadow = header(
        "If a shadow was asked for: the one that the result has; none where none could be kept.",
        enum=["none", "keep", "drop"],
    )
    metadata = header(
        "If metadata was asked for: which parts of the file's the result keeps; srgb: its colours are, and it says so.",
        pattern="^[a-z]+(, [a-z]+)*(; left out: [a-z]+(, [a-z]+)*)?$",
    )
    timing = header("Milliseconds per stage of the call.")
    return {
        "parameters": {"IdempotencyKey": key},
        "headers": {
            "ServerTiming": timing,
            "ChargeMicros": charge,
            "Confidence": confidence,
            "Shadow": shadow,
            "FileMetadata": metadata,
            "Depth": header("If 16 bits were asked for: whether the picture has them.", enum=["16", "8 in 16"]),
        },
    }
