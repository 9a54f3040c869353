"""A task's record with its results, as its caller sees it."""

import base64

from cutline.adapters.result_store import ResultStore
from cutline.contracts import picwish, task_record
from cutline.contracts.wire import Response, with_confidence


def show_task(record: task_record.TaskRecord, results: ResultStore, base_url: str) -> Response:
    """The record as GET shows it. Raises ServiceFault(STORE_FAILED)."""
    return with_facts(picwish.show(record, _images(record, results, base_url)), record)


def with_facts(response: Response, record: task_record.TaskRecord) -> Response:
    """An answer about the task, with the header that every cut-out has."""
    return with_confidence(response, None if record.metadata is None else record.metadata.confidence)


def _images(record: task_record.TaskRecord, results: ResultStore, base_url: str) -> dict[str, str]:
    """Base64 where the task asked for that; otherwise links, also for a task whose POST brought bare bytes."""
    if record.options.return_type == task_record.AS_BASE64:
        return {name: base64.b64encode(results.get(key)).decode() for name, key in record.keys.items()}
    return task_links(record, results, base_url, picwish.LINK_LIFETIME_S)


def task_links(record: task_record.TaskRecord, results: ResultStore, base_url: str, lifetime_s: int) -> dict[str, str]:
    """Links to a task's results, which live from its end on."""
    ended = record.completed_at if record.options.asynchronous else record.created_at
    expires_at = (ended or record.created_at) + lifetime_s
    return {name: results.link(base_url, key, expires_at) for name, key in record.keys.items()}
