"""How long the benchmark waits for anything."""

PATIENCE_S = 900.0  # the largest tables take Envoy minutes on a busy machine
