"""Values as they stand in a field of a plan."""

import json


def quoted(value: str) -> str:
    """The value bare when it can stand in a list or a sentence, else as a JSON string, so that no two look alike."""
    bare = value and value[0] != '"' and value.isprintable() and " " not in value and "," not in value
    return value if bare else json.dumps(value)
