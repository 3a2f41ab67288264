"""PURE: what a record holds, group by group, as JSON without secrets."""
