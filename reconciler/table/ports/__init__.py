"""Listeners, TLS and TCP: which port serves what."""
