"""The demo account. It exists only in the local cloud, which calls this at start; the keys are public knowledge."""

from collections.abc import Mapping

from cutline.contracts.wire import Scheme

API_KEY = "demo-key"
JD_ACCESS_KEY, JD_SECRET_KEY = "DEMOAK", "DEMOSK"
AIDGE_APP_KEY, AIDGE_SECRET = "512345", "demo-secret"
DEMO_CREDENTIALS = (
    (Scheme.JD, JD_ACCESS_KEY, JD_SECRET_KEY),
    (Scheme.AIDGE, AIDGE_APP_KEY, AIDGE_SECRET),
    (Scheme.API_KEY, API_KEY, ""),
    (Scheme.AILAB, API_KEY, ""),
)


def seed_demo_account(resources: Mapping[str, str]) -> None:
    """Writes the demo account; `resources` maps the template's logical ids to the deployed names."""
    # Slow imports, and the pages and the helper that signs need only the credentials.
    import boto3  # noqa: PLC0415

    from cutline.accounts.account import Account, AccountStore  # noqa: PLC0415
    from cutline.adapters.kms import KmsCipher  # noqa: PLC0415

    table = boto3.resource("dynamodb").Table(resources["AccountsTable"])
    store = AccountStore(table, KmsCipher(boto3.client("kms"), resources["AccountsKey"]))
    store.put_account(Account("demo", qps=50, daily_quota=100_000, price_micros={"*": 1000}))
    for scheme, key, secret in DEMO_CREDENTIALS:
        store.put_credential(scheme, key, "demo", secret)
