"""Services that requests are shown to on their way."""
