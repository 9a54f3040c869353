"""API Gateway: routes, limits and proxy events."""
