"""The product's AWS account on one machine: the real template.yaml, one process, one port, no Docker."""
