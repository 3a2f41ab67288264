"""The command line: one verb per file; the only printing and the only exit codes."""

import os

# gRPC's own core writes a line, in a form of its own, for each handshake that fails: between log lines that are JSON.
# It looks at this once, when it is imported.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
