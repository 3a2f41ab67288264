"""Ports as Envoy listeners: filter chains, HTTP, TCP, QUIC, access logs."""
