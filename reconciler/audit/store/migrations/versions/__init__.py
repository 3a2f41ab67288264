"""One script per layout."""
