"""Accounts in a running local cloud, written the way an operator's tool writes them."""

from dataclasses import dataclass
from typing import Any

import boto3

from cutline.accounts.account import Account, AccountStore
from cutline.adapters.kms import KmsCipher
from cutline.contracts.wire import Scheme
from devkit.running import RunningCloud


@dataclass(frozen=True)
class Accounts:
    """Creates accounts whose credentials are named after them: AK-x, APP-x, key-x; the secret is SK-x."""

    store: AccountStore

    def create(self, name: str, **options: Any) -> None:
        self.store.put_account(Account(name, **{"qps": 100, **options}))
        self.store.put_credential(Scheme.JD, f"AK-{name}", name, f"SK-{name}")
        self.store.put_credential(Scheme.AIDGE, f"APP-{name}", name, f"SK-{name}")
        self.store.put_credential(Scheme.API_KEY, f"key-{name}", name)
        self.store.put_credential(Scheme.AILAB, f"key-{name}", name)


def accounts_of(cloud: RunningCloud) -> Accounts:
    session = boto3.Session("test", "test", region_name="us-east-1")
    table = session.resource("dynamodb", endpoint_url=cloud.url).Table(cloud.resources["AccountsTable"])
    return Accounts(AccountStore(table, KmsCipher(cloud.client("kms"), cloud.resources["AccountsKey"])))
