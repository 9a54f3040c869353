"""The demo account: it exists in the local cloud only."""

import importlib
import importlib.util

API_KEY = "demo-key"
JD_ACCESS_KEY = "DEMOAK"
JD_SECRET_KEY = "DEMOSK"
AIDGE_APP_KEY = "512345"
AIDGE_SECRET = "demo-secret"

_TABLE = "AccountsTable"


def seed_demo_account(resources: dict[str, str]) -> bool:
    """Put the demo account into the stack's tables; False if the stack has no accounts."""
    if _TABLE not in resources:
        return False
    importlib.import_module("cutline.accounts.demo").seed_demo_account(resources)
    return True
