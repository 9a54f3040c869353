"""The parts of this deployment that `cutline.watch.health` examines, from the health function's settings."""

import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from cutline.adapters.link_secret import LinkSecret
from cutline.bootstrap import Bootstrap
from cutline.pipeline.garments.worn import network_names
from cutline.pipeline.inference.network import Network
from cutline.storage_keys import ANSWERS, HEALTH, TASKS
from cutline.watch.health import Broken, endpoint, files, network, queue, table

Checks = dict[str, Callable[[], str]]
# No account's name begins with a dot.
_FILE = ".health/probe"
_ENABLED = "Enabled"
# The most messages of dead letters, as of their alarms.
_MOST: Mapping[str, int] = {"undelivered tasks": 0, "undelivered drops": 0, "undelivered callbacks": 10}


def parts_of(bootstrap: Bootstrap, env: Mapping[str, str]) -> Checks:
    """Return each part's check. `env`: QUEUES, "name=URL" for each queue, with commas between."""
    queues = dict(pair.split("=", 1) for pair in env["QUEUES"].split(","))
    sqs = bootstrap.client("sqs")
    counts: Checks = {f"queue of {name}": partial(queue, sqs, url, _MOST.get(name)) for name, url in queues.items()}
    return _networks(bootstrap) | _stores(bootstrap) | counts | _endpoint(bootstrap)


def _networks(bootstrap: Bootstrap) -> Checks:
    """The cut-out's network, JD SelfieSeg's, and the garments', which needs a person to be tried with."""
    settings = bootstrap.settings
    load = cache(lambda name: Network.open(settings.models_dir, name, settings.threads))

    def garments() -> str:
        load(network_names(settings.models_dir)[1])
        return "opens"

    names = dict.fromkeys((settings.model, "matte"))
    found: Checks = {f"network {name}": partial(network, partial(load, name)) for name in names}
    return found | {"network costume": garments}


def _stores(bootstrap: Bootstrap) -> Checks:
    settings, dynamodb = bootstrap.settings, bootstrap.client("dynamodb")
    key, uploads, results = {"pk": {"S": HEALTH}}, bootstrap.files, bootstrap.results

    def put(name: str, data: bytes) -> None:
        results.put_at(name, data, "application/octet-stream")

    return {
        "accounts table": partial(table, dynamodb, settings.accounts_table, key),
        "meter table": partial(table, dynamodb, settings.meter_table, {**key, "sk": {"S": HEALTH}}),
        "tasks table": partial(table, dynamodb, settings.tasks_table, key),
        "input bucket": partial(files, uploads.put, uploads.get, TASKS + _FILE),
        "output bucket": partial(files, put, results.get, ANSWERS + _FILE),
        "link secret": lambda: _signs(LinkSecret.parse(bootstrap.secret(settings.link_secret))),
        "accounts key": partial(_enabled, bootstrap.client("kms"), settings.accounts_key),
    }


def _signs(secret: LinkSecret) -> str:
    secret.signing(time.time())
    return "readable"


def _enabled(kms: Any, key: str) -> str:
    state = str(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])
    if state != _ENABLED:
        raise Broken(state)
    return "enabled"


def _endpoint(bootstrap: Bootstrap) -> Checks:
    settings = bootstrap.settings
    if settings.endpoint_kind == "none":
        return {}
    dynamodb, key = bootstrap.client("dynamodb"), {"pk": {"S": f"endpoint/{settings.endpoint_name}"}}

    def awake_until() -> int:
        item = dynamodb.get_item(TableName=settings.tasks_table, Key=key).get("Item", {})
        return int(item.get("awake_until", {"N": "0"})["N"])

    found = bootstrap.endpoint
    assert found is not None
    return {"endpoint": partial(endpoint, settings.endpoint_kind, found.alpha, awake_until)}
