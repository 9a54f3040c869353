"""Cutline: background removal behind five commercial wire contracts."""

import os

__version__ = "0.1.0"

# onnxruntime tells its maker of its use, over the network, unless told otherwise before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
