"""What the paths that a route matches have in common at their beginning."""

from envoy.config.route.v3.route_components_pb2 import RouteMatch

from reconciler.model.regex import literal_head

# Not asked of a path: Envoy compares what stands before them.
_ENDS_OF_PATHS = frozenset("?#")


def anchor(match: RouteMatch) -> str:
    """The longest text known to begin the path of every request that the route matches; empty where there is none.

    Envoy compares without query and fragment, so that the raw path begins with it, too.
    """
    match match.WhichOneof("path_specifier"):
        case "prefix":
            text = match.prefix
        case "path":
            text = match.path
        case "safe_regex":
            return literal_head(match.safe_regex.regex)
        case _:
            return ""
    return text if not match.HasField("case_sensitive") or match.case_sensitive.value else _before_letters(text)


def takes_all(match: RouteMatch) -> bool:
    """Whether every request whose raw path begins with the anchor is matched: the prefix is the only condition.

    Compared as a whole, so that a condition that is new to the language counts as one without being named here.
    """
    bare = RouteMatch(prefix=match.prefix)
    return match.HasField("prefix") and match == bare and _ENDS_OF_PATHS.isdisjoint(match.prefix)


def _before_letters(text: str) -> str:
    """The part that has only one spelling without case."""
    end = next((at for at, char in enumerate(text) if not char.isascii() or char.isalpha()), len(text))
    return text[:end]
