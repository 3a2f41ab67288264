"""Flags made from the settings' own definition, the same for every verb."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from reconciler.settings import load
from reconciler.settings.parse import OneOf, boolean
from reconciler.settings.settings import Spec, specs

F = TypeVar("F", bound=Callable[..., Any])


def settings_flags(*groups: str) -> Callable[[F], F]:
    """Adds ``--config`` and the flags of some groups of settings; the verb receives ``settings: Loaded``.

    Secrets get no flag: a command line is seen by every process of the machine.
    """

    def decorate(verb: F) -> F:
        @wraps(verb)
        def with_settings(*args: Any, config: Path | None, **flags: Any) -> Any:
            given = {name: flags.pop(name) for name in specs() if name in flags}
            return verb(*args, settings=load(given, os.environ, config), **flags)

        decorated: F = cast("F", with_settings)
        for name, spec in reversed(specs().items()):
            if spec.group in groups and not spec.secret:
                decorated = _flag(name, spec)(decorated)
        return _config_flag(decorated)

    return decorate


def _config_flag(verb: F) -> F:
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option("--config", type=kind, envvar="RECONCILER_CONFIG", help="Settings file (YAML).")(verb)


def _flag(name: str, spec: Spec) -> Callable[[F], F]:
    option = "--" + name.replace("_", "-")
    if spec.parse is boolean:
        return click.option(f"{option}/--no-{option[2:]}", name, default=None, help=spec.help)
    metavar = "|".join(spec.parse.choices) if isinstance(spec.parse, OneOf) else _METAVARS.get(name, "TEXT")
    return click.option(option, name, multiple=spec.many, metavar=metavar, help=spec.help)


_METAVARS = {
    "repo": "URL",
    "path": "SUBDIR",
    "target": "TARGET",
    "state": "DIR",
    "interval": "DURATION",
    "jitter": "SHARE",
    "max_backoff": "DURATION",
    "retention": "DURATION",
    "stale_after": "DURATION",
    "anchor_interval": "DURATION",
    "fetch_timeout": "DURATION",
    "ack_timeout": "DURATION",
    "listen": "HOST:PORT",
    "xds_address": "HOST:PORT",
    "xds_cert_file": "FILE",
    "xds_key_file": "FILE",
    "xds_client_ca_file": "FILE",
    "xds_client_name": "NAME",
    "xds_envoy_certs": "DIR",
    "configmap_keep": "N",
    "configmap_mount": "DIR",
    "envoy_admin": "HOST:PORT",
    "instance": "NAME",
    "lease_name": "NAME",
    "lease_namespace": "NAMESPACE",
    "lease_duration": "DURATION",
    "lease_renew": "DURATION",
    "lease_retry": "DURATION",
    "replica": "NAME",
    "repository_object": "NAMESPACE/NAME",
    "web_address": "HOST:PORT",
    "pages_address": "HOST:PORT",
    "pages_access_file": "FILE",
    "pages_proxy": "CIDR",
    "pages_user_header": "NAME",
    "pages_groups_header": "NAME",
    "pages_host": "NAME",
    "service_address": "SERVICE=HOST:PORT",
    "max_delete_share": "SHARE",
    "delete_share_from": "N",
    "depth": "N",
    "allow_plan": "DIGEST",
    "envoy": "auto|always|off|FILE",
    "upstream_ca_file": "FILE",
    "secrets_path": "DIR",
    "platform_path": "SUBDIR",
    "tls_files": "DIR",
    "body_files": "DIR",
    "log_files": "PATH",
    "variables": "NAME",
    "access_log": "FILE",
    "ca_file": "FILE",
    "ssh_key_file": "FILE",
    "known_hosts_file": "FILE",
    "git_token_file": "FILE",
    "journal_url_file": "FILE",
    "journal_schema": "NAME",
}


def from_flag(verb: F) -> F:
    """Adds ``--from cluster``; the verb receives ``origin``."""
    text = "Read what annotations, custom resources and Ingresses of a cluster say, instead of files."
    return click.option("--from", "origin", type=click.Choice(["cluster"]), help=text)(verb)


def output_flag(*more: str) -> Callable[[F], F]:
    """Adds ``--output text|json`` (and more)."""
    return click.option(
        "--output", type=click.Choice(["text", "json", *more]), default="text", show_default=True, help="Output format."
    )
