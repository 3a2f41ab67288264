"""The settings, each with its unit and a reason for its default; flags, variables, file and docs come from here."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from reconciler.model.machine import LOG_FILES, TLS_FILES, VARIABLES
from reconciler.settings import parse


class Secret:
    """A value that no log, message, page or journal may show: every string form is ``[redacted]``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that hands it on."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "[redacted]" if self._value else "[none]"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Spec:
    """How a setting is read and what it is for."""

    help: str
    parse: Callable[[str], Any]  # one parser per field; the field's own annotation types the result
    many: bool = False
    secret: bool = False
    group: str = "common"


def _field(default: object, text: str, parser: Callable[[str], Any] = str, **more: Any) -> Any:
    spec = Spec(text, parser, **more)
    return dataclasses.field(default=default, metadata={"spec": spec})


def _default_state() -> Path:
    return platformdirs.user_state_path("reconciler")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Frozen: a running controller never sees two versions of it."""

    # Source
    repo: str = _field("", "Git repository: https://, ssh:// or user@host:path; a path with --allow-local.")
    ref: str = _field("main", "Branch, or tag:NAME, semver:RANGE, commit:SHA.")
    path: str = _field("", "Folder inside the repository that holds the Mappings; default the whole.")
    allow_local: bool = _field(
        False,
        "Allow a repository on this machine's disk. Off: a setting taken from elsewhere can't read local files.",
        parse.boolean,
        group="source",
    )
    allow_http: bool = _field(False, "Allow http://, in clear text.", parse.boolean, group="source")
    depth: int = _field(
        0,
        "Commits of history to fetch, 0 for all. Attribution of a route to a commit reaches no further.",
        parse.count,
        group="source",
    )
    git_username: str = _field("", "User name for https.", group="source")
    git_token: Secret = _field(
        Secret(""), "Token or password for https; as variable or by file only.", Secret, secret=True, group="source"
    )
    git_token_file: Path | None = _field(
        None,
        "File that holds the token or password for https; read at start.",
        parse.optional_path,
        group="source",
    )
    ca_file: Path | None = _field(
        None, "CA certificates (PEM) the Git server is verified with.", parse.optional_path, group="source"
    )
    ssh_key_file: Path | None = _field(None, "Deploy key for ssh.", parse.optional_path, group="source")
    known_hosts_file: Path | None = _field(
        None, "Pinned host keys for ssh; without a match nothing is fetched.", parse.optional_path, group="source"
    )
    fetch_timeout: float = _field(
        60.0, "Longest fetch before it is given up and retried.", parse.duration, group="source"
    )

    # The cluster around us
    kubernetes: str = _field(
        "auto",
        "The Kubernetes API server: in-cluster with the pod's service account, kubeconfig, or off. With auto, in a pod "
        "in-cluster, elsewhere kubeconfig where one or a context is named, else off; none is used unnamed.",
        parse.one_of("auto", "in-cluster", "kubeconfig", "off"),
        group="cluster",
    )
    kubeconfig: Path | None = _field(
        None, "The kubeconfig file; default $KUBECONFIG, then ~/.kube/config.", parse.optional_path, group="cluster"
    )
    kube_context: str = _field("", "Context of the kubeconfig; default its current one.", group="cluster")
    kube_server: str = _field(
        "",
        "URL of the API server in place of what service account or kubeconfig say.",
        parse.optional_url,
        group="cluster",
    )
    kube_tls_server_name: str = _field(
        "",
        "Name to expect in the API server's certificate, where a proxy or load balancer has another name.",
        group="cluster",
    )
    kube_ca_file: Path | None = _field(
        None,
        "CA certificates (PEM) the API server is verified with, in place of those of service account or kubeconfig.",
        parse.optional_path,
        group="cluster",
    )
    kube_timeout: float = _field(
        30.0,
        "Longest time for one request to the API server. Watches last longer.",
        parse.duration,
        group="cluster",
    )
    kube_resync: float = _field(
        900.0,
        "Time after which all objects are listed anew, give or take a tenth. Watches tell changes at once; this is how "
        "long one stays unseen that a proxy on the way swallowed.",
        parse.duration,
        group="cluster",
    )
    annotations: bool = _field(
        False,
        "Read the getambassador.io/config annotations of Services and Ingresses, beside the repository or alone.",
        parse.boolean,
        group="cluster",
    )
    custom_resources: bool = _field(
        False,
        "Read Mappings, Hosts and the other kinds where they are objects of the cluster themselves.",
        parse.boolean,
        group="cluster",
    )
    ingresses: bool = _field(False, "Read the rules of Ingresses of our class.", parse.boolean, group="cluster")
    ingress_class: str = _field(
        "reconciler",
        "The class of Ingresses that is ours. Not ambassador by default: what another controller serves is its own.",
        parse.object_name,
        group="cluster",
    )
    namespaces: tuple[str, ...] = _field(
        (),
        "Namespace to read objects in; repeatable, default all. A Role in each is then all the rights that takes.",
        parse.namespace,
        many=True,
        group="cluster",
    )
    label_selector: str = _field(
        "",
        "Read only objects with such labels, in the syntax of kubectl --selector.",
        parse.selector,
        group="cluster",
    )
    precedence: str = _field(
        "git",
        "Whose document is served where the repository and an object of the cluster define the same: git or cluster.",
        parse.one_of("git", "cluster"),
        group="cluster",
    )
    cluster_batch: float = _field(
        0.25,
        "From one reconcile to the next where objects of the cluster change all the time; a first change goes at once.",
        parse.duration,
        group="cluster",
    )

    # Several replicas
    leader_election: bool = _field(
        False,
        "Take part in the election of the one replica that writes what all share, such as a ConfigMap. Needed as soon "
        "as there are two.",
        parse.boolean,
        group="replicas",
    )
    lease_name: str = _field(
        "", "The Lease by which replicas elect; default the name of the instance.", group="replicas"
    )
    lease_namespace: str = _field("", "Its namespace; default that of our pod.", group="replicas")
    lease_duration: float = _field(
        15.0,
        "How long the others wait for a sign of life of the leader before one of them takes its place.",
        parse.duration,
        group="replicas",
    )
    lease_renew: float = _field(
        10.0,
        "A leader that could not renew the Lease for this long stops writing. What lies between this and the duration "
        "is the margin for requests under way and clocks that run at different speeds.",
        parse.duration,
        group="replicas",
    )
    lease_retry: float = _field(
        2.0, "Time between two attempts to renew or to get the Lease.", parse.duration, group="replicas"
    )
    replica: str = _field(
        "",
        "Name of this replica in the Lease, for people; default $POD_NAME, else the host name. Something random is "
        "added, so that a restarted one is another one.",
        group="replicas",
    )

    # What is said in the cluster
    events: bool = _field(
        True,
        "Post Kubernetes Events on the objects that are read and written, where there are such.",
        parse.boolean,
        group="voice",
    )
    status: bool = _field(True, "Write the status of the custom resources that are read.", parse.boolean, group="voice")
    repository_object: str = _field(
        "",
        "NAMESPACE/NAME of the RoutingRepository that says how everything stands, and where people suspend it or ask "
        "for a reconcile; it is made where it is missing. configmap:NAMESPACE/NAME keeps the same in a ConfigMap, as "
        "does a cluster without that kind.",
        parse.repository_object,
        group="voice",
    )

    # Clock
    interval: float = _field(60.0, "Time between polls. A minute keeps a forge at ease.", parse.duration)
    jitter: float = _field(
        0.1, "Share of the interval by which each poll varies, so that replicas spread out.", parse.share, group="clock"
    )
    max_backoff: float = _field(
        600.0, "Longest wait between retries of a failing fetch.", parse.duration, group="clock"
    )

    # Language
    ambassador_id: str = _field("default", "Which resources are ours.", group="language")
    listen: str = _field("0.0.0.0:8080", "Where Envoy listens when no Listener resource says so.", parse.address)
    conflicts: str = _field(
        "quarantine",
        "Mappings for the same requests without weights: quarantine all but the oldest, or split evenly.",
        parse.one_of("quarantine", "split"),
        group="language",
    )
    on_invalid: str = _field(
        "quarantine",
        "A bad Mapping: quarantine it and apply the rest, or refuse the whole revision. An object of the cluster that "
        "is bad is quarantined alone in any case.",
        parse.one_of("quarantine", "refuse"),
        group="language",
    )

    # What documents may do: whoever may commit may write them
    platform_path: tuple[str, ...] = _field(
        (),
        "Folder of the repository that alone may hold what concerns everybody: Module, AuthService, "
        "RateLimitService, TracingService, LogService, Listener, Ownership. Repeatable; default: all may.",
        parse.folder,
        many=True,
        group="language",
    )
    platform_namespaces: tuple[str, ...] = _field(
        (),
        "Namespace whose objects may hold what concerns everybody: Module, AuthService, RateLimitService, "
        "TracingService, LogService, Listener, the Host of all hosts; * for every namespace. Never Ownership. "
        "Repeatable; default: none.",
        parse.platform_namespace,
        many=True,
        group="language",
    )
    tls_files: tuple[str, ...] = _field(
        TLS_FILES,
        "Directory on Envoy's machine in which documents may name certificates and keys; repeatable. Never below /dev, "
        "/proc or /sys, nor where Envoy's own are; always in that of Secrets.",
        parse.absolute,
        many=True,
        group="language",
    )
    body_files: tuple[str, ...] = _field(
        (),
        "Directory on Envoy's machine in which documents may name files as error bodies, for every client to read; "
        "repeatable.",
        parse.absolute,
        many=True,
        group="language",
    )
    log_files: tuple[str, ...] = _field(
        LOG_FILES,
        "File or directory on Envoy's machine that a Module may have access logs written to; repeatable.",
        parse.absolute,
        many=True,
        group="language",
    )
    variables: tuple[str, ...] = _field(
        VARIABLES,
        "Variable of Envoy's environment that documents may show in headers, bodies, logs and traces; repeatable.",
        many=True,
        group="language",
    )
    lua: bool = _field(
        False,
        "Allow a Module lua_scripts. Off: a script can do all that Envoy can, such as read its keys.",
        parse.boolean,
        group="language",
    )
    loopback: bool = _field(
        True,
        "Allow services on Envoy's own machine, such as a sidecar. Off where something listens there that is for "
        "nobody else, such as Envoy's admin interface at a known port. The ADS server's own port never is.",
        parse.boolean,
        group="language",
    )
    never_secrets: tuple[str, ...] = _field(
        (),
        "NAMESPACE/NAME of a Secret that no document may name, such as those with the certificates of the ADS server "
        "and of its Envoys; repeatable.",
        parse.secret_name,
        many=True,
        group="language",
    )
    never_services: tuple[str, ...] = _field(
        (),
        "NAME.NAMESPACE[:PORT] of a Service, or ADDRESS[:PORT], that no document may have requests sent to, such as "
        "the ADS server; repeatable.",
        parse.service_name,
        many=True,
        group="language",
    )

    # Safety
    max_delete_share: float = _field(
        0.3, "Refuse a plan that deletes more than this share of the routes.", parse.share, group="safety"
    )
    delete_share_from: int = _field(
        10, "Number of routes from which that share is guarded.", parse.count, group="safety"
    )
    allow_plan: str = _field("", "Digest of a refused plan that may be applied.", group="safety")
    envoy: str = _field(
        "auto",
        "Envoy binary for the check before applying: a path, or auto, always, off. With auto, Envoys that are "
        "connected over xDS check themselves.",
        group="safety",
    )

    # Targets
    target: tuple[str, ...] = _field(
        (), "Where to apply: xds, files:DIR, configmap:NAMESPACE/NAME or none; repeatable.", parse.target, many=True
    )
    xds_address: str = _field(
        "127.0.0.1:18000",
        "Where the ADS server listens; beyond this machine only with a certificate.",
        parse.address,
        group="target",
    )
    xds_cert_file: Path | None = _field(
        None,
        "Certificate (PEM) of the ADS server. This and the two below are read anew when they are renewed.",
        parse.optional_path,
        group="target",
    )
    xds_key_file: Path | None = _field(None, "Its key.", parse.optional_path, group="target")
    xds_client_ca_file: Path | None = _field(
        None,
        "CA certificates (PEM) that must have signed the certificate of each Envoy; without them Envoys show none.",
        parse.optional_path,
        group="target",
    )
    xds_client_name: tuple[str, ...] = _field(
        (),
        "DNS name or URI, such as a SPIFFE ID, that may stand in an Envoy's certificate; repeatable, default any; "
        "needed where keys are served beyond this machine.",
        many=True,
        group="target",
    )
    xds_insecure: bool = _field(
        False,
        "Allow the ADS server to listen in clear text where other machines reach it, such as behind a mesh's sidecar.",
        parse.boolean,
        group="target",
    )
    xds_envoy_certs: str = _field(
        "",
        "Directory on Envoy's machine with tls.crt, tls.key and ca.crt for its connection to the ADS server; for the "
        "bootstrap that is printed. No document may name a file in it.",
        parse.optional_absolute,
        group="target",
    )
    ack_timeout: float = _field(
        10.0,
        "How long to wait for every Envoy's ACK before the result is recorded as pending.",
        parse.duration,
        group="target",
    )
    files_format: str = _field(
        "pb",
        "Format of a file target: pb (Envoy reads it 8 times faster than YAML) or json.",
        parse.one_of("pb", "json"),
        group="target",
    )
    configmap_names: str = _field(
        "fixed",
        "fixed changes one ConfigMap in place; rotating makes an immutable one for each content, NAME-DIGEST, and NAME "
        "says which is current, for those who roll out Pods that mount it.",
        parse.one_of("fixed", "rotating"),
        group="target",
    )
    configmap_keep: int = _field(
        5, "How many older ConfigMaps stay with rotating names, to go back to.", parse.count, group="target"
    )
    configmap_layout: str = _field(
        "files",
        "files: as Envoy reads them where it mounts the ConfigMap; packed: more than ten times as many Mappings fit, "
        "and reconciler unpack beside Envoy unpacks them.",
        parse.one_of("files", "packed"),
        group="target",
    )
    configmap_mount: str = _field(
        "/etc/envoy/routes",
        "Where Envoy finds the files of a ConfigMap, which name one another: where it is mounted, or unpacked.",
        parse.absolute,
        group="target",
    )
    envoy_admin: tuple[str, ...] = _field(
        (),
        "HOST:PORT of the admin interfaces of Envoys that mount a ConfigMap, to learn what they made of it; a name may "
        "stand for many, as that of a headless Service does; repeatable.",
        parse.address,
        many=True,
        group="target",
    )
    instance: str = _field(
        "reconciler",
        "Name of this controller, which its replicas share; a label of what it makes in the cluster. What has another "
        "is never touched.",
        parse.label,
        group="target",
    )
    routing: str = _field(
        "auto",
        "How Envoy finds the rule for a request, with the same result: list asks one after the other; tree looks the "
        "path up, where a host's rules allow it; auto takes for each host what is faster.",
        parse.one_of("list", "tree", "auto"),
        group="target",
    )
    sharding: str = _field(
        "none",
        "Into which pieces a listener's hosts are divided; Envoy builds only those anew that change. none: one; hosts: "
        "one for each, for clients that send host names in lower case; buckets: 64, at the cost of some microseconds "
        "for each request.",
        parse.one_of("none", "hosts", "buckets"),
        group="target",
    )
    service_address: tuple[tuple[str, str], ...] = _field(
        (),
        "SERVICE=HOST:PORT: where a service really is, where there is no cluster DNS; repeatable, * for all others.",
        parse.service_address,
        many=True,
        group="target",
    )
    upstream_ca_file: str = _field(
        "/etc/ssl/certs/ca-certificates.crt",
        "CA certificates on Envoy's machine that https:// services are verified with.",
        group="target",
    )
    secrets_path: str = _field(
        "/etc/envoy/secrets",
        "Directory on Envoy's machine that holds Secrets as NAMESPACE/NAME/KEY, as Kubernetes mounts them.",
        group="target",
    )
    ca_entry: str = _field(
        "tls.crt",
        "Key of a ca_secret with the CA certificates: tls.crt, as Ambassador has it, or ca.crt, as cert-manager does.",
        parse.one_of("tls.crt", "ca.crt"),
        group="target",
    )
    endpoints: str = _field(
        "dns",
        "Who knows the endpoints of services with a KubernetesEndpointResolver: dns; or kubernetes, whose Services and "
        "EndpointSlices are watched and served over xDS.",
        parse.one_of("dns", "kubernetes"),
        group="target",
    )
    secrets: str = _field(
        "files",
        "How Envoys get Secrets: as files on their machines; or from kubernetes, where those that are named are "
        "watched and served over xDS, to Envoys that show a certificate.",
        parse.one_of("files", "kubernetes"),
        group="target",
    )
    access_log: str = _field("/dev/stdout", "Envoy's access log file; empty for none.", group="target")
    access_log_format: str = _field(
        "text", "Format of the access log: text or json.", parse.one_of("text", "json"), group="target"
    )

    # Around it
    state: Path = dataclasses.field(
        default_factory=_default_state,
        metadata={"spec": Spec("Directory of the journal, clone and caches.", parse.path, group="state")},
    )
    journal_url: Secret = _field(
        Secret(""),
        "PostgreSQL database that holds the journal, postgresql://USER:PASSWORD@HOST/DATABASE; default a file in the "
        "state directory. As variable or by file only.",
        Secret,
        secret=True,
        group="state",
    )
    journal_url_file: Path | None = _field(
        None, "File that holds the URL of that database; read at start.", parse.optional_path, group="state"
    )
    journal_schema: str = _field(
        "reconciler",
        "Schema of that database with the tables of the journal, made if missing: one for each journal. {replica} "
        "stands for the name of this replica.",
        parse.journal_schema,
        group="state",
    )
    web_address: str = _field(
        "127.0.0.1:8081",
        "Where /healthz, /readyz and /metrics are served, or off.",
        parse.optional_address,
        group="operation",
    )
    log_format: str = _field(
        "auto",
        "Log lines as text or json; auto is text on a terminal.",
        parse.one_of("auto", "text", "json"),
        group="operation",
    )

    # The journal
    retention: float = _field(
        400 * 86_400.0,
        "How long the journal keeps the contents of what is past, such as 400d; 0 for ever. A full year of audit and a "
        "month to look at it, by default. What is served or held stays, and so do hashes: all still verifies.",
        parse.retention,
        group="journal",
    )

    journal_failure: str = _field(
        "closed",
        "What happens while the journal can't be written: closed applies nothing that can't be recorded; open applies "
        "it, notes beside the journal what was decided, and records the gap as soon as it can.",
        parse.one_of("closed", "open"),
        group="journal",
    )
    stale_after: float = _field(
        900.0,
        "Time for which a source may fail before the journal says that it is not heard of.",
        parse.duration,
        group="journal",
    )
    environment: str = _field(
        "",
        "Name of the environment or cluster, such as production-eu, for those who read records of several.",
        group="journal",
    )
    journal_name: str = _field(
        "reconciler/journal",
        "Name of the journal and of its key in signed checkpoints, such as routes.example.com/{replica}, which stands "
        "for the name of the replica; give each journal of yours its own, and keep it.",
        parse.journal_name,
        group="journal",
    )
    journal_key_file: Path | None = _field(
        None,
        "Ed25519 key (PEM, PKCS8) that signs the journal; default journal.key in the state directory, made with the "
        "journal. Others may not read it.",
        parse.optional_path,
        group="journal",
    )
    anchor: tuple[str, ...] = _field(
        (),
        "Where signed checkpoints are left, out of reach of who writes the journal: file:PATH, git:REF in the "
        "repository that is followed, or configmap:NAMESPACE/NAME; repeatable.",
        parse.anchor,
        many=True,
        group="journal",
    )
    anchor_interval: float = _field(
        3600.0,
        "Time between two checkpoints that are left there; one more when the controller stops.",
        parse.duration,
        group="journal",
    )

    # Pages and API
    pages_address: str = _field(
        "",
        "Where pages and API are served, or off. On this machine's loopback address nobody is asked who they are, "
        "unless pages_access_file is set; on any other somebody must be.",
        parse.optional_address,
        group="pages",
    )
    pages_access_file: Path | None = _field(
        None,
        "File (YAML) that says who may see what: hashes of tokens, users and groups, each with namespaces. Looked at "
        "again when it changes.",
        parse.optional_path,
        group="pages",
    )
    pages_proxy: tuple[str, ...] = _field(
        (),
        "Network of a proxy that says in headers who asks, such as 10.0.0.7/32; nobody else's headers are believed. "
        "Repeatable.",
        parse.network,
        many=True,
        group="pages",
    )
    pages_user_header: str = _field(
        "X-Forwarded-User", "Header in which that proxy names the user.", parse.header_name, group="pages"
    )
    pages_groups_header: str = _field(
        "X-Forwarded-Groups",
        "Header in which it names the user's groups, with commas between them.",
        parse.header_name,
        group="pages",
    )
    pages_host: tuple[str, ...] = _field(
        (),
        "Name by which browsers reach the pages, besides localhost on a loopback address; requests for others are "
        "refused then. Repeatable.",
        parse.host_name,
        many=True,
        group="pages",
    )


def specs() -> dict[str, Spec]:
    """Every setting by name, in order."""
    return {field.name: field.metadata["spec"] for field in dataclasses.fields(Settings)}
