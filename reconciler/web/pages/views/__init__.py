"""PURE: what each page shows, as values."""
