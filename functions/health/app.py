"""The health function: what each part says of itself, for an operator who may invoke it. No route leads here."""

import os
from typing import Any

import boto3
import numpy
import onnxruntime
import PIL
from aws_lambda_powertools import Logger

import cutline
from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.watch.health import examine
from cutline.watch.parts import parts_of

# Of an ARN, name and version.
LAYERS = [":".join(arn.split(":")[-2:]) for arn in os.environ["LAYER_VERSIONS"].split(",")]
PACKAGES = {package.__name__: package.__version__ for package in (boto3, numpy, onnxruntime, PIL)}

logger = Logger(service="health")
parts = parts_of(Bootstrap(Settings.from_environment()), os.environ)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Any event in, every part out; `status` is 503 if one of them is broken."""
    found = {name: part.document for name, part in examine(parts).items()}
    broken = [name for name, part in found.items() if not part["ok"]]
    logger.info("health", broken=broken, step_ms={name: part["ms"] for name, part in found.items()})
    return {
        "status": 503 if broken else 200,
        "version": cutline.__version__,
        "layers": LAYERS,
        "packages": PACKAGES,
        "parts": found,
    }
