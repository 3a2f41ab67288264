"""Settings to sources: the repository, the cluster, or both."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from reconciler.cluster import Cluster, ClusterSettings, Pace, connect
from reconciler.model.decision import Trigger
from reconciler.model.errors import Stalled
from reconciler.model.limits import Limits
from reconciler.resources import document_digests
from reconciler.settings import Settings
from reconciler.sources import (
    BasicAuth,
    CombinedSource,
    GitSettings,
    GitSource,
    Patience,
    Ref,
    SshAuth,
)
from reconciler.sources.cluster import ClusterReading, ClusterSource


def reads_cluster(s: Settings) -> bool:
    """Whether objects of a cluster are a source."""
    return s.annotations or s.custom_resources or s.ingresses


def api_server(s: Settings, patience_s: float | None = None, burst: int = 40) -> Cluster | None:
    """The API server of the settings; None where they mean none. Each has connections of its own.

    Args:
        s: the settings.
        patience_s: longest time for a call, in place of that of the settings.
        burst: how many requests may go out at once.

    Raises:
        Stalled, Transient: see `connect`.
    """
    settings = ClusterSettings(
        mode=s.kubernetes,
        kubeconfig=s.kubeconfig,
        context=s.kube_context,
        server=s.kube_server,
        tls_server_name=s.kube_tls_server_name,
        ca_file=s.kube_ca_file,
        request_s=s.kube_timeout,
        burst=burst,
    )
    if patience_s is not None:
        settings = replace(settings, request_s=min(s.kube_timeout, patience_s), patience_s=patience_s)
    return connect(settings)


def needed_api_server(s: Settings, what: str, patience_s: float | None = None, burst: int = 40) -> Cluster:
    """The same for what can't do without one.

    Raises:
        Stalled: the settings mean none.
    """
    cluster = api_server(s, patience_s, burst)
    if cluster is None:
        hint = "outside of a pod name one with --kubeconfig or --kube-context"
        raise Stalled("ClusterConfigInvalid", f"{what} takes an API server, and there is none", hint)
    return cluster


def cluster_source(s: Settings, limits: Limits, cluster: Cluster, on_change: Callable[[], None]) -> ClusterSource:
    """The objects that the settings have us read; to be started."""
    return ClusterSource(
        cluster,
        ClusterReading(
            annotations=s.annotations,
            ingresses=s.ingresses,
            custom_resources=s.custom_resources,
            namespaces=s.namespaces,
            label_selector=s.label_selector,
            ingress_class=s.ingress_class,
            limits=limits,
        ),
        on_change,
        Pace(resync_s=s.kube_resync),
    )


def source_of(
    stack: ExitStack,
    s: Settings,
    clone_dir: Path,
    limits: Limits,
    digests: Callable[[bytes], Sequence[str]],
    wake: Callable[[Trigger], None],
    ending: Callable[[], bool],
) -> GitSource | CombinedSource:
    """What the controller follows; closed with the stack.

    Args:
        stack: closes what is opened here.
        s: the settings.
        clone_dir: of the repository.
        limits: bounds on what is read.
        digests: tells the documents of a file apart.
        wake: told when the source has something new by itself.
        ending: whether the process is to end.

    Raises:
        Stalled, Transient: a setting can't be used.
    """
    if not reads_cluster(s):
        source = git_source(s, clone_dir, digests)
        stack.callback(source.close)
        return source
    cluster = needed_api_server(s, "reading annotations, custom resources or Ingresses")
    stack.callback(cluster.close)

    def changed() -> None:
        combined.cluster_changed()

    objects = cluster_source(s, limits, cluster, changed)
    git = git_source(s, clone_dir, digests) if s.repo else None
    combined = CombinedSource(git, objects, Patience(s.interval, start_s=s.kube_timeout), wake, ending)
    stack.callback(combined.close)
    objects.start()
    return combined


def git_source(s: Settings, clone_dir: Path, digests: Callable[[bytes], Sequence[str]] = document_digests) -> GitSource:
    """The repository of the settings, cloned into ``clone_dir``; ``digests`` tells its documents apart.

    Raises:
        Stalled: the settings name no repository, or one that is not allowed.
    """
    return GitSource(git_settings(s, clone_dir), digests)


def git_settings(s: Settings, clone_dir: Path) -> GitSettings:
    """How to reach the repository of the settings; ``clone_dir`` is for what is kept of it.

    Raises:
        Stalled: the settings name no repository, or credentials that can't be read.
    """
    if not s.repo:
        hint = "name it with --repo URL, RECONCILER_REPO or repo: in the settings file"
        raise Stalled("InvalidSettings", "no repository is given", hint)
    return GitSettings(
        url=s.repo,
        clone_dir=clone_dir,
        ref=Ref.parse(s.ref),
        sub_path=s.path,
        depth=s.depth,
        basic=_basic_auth(s),
        ssh=_ssh_auth(s),
        ca_file=s.ca_file,
        allow_local=s.allow_local,
        allow_http=s.allow_http,
        fetch_timeout_s=s.fetch_timeout,
    )


def _basic_auth(s: Settings) -> BasicAuth | None:
    token = s.git_token.reveal()
    if s.git_token_file:
        try:
            token = s.git_token_file.read_text().strip()
        except OSError as error:
            raise Stalled("InvalidSettings", f"{s.git_token_file}: {error.strerror}", "see --git-token-file") from error
    if not token:
        return None
    return BasicAuth(token, s.git_username) if s.git_username else BasicAuth(token)


def _ssh_auth(s: Settings) -> SshAuth | None:
    if s.ssh_key_file is None and s.known_hosts_file is None:
        return None
    if s.ssh_key_file is None or s.known_hosts_file is None:
        raise Stalled("InvalidSettings", "ssh needs both --ssh-key-file and --known-hosts-file")
    return SshAuth(s.ssh_key_file, s.known_hosts_file)
