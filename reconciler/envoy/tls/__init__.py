"""TLS contexts and the secrets they name."""
