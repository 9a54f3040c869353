"""The demo account. It exists only in the local cloud, which calls this at start; the keys are public knowledge."""

from collections.abc import Mapping

from cutline.accounts.account import Account, AccountStore
from cutline.adapters.kms import KmsCipher
from cutline.contracts.wire import Scheme

DEMO_CREDENTIALS = (
    (Scheme.JD, "DEMOAK", "DEMOSK"),
    (Scheme.AIDGE, "512345", "demo-secret"),
    (Scheme.PICWISH, "demo-key", ""),
    (Scheme.AILAB, "demo-key", ""),
)


def seed_demo_account(resources: Mapping[str, str]) -> None:
    """Writes the demo account; `resources` maps the template's logical ids to the deployed names."""
    import boto3  # noqa: PLC0415 (slow, and the pages want the names alone)

    table = boto3.resource("dynamodb").Table(resources["AccountsTable"])
    store = AccountStore(table, KmsCipher(boto3.client("kms"), resources["AccountsKey"]))
    store.put_account(Account("demo", qps=50, daily_quota=100_000, price_micros={"*": 1000}))
    for scheme, key, secret in DEMO_CREDENTIALS:
        store.put_credential(scheme, key, "demo", secret)
