"""The command line: one verb per file; the only printing and the only exit codes."""
