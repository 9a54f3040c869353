"""The whole local cloud: starts its parts in order, stops them in reverse."""

import functools
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from localcloud.api.gateway import Gateway
from localcloud.aws.atomic import Atomic
from localcloud.aws.endpoint_process import EndpointConfig, EndpointProcess
from localcloud.aws.faults import Faulty
from localcloud.aws.front import Front
from localcloud.aws.guard import Guard
from localcloud.aws.sagemaker import SageMaker
from localcloud.aws.tally import Tally
from localcloud.aws_account import HOST, endpoint_url
from localcloud.functions.events import Pollers
from localcloud.functions.runtime import LambdaService
from localcloud.stack.deploy import Deployment, deploy
from localcloud.stack.template import load_template

_HEALTH = "/health"
_HEALTH_LIMIT_S = 30.0
_ENDPOINT_LIMIT_S = 60.0


class StartFailed(Exception):
    """The stack exists, but the product in it does not answer."""


class _Services(DomainDispatcherApplication):
    """moto, which otherwise lists its package's folders at every call."""

    @functools.cache  # noqa: B019 - one for the process
    def get_backend_for_host(self, host: str | None) -> Any:
        return super().get_backend_for_host(host)


class _Handler(MotoRequestHandler):
    """Keeps the headers as sent, unlike WSGI, and writes no access log."""

    disable_nagle_algorithm = True

    def make_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().make_environ()
        environ["localcloud.headers"] = list(self.headers.items())
        return environ

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Silence."""


class LocalCloud:
    """Takes a listening socket; call `start`, then `stop`, which ends every child."""

    def __init__(self, listener: socket.socket, state_dir: Path) -> None:
        self.port: int = listener.getsockname()[1]
        self.url = endpoint_url(self.port)
        self.log_dir = state_dir / "logs"
        self._state_dir = state_dir
        default_user_config["stepfunctions"]["execute_state_machine"] = True
        default_user_config["lambda"]["use_docker"] = False
        self._sagemaker = SageMaker(Atomic(_Services(create_backend_app)))
        self._guard = Guard(Faulty(self._sagemaker, state_dir / "faults.json"), state_dir)
        self._front = Front(Tally(self._guard), self._guard)
        self._server = make_server(
            HOST, self.port, self._front, threaded=True, request_handler=_Handler, fd=listener.fileno()
        )
        self._service: LambdaService | None = None
        self._pollers: Pollers | None = None
        self._endpoint: EndpointProcess | None = None

    def start(self, template: Path, parameters: dict[str, str]) -> tuple[Deployment, Gateway]:
        """Serve, create the stack, open the API. Raises ValueError for a template that cannot be created."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        deployment = deploy(load_template(template, parameters))
        self._service = LambdaService(deployment.functions, self.port, self._state_dir)
        if deployment.endpoint is not None:
            self._start_endpoint(deployment.endpoint, template.resolve().parent)
        self._guard.open(deployment.grants, deployment.resources, deployment.machine, deployment.bounds)
        gateway = Gateway(deployment.swagger, self._service, deployment.stage)
        self._front.open(self._service, gateway, deployment.buckets)
        self._pollers = Pollers(deployment.mappings, self._service)
        (self._state_dir / "resources.json").write_text(json.dumps(deployment.resources, indent=1), "utf-8")
        return deployment, gateway

    def _start_endpoint(self, config: EndpointConfig, root: Path) -> None:
        self._endpoint = EndpointProcess(config, root, self.log_dir)
        if not self._endpoint.wait_until_ready(_ENDPOINT_LIMIT_S):
            raise StartFailed(f"the endpoint is not ready; see {self.log_dir / config.name}.log")
        self._sagemaker.open(self._endpoint)

    def wait_until_healthy(self, gateway: Gateway) -> None:
        """Return once GET /health answers 200, if the API has it. Raises StartFailed."""
        if gateway.routes.find("GET", _HEALTH) is None:
            return
        last, limit = "", time.monotonic() + _HEALTH_LIMIT_S
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < limit:
            try:
                with opener.open(self.url + _HEALTH, timeout=_HEALTH_LIMIT_S):
                    return
            except urllib.error.HTTPError as error:
                last = f"{error.code} {error.read(500).decode('utf-8', 'replace')}"
                time.sleep(0.2)
        raise StartFailed(f"GET {_HEALTH} answers {last}; see {self.log_dir}")

    def stop(self) -> None:
        """Stop the pollers, the sandboxes, the endpoint and the server."""
        if self._pollers:
            self._pollers.stop()
        if self._service:
            self._service.close()
        self._sagemaker.close()
        if self._endpoint:
            self._endpoint.close()
        self._server.shutdown()
        self._server.server_close()
