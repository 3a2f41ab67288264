"""Rules as Envoy routes."""
