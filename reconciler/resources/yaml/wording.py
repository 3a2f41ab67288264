"""What is said of a document that is not read to its end."""

from yaml import YAMLError

from reconciler.model.limits import Limits
from reconciler.model.problem import Code
from reconciler.resources.finding import Finding
from reconciler.resources.yaml.text import LineCount


def not_yaml(error: YAMLError, count: LineCount) -> Finding:
    """What libyaml says, without the text around the place: that could hold a secret."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    context = getattr(error, "context", None)
    words = f"{said} {context}" if context else str(said)
    hint = "look at the indentation, quotes and brackets of this line and those before it"
    return Finding(Code.NOT_YAML, f"not YAML: {words}", hint=hint, line=0 if mark is None else count.at_error(mark))


def too_deep(limits: Limits, line: int) -> Finding:
    """More levels than are read."""
    expected, hint = f"at most {limits.max_depth} levels", "nothing of this language needs as many"
    return Finding(Code.DEPTH_LIMIT, "nested too deep", expected=expected, got="more", hint=hint, line=line)


def too_many_nodes(limits: Limits, line: int, *, by_aliases: bool = False) -> Finding:
    """More values than are read, those that aliases stand for among them."""
    code = Code.ALIAS_LIMIT if by_aliases else Code.SIZE_LIMIT
    message = "too many values in one document" + (", aliases expanded" if by_aliases else "")
    hint = "write the values out instead of using aliases" if by_aliases else "split it into several documents"
    return Finding(code, message, expected=f"at most {limits.max_nodes}", got="more", hint=hint, line=line)
