"""From a line of Envoy's access log to the change by which it was served. Pure."""
