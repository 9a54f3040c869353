"""Cutline and other background removers on the same pictures; run by `make compare`, no part of the tests."""
