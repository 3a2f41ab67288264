"""How Envoy finds a service and talks to it."""
