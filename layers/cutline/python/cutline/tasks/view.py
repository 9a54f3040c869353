"""A task's record with its results, as its caller sees it."""

import base64

from cutline.adapters.result_store import ResultStore
from cutline.contracts import task_record
from cutline.contracts.task_record import TaskContract
from cutline.contracts.wire import Request, Response, with_confidence, with_finish_headers


def show_task(
    contract: TaskContract,
    record: task_record.TaskRecord,
    results: ResultStore,
    base_url: str,
    request: Request | None = None,
) -> Response:
    """Return the record as GET shows it, or a callback, which has no request. Raises ServiceFault(STORE_FAILED)."""
    response = contract.show(record, _images(contract, record, results, base_url), request)
    if record.metadata is None:
        return response
    return with_finish_headers(with_confidence(response, record.metadata.confidence), record.metadata.finish)


def _images(
    contract: TaskContract, record: task_record.TaskRecord, results: ResultStore, base_url: str
) -> dict[str, str]:
    """Base64 where the task asked for that; otherwise links, also for a task whose POST brought bare bytes.

    Links live from the task's end on.
    """
    if record.options.return_type == task_record.AS_BASE64:
        return {name: base64.b64encode(results.get(key)).decode() for name, key in record.keys.items()}
    ended = record.completed_at if record.options.asynchronous else record.created_at
    expires_at = (ended or record.created_at) + contract.LINK_LIFETIME_S
    return {name: results.link(base_url, key, expires_at) for name, key in record.keys.items()}
