"""PURE: the journal's entries in the formats of others: for samplers, event pipelines, SIEMs, attestations, auditors.

Each format is a function of entries that yields text as it goes: what an export needs of memory does not grow with it.
"""
