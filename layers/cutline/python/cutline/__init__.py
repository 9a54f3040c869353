"""Cutline: background removal behind five commercial wire contracts."""

__version__ = "0.1.0"
