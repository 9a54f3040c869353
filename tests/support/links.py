"""The links service over a bucket and a table in memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest
from aws_lambda_powertools import Logger, Metrics
from moto import mock_aws

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter
from cutline.adapters.kms import KmsCipher
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.contracts.wire import Response
from cutline.pipeline.codecs.encode import as_webp
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.outputs.variant import reduce_result, render_variant
from cutline.serving import derived as derived_module
from cutline.serving.derived import DerivedFiles
from cutline.serving.native import LinkService
from cutline.serving.variants import Variants
from devkit.memory_table import MemoryTable
from tests.support.calls import call

NOW = 1_700_000_000
ACCOUNT = Account("shop", qps=2)
CUTOUT = np.dstack([np.full((40, 60, 3), 200, np.uint8), np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))])


class Links:
    """The service over a bucket and a table in memory, what it does to make a WebP, and how often it did it."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.made, self.reduced, self.now = s3, 0, 0, float(NOW)
        self.make: Callable[[bytes], bytes | None] = as_webp
        self.render: Callable[[bytes, VariantOptions], bytes] = render_variant
        self.store = ResultStore(s3, "out", lambda: LinkSecret.parse("secret"))
        self.table, accounts = MemoryTable("meter", "pk", "sk"), MemoryTable("accounts", "pk")
        self.meter = Meter(self.table, max_in_flight=5)
        registry = AccountStore(accounts, KmsCipher(None, ""))
        registry.put_account(ACCOUNT)
        logger = Logger(service="links")
        derived = DerivedFiles(self.store, self.table, registry, self.meter, logger, clock=lambda: self.now)
        self.service = LinkService(
            results=self.store,
            derived=derived,
            variants=Variants(self.store, derived, self._render, self._reduce),
            as_webp=self._as_webp,
            logger=logger,
            metrics=Metrics("Cutline", "links"),
        )

    def _as_webp(self, png: bytes) -> bytes | None:
        self.made += 1
        return self.make(png)

    def _render(self, png: bytes, options: VariantOptions) -> bytes:
        self.made += 1
        return self.render(png, options)

    def _reduce(self, png: bytes) -> bytes:
        self.reduced += 1
        return reduce_result(png)

    def vary(self, key: str, method: str = "GET", match: str = "", **query: str) -> Response:
        """The answer to a link with parameters."""
        token = self.store.link("https://shop.example", key, NOW + 600).rpartition("/")[2]
        request = replace(call(method=method, headers={"if-none-match": match}), query=tuple(query.items()))
        return self.service.handle(request, token)

    def follow(self, key: str, accept: str = "image/webp,*/*", method: str = "GET") -> Response:
        token = self.store.link("https://shop.example", key, NOW + 600).rpartition("/")[2]
        return self.service.handle(call(method=method, headers={"accept": accept}), token)

    def lead_to(self, key: str) -> str:
        """The name of the file that a page is led to."""
        return str(urlsplit(self.follow(key).headers["Location"]).path).rpartition("/")[2]

    def file_behind(self, response: Response) -> tuple[str, bytes, str]:
        """Key, body and content type of what a redirect leads to."""
        assert (response.status, response.headers["Vary"]) == (302, "Accept")
        key = urlsplit(response.headers["Location"]).path.removeprefix("/out").removeprefix("/")
        answer = self.s3.get_object(Bucket="out", Key=key)
        return key, answer["Body"].read(), answer["ContentType"]

    def in_flight(self) -> int:
        """The account's calls in flight."""
        return sum(int(item.get("under_way", 0)) for item in self.table.items.values())


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[Links]:
    monkeypatch.setattr(derived_module, "_POLL_S", 0.001)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="out")
        yield Links(s3)
