"""One call, from API Gateway's event to its answer."""
