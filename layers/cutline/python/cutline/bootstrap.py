"""Builds what a function needs from its environment: the one place where clients and services are made."""

import gc
import random
from contextlib import suppress
from functools import cached_property
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from cutline.accounts.account import AccountStore
from cutline.accounts.gate import Gate
from cutline.accounts.identity import Authenticator
from cutline.accounts.meter import Meter
from cutline.adapters.aws_tls import share_tls_context
from cutline.adapters.callback_queue import CallbackQueue
from cutline.adapters.endpoint_watch import WatchedEndpoint
from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.input_files import InputFiles
from cutline.adapters.kms import KmsCipher
from cutline.adapters.link_secret import CachedSecret, LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.adapters.sagemaker import CALL_CONFIG, AsyncEndpoint, GpuEndpoint, RealtimeEndpoint
from cutline.adapters.signed_urls import UrlSigner, read_deployed
from cutline.adapters.sources import Sources
from cutline.adapters.upload_tickets import UploadTickets
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.timing import SLOWDOWN
from cutline.serving.call import Deferral, Journal, Processor
from cutline.serving.derived import DerivedFiles
from cutline.serving.idempotency import Idempotency
from cutline.serving.mend_store import MendStore
from cutline.serving.native import CreditService, LinkService, UploadService, UsageService
from cutline.serving.service import Service
from cutline.serving.variants import Variants
from cutline.settings import Settings
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.store import TaskStore

# With SnapStart, sandboxes would all draw the same numbers, and their first calls would use one shard of the meter.
with suppress(ImportError):  # Lambda's runtime has it
    from snapshot_restore_py import register_after_restore

    register_after_restore(random.seed)

# Short of the functions' time-outs, so that a slow service is an answer and not a killed sandbox.
_CONFIG = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 2}, s3={"addressing_style": "auto"}
)


# How much of a call's time it may wait for another with its Idempotency-Key; the rest is for its own work.
_WAIT_SHARE = 0.6
# Python's own.
_GARBAGE_THRESHOLD = 700


def _as_webp(png: bytes) -> bytes | None:
    # Imported here, because most links return the PNG unchanged, and the pixel libraries are slow to import.
    from cutline.pipeline.codecs.encode import as_webp  # noqa: PLC0415

    return as_webp(png)


def _render_variant(png: bytes, options: VariantOptions) -> bytes:
    from cutline.pipeline.outputs.variant import render_variant  # noqa: PLC0415

    return render_variant(png, options)


def _reduce_result(png: bytes) -> bytes:
    from cutline.pipeline.outputs.variant import reduce_result  # noqa: PLC0415

    return reduce_result(png)


class Bootstrap:
    """Clients on demand, so that a function pays only for those that it uses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        SLOWDOWN.cpu = settings.cpu_slowdown
        SLOWDOWN.wall = settings.cpu_slowdown / settings.cpu_share
        share_tls_context()
        # Objects that the imports made stay, so the garbage collector need not look at them (`cutline/__init__.py`).
        gc.freeze()
        gc.set_threshold(_GARBAGE_THRESHOLD)

    def service(
        self,
        processor: Processor,
        logger: Logger,
        metrics: Metrics,
        *,
        keeps_results: bool = True,
        journal: Journal | None = None,
        deferral: Deferral | None = None,
    ) -> Service:
        """The service around `processor`, with a store unless its answers carry the pixels. Raises SettingsError."""
        settings = self.settings
        settings.require("accounts_table", "meter_table", "accounts_key", "output_bucket")
        if keeps_results:
            settings.require("link_secret")
        return Service(
            gate=self.gate,
            idempotency=Idempotency(
                self._meter_table, self.results, wait_s=_WAIT_SHARE * settings.time_limit_ms / 1000
            ),
            results=self.results if keeps_results else None,
            processor=processor,
            sources=Sources(FetchPolicy(settings.fetch_allowed), self.files if settings.input_bucket else None),
            logger=logger,
            metrics=metrics,
            time_limit_ms=settings.time_limit_ms,
            journal=journal,
            deferral=deferral,
            mends=self.mends(logger) if keeps_results and settings.mending else None,
        )

    def mending(self, logger: Logger, metrics: Metrics) -> Service:
        """The service that mends stored results. Raises SettingsError."""
        # Imported here, because of the pixel libraries.
        from cutline.serving.mending import LinkGate, MendProcessor  # noqa: PLC0415

        settings = self.settings
        settings.require("accounts_table", "meter_table", "accounts_key", "output_bucket", "link_secret")
        table, results = self._meter_table, self.results
        wait_s = _WAIT_SHARE * settings.time_limit_ms / 1000
        return Service(
            gate=LinkGate(self.accounts, self.meter, table, results),
            idempotency=Idempotency(table, results, wait_s=wait_s),
            results=None,
            processor=MendProcessor(results, self.mends(logger), table, self.tasks.note_mend),
            sources=Sources(FetchPolicy(settings.fetch_allowed), None),
            logger=logger,
            metrics=metrics,
            time_limit_ms=settings.time_limit_ms,
        )

    def mends(self, logger: Logger) -> MendStore:
        """What is kept so that results can be mended."""
        return MendStore(self.results, logger)

    def usage(self, logger: Logger, metrics: Metrics) -> UsageService:
        """Reports on the accounts' counters. Raises SettingsError."""
        self.settings.require("accounts_table", "meter_table", "accounts_key")
        return UsageService(authenticator=self._authenticator, meters=self._meter_table, logger=logger, metrics=metrics)

    def credits(self, logger: Logger, metrics: Metrics) -> CreditService:
        """Reports the calls left of an account's day. Raises SettingsError."""
        self.settings.require("accounts_table", "meter_table", "accounts_key")
        return CreditService(
            authenticator=self._authenticator, meters=self._meter_table, logger=logger, metrics=metrics
        )

    def uploads(self, logger: Logger, metrics: Metrics) -> UploadService:
        """Issues upload tickets. Raises SettingsError."""
        settings = self.settings
        settings.require("accounts_table", "meter_table", "accounts_key", "input_bucket")
        tickets = UploadTickets(self._signing_s3, settings.input_bucket, settings.ticket_s)
        return UploadService(gate=self.gate, tickets=tickets, logger=logger, metrics=metrics)

    def links(self, logger: Logger, metrics: Metrics) -> LinkService:
        """Leads result links to their files. Raises SettingsError."""
        self.settings.require("accounts_table", "meter_table", "accounts_key")
        derived = DerivedFiles(self.results, self._meter_table, self.accounts, self.meter, logger)
        return LinkService(
            results=self.results,
            derived=derived,
            variants=Variants(self.results, derived, _render_variant, _reduce_result),
            as_webp=_as_webp,
            logger=logger,
            metrics=metrics,
        )

    @cached_property
    def _authenticator(self) -> Authenticator:
        return Authenticator(self.accounts, lenient_body_hash=self.settings.lenient_body_hash)

    @cached_property
    def gate(self) -> Gate:
        """Authentication, rate, quota and charge."""
        return Gate(
            self.accounts,
            self.meter,
            self._meter_table,
            lenient_body_hash=self.settings.lenient_body_hash,
        )

    @cached_property
    def results(self) -> ResultStore:
        """Results and their links."""
        self.settings.require("output_bucket")
        return ResultStore(self._signing_s3, self.settings.output_bucket, self.link_secret, self._url_signer)

    @cached_property
    def _url_signer(self) -> UrlSigner | None:
        """Of CloudFront's URLs, where the stack has it."""
        if not self.settings.results_cdn:
            return None
        front, secret, *public = self.settings.results_cdn.split()
        return UrlSigner(front, lambda: self.secret(secret), read_deployed(public))

    @cached_property
    def meter(self) -> Meter:
        """Rate, quota and charge, for work whose caller is already authenticated."""
        self.settings.require("meter_table")
        return Meter(self._meter_table, self.settings.service_qps, self.settings.account_concurrency)

    @cached_property
    def files(self) -> InputFiles:
        """What tasks work on."""
        self.settings.require("input_bucket")
        return InputFiles(self.client("s3"), self.settings.input_bucket)

    @cached_property
    def callbacks(self) -> CallbackQueue:
        """Ended tasks whose callers are to be called back."""
        self.settings.require("callback_queue")
        return CallbackQueue(self.client("sqs"), self.settings.callback_queue)

    @cached_property
    def state_machine(self) -> StateMachine:
        """The state machine of the tasks."""
        self.settings.require("flow_arn")
        return StateMachine(self.client("stepfunctions"), self.settings.flow_arn)

    @cached_property
    def endpoint(self) -> GpuEndpoint | None:
        """The GPU endpoint that runs the network for tasks, where the stack has one."""
        settings = self.settings
        if settings.endpoint_kind == "none":
            return None
        settings.require("endpoint_name")
        runtime = boto3.client("sagemaker-runtime", config=CALL_CONFIG)
        if settings.endpoint_kind == "realtime":
            return RealtimeEndpoint(runtime, settings.endpoint_name)
        settings.require("output_bucket", "tasks_table")
        queued = AsyncEndpoint(runtime, self.client("s3"), settings.endpoint_name, settings.output_bucket)
        return WatchedEndpoint(queued, self._dynamodb.Table(settings.tasks_table), settings.endpoint_name)

    @cached_property
    def tasks(self) -> TaskStore:
        """Records of tasks."""
        self.settings.require("tasks_table")
        return TaskStore(self._dynamodb.Table(self.settings.tasks_table))

    @cached_property
    def accounts(self) -> AccountStore:
        """Accounts and their credentials."""
        self.settings.require("accounts_table")
        cipher = KmsCipher(self.client("kms"), self.settings.accounts_key)
        return AccountStore(self._dynamodb.Table(self.settings.accounts_table), cipher)

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.resource("dynamodb", config=_CONFIG)

    @cached_property
    def _meter_table(self) -> Any:
        return self._dynamodb.Table(self.settings.meter_table)

    @cached_property
    def _signing_s3(self) -> Any:
        """Signs the region's own addresses: the global one redirects, which neither a signature nor CORS survives."""
        return boto3.client(
            "s3",
            config=_CONFIG.merge(
                Config(
                    signature_version="s3v4",
                    s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
                )
            ),
        )

    def link_secret(self) -> LinkSecret:
        """The keys of result links and callbacks. Raises SettingsError."""
        return self._cached_secret()

    @cached_property
    def _cached_secret(self) -> CachedSecret:
        self.settings.require("link_secret")
        return CachedSecret(lambda: self.secret(self.settings.link_secret))

    def secret(self, name: str) -> str:
        """Return the present text of a secret."""
        return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def client(self, name: str) -> Any:
        """Return a client whose calls end in bounded time."""
        return boto3.client(name, config=_CONFIG)
