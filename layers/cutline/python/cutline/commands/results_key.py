"""`cutline results-key`: a new key for the signed URLs of results (ResultsCdn)."""

import argparse
from typing import Any

from cutline.adapters.signed_urls import public_text, with_new_key
from cutline.commands.deployment import Deployment, deployment_options
from cutline.commands.failure import aws_errors_as_failures


def add_to(commands: Any) -> None:
    """Declare `results-key`."""
    text = "make a new key for the signed URLs of results (ResultsCdn) and print its public part"
    command = commands.add_parser("results-key", help=text, description=text, parents=[deployment_options()])
    command.set_defaults(run=aws_errors_as_failures()(_run))


def _run(arguments: argparse.Namespace) -> None:
    private = Deployment(arguments).change_results_keys(with_new_key)
    print(public_text(private))
