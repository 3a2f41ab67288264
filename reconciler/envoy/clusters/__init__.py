"""Upstreams as Envoy clusters."""
