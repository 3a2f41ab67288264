"""Settings to what the pure stages take."""

from reconciler.compile import Options
from reconciler.envoy import (
    AccessLogFormat,
    EndpointSource,
    RenderOptions,
    Routing,
    SecretSource,
    Sharding,
)
from reconciler.merge import ConflictPolicy
from reconciler.model.addresses import on_loopback
from reconciler.model.happening import Actor
from reconciler.model.limits import Limits
from reconciler.model.machine import MachineAccess
from reconciler.model.source import Realm
from reconciler.plan import BlastRadius
from reconciler.settings import Loaded, Settings
from reconciler.table import DefaultListener


def stage_options(settings: Loaded) -> Options:
    """What the stages take from the settings."""
    s = settings.settings
    host, _, port = s.listen.rpartition(":")
    return Options(
        ambassador_id=s.ambassador_id,
        limits=Limits(
            machine=machine_access(s),
            platform_paths=s.platform_path,
            platform_namespaces=s.platform_namespaces,
        ),
        conflicts=ConflictPolicy(s.conflicts),
        precedence=Realm(s.precedence),
        default_listener=DefaultListener(host, int(port)),
        render=RenderOptions(
            service_addresses=dict(s.service_address),
            upstream_ca_file=s.upstream_ca_file,
            secrets_path=s.secrets_path,
            ca_entry=s.ca_entry,
            access_log_path=s.access_log,
            access_log_format=AccessLogFormat(s.access_log_format),
            routing=Routing(s.routing),
            sharding=Sharding(s.sharding),
            endpoints=EndpointSource(s.endpoints),
            secrets=SecretSource(s.secrets),
        ),
        blast_radius=BlastRadius(s.max_delete_share, s.delete_share_from),
        allow_plan=s.allow_plan,
        refuse_invalid=s.on_invalid == "refuse",
        config_digest=settings.digest,
        allowed_by=allowed_by(settings),
    )


def machine_access(s: Settings) -> MachineAccess:
    """What documents may ask of Envoy's machine; files of Secrets may be named as files, too."""
    own = (s.xds_envoy_certs, *(f"{s.secrets_path}/{secret}" for secret in s.never_secrets))
    return MachineAccess(
        tls_files=(*s.tls_files, s.secrets_path),
        body_files=s.body_files,
        log_files=s.log_files,
        variables=s.variables,
        lua=s.lua,
        loopback=s.loopback,
        never_files=tuple(filter(None, own)),
        secret_files=s.secrets_path,
        never_secrets=s.never_secrets,
        never_services=s.never_services,
        own_ports=own_ports(s),
    )


def allowed_by(settings: Loaded) -> Actor | None:
    """Who allows a plan that would be refused, as far as a setting tells: where it was set. None allows none."""
    if not settings.settings.allow_plan:
        return None
    return Actor("", f"setting allow_plan, from {settings.origins['allow_plan']}")


def own_ports(s: Settings) -> tuple[int, ...]:
    """The ports of ours that stand on Envoy's own machine, as they do where the ADS server is on loopback."""
    if "xds" not in s.target or not on_loopback(s.xds_address):
        return ()
    ours = (s.xds_address, s.web_address, s.pages_address)
    return tuple(int(address.rpartition(":")[2]) for address in ours if address)
