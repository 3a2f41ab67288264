"""Modules: settings by name."""
