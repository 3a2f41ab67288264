"""What a rule does with a request, and to which cluster it goes."""

from collections.abc import Iterable

from reconciler.model.resource import MappingResource, MatchKind, RegexRewrite
from reconciler.model.table import Action, Forward, Mirror
from reconciler.table.resolve.upstreams import cluster_of

_WHOLE_PATH = "^.*$"


DEFAULT_TIMEOUT_MS = 3000


def action_of(mapping: MappingResource, mirrors: tuple[Mirror, ...]) -> Action | None:
    """Answer, redirect or forward; None for a Mapping that has neither (the resources stage lets none through)."""
    if mapping.answer is not None:
        return mapping.answer
    if mapping.redirect is not None:
        return mapping.redirect
    if mapping.service is None:
        return None
    prefix, regex = _rewrites(mapping)
    return Forward(
        cluster=cluster_of(mapping.service, mapping.upstream).name,
        prefix_rewrite=prefix,
        regex_rewrite=regex,
        host_rewrite=mapping.host_rewrite,
        auto_host_rewrite=mapping.auto_host_rewrite and mapping.host_rewrite is None,
        timeout_ms=DEFAULT_TIMEOUT_MS if mapping.timeout_ms is None else mapping.timeout_ms,
        mirrors=mirrors,
    )


def mirrors_of(shadows: Iterable[MappingResource]) -> tuple[Mirror, ...]:
    """The copies the shadows of a group ask for, sorted; all requests where no weight says less."""
    return tuple(
        sorted(
            Mirror(cluster_of(shadow.service, shadow.upstream).name, 100 if shadow.weight is None else shadow.weight)
            for shadow in shadows
            if shadow.service is not None
        )
    )


def _rewrites(mapping: MappingResource) -> tuple[str | None, RegexRewrite | None]:
    if mapping.regex_rewrite is not None:
        return None, mapping.regex_rewrite
    if not mapping.rewrite:
        return None, None
    if mapping.path.kind is MatchKind.REGEX:
        # A regex route matches the whole path, so `rewrite` replaces all of it, as it stands.
        return None, RegexRewrite(_WHOLE_PATH, mapping.rewrite.replace("\\", "\\\\"))
    return mapping.rewrite, None
