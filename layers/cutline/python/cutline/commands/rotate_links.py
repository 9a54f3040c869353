"""`cutline rotate-links`: a new key for result links, without ending those that are out."""

import argparse
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from cutline.adapters.link_secret import REREAD_S, LinkSecret
from cutline.commands.deployment import Deployment, deployment_options

_KEY_BYTES = 48


def add_to(commands: Any) -> None:
    """Declare `rotate-links`."""
    text = "replace the key that signs result links; links made before stay valid until they end"
    parser = commands.add_parser("rotate-links", help=text, description=text, parents=[deployment_options()])
    parser.add_argument(
        "--leaked", action="store_true", help="end all links within ten minutes, and change the callbacks' keys too"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    """Store the new secret. Raises CommandFailed without a deployment."""
    deployment, text = Deployment(arguments), secrets.token_urlsafe(_KEY_BYTES)
    if arguments.leaked:
        deployment.store_link_secret(LinkSecret.parse(text))
        print(
            f"All links end within {REREAD_S // 60} minutes. `cutline account callback-key NAME` prints the new keys."
        )
        return
    secret = deployment.link_secret().rotated(text, time.time())
    deployment.store_link_secret(secret)
    since = datetime.fromtimestamp(secret.keys[-1].since, UTC)
    print(f"The new key signs from {since:%H:%M} UTC on; links of the old one are valid until they end.")
