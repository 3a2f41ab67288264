"""The reference matcher: what the table answers to a request, and why."""
