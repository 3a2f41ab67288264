"""YAML text → bounded values with lines."""
