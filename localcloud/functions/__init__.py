"""The Lambda service: each function runs in its own sandboxes."""
