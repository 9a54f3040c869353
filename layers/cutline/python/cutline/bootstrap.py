"""Builds what a function needs from its environment: the one place where clients and services are made."""

from functools import cached_property
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from cutline.accounts.account import AccountStore
from cutline.accounts.gate import Gate
from cutline.accounts.idempotency import Idempotency
from cutline.accounts.meter import Meter
from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.kms import KmsCipher
from cutline.adapters.results import ResultStore
from cutline.adapters.tasks import TaskStore
from cutline.service import Service, Work
from cutline.settings import Settings

# Short of the functions' time-outs, so that a slow service is an answer and not a killed sandbox.
_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 2}, s3={"addressing_style": "auto"}
)


class Bootstrap:
    """Clients on demand, so that a function pays only for those that it uses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def service(self, work: Work, logger: Logger, metrics: Metrics, *, keeps_results: bool = True) -> Service:
        """The service around `work`, with a store unless its answers carry the pixels. Raises SettingsError."""
        settings = self.settings
        settings.require("accounts_table", "meter_table", "accounts_key", "output_bucket")
        if keeps_results:
            settings.require("link_secret")
        return Service(
            self.gate,
            Idempotency(self._meter_table, self.results),
            self.results if keeps_results else None,
            work,
            FetchPolicy(settings.fetch_allowed),
            logger,
            metrics,
            settings.time_limit_ms,
        )

    @cached_property
    def gate(self) -> Gate:
        """Authentication, rate, quota and charge."""
        cipher = KmsCipher(self._client("kms"), self.settings.accounts_key)
        return Gate(
            AccountStore(self._dynamodb.Table(self.settings.accounts_table), cipher),
            Meter(self._meter_table, self.settings.service_qps),
            self._meter_table,
            lenient_body_hash=self.settings.lenient_body_hash,
        )

    @cached_property
    def results(self) -> ResultStore:
        """Results and their links."""
        self.settings.require("output_bucket")
        return ResultStore(self._client("s3"), self.settings.output_bucket, self._link_secret)

    @cached_property
    def tasks(self) -> TaskStore:
        """Records of tasks."""
        self.settings.require("tasks_table")
        return TaskStore(self._dynamodb.Table(self.settings.tasks_table))

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.resource("dynamodb", config=_CONFIG)

    @cached_property
    def _meter_table(self) -> Any:
        return self._dynamodb.Table(self.settings.meter_table)

    def _link_secret(self) -> bytes:
        self.settings.require("link_secret")
        answer = self._client("secretsmanager").get_secret_value(SecretId=self.settings.link_secret)
        return str(answer["SecretString"]).encode()

    def _client(self, name: str) -> Any:
        return boto3.client(name, config=_CONFIG)
