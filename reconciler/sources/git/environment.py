"""The environment git runs in: everything that could make it run or trust something else is off."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.sources.git.remote import Remote, Transport
from reconciler.sources.git.settings import GitSettings, SshAuth

# A helper instead of GIT_ASKPASS: git itself scopes it to one origin, and no script has to be on an executable disk.
# The secret is in the environment of git only; printf is a builtin, so it is on no command line either.
_CREDENTIAL_HELPER = (
    '!f() { test "$1" != get || '
    'printf "username=%s\\npassword=%s\\n" "$RECONCILER_GIT_USERNAME" "$RECONCILER_GIT_PASSWORD"; }; f'
)
_INHERITED_TROUBLE = frozenset({"SSH_AUTH_SOCK", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "XDG_CONFIG_HOME"})
_CONNECT_TIMEOUT_S = 20
# Old commits with the first flaws are in many honest repositories, and nothing here depends on them. The others are
# names that lead elsewhere: without a work tree they lead nowhere, `tree` refuses them one by one, and one bad
# commit in the history must not keep all later ones out.
_HARMLESS_FLAWS = (
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "zeroPaddedDate",
    "fullPathname",
    "hasDot",
    "hasDotdot",
    "hasDotgit",
)


def git_environment(settings: GitSettings, remote: Remote, home: Path) -> dict[str, str]:
    """Variables that override what this process inherited; holds the secret, so it is never printed."""
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",  # empty, not absent: git then asks nobody
        "GIT_ALLOW_PROTOCOL": str(remote.transport),
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PROTOCOL_FROM_USER": "0",
    }
    if settings.ssh is not None and remote.transport is Transport.SSH:
        environment["GIT_SSH_COMMAND"] = _ssh_command(settings.ssh)
        environment["GIT_SSH_VARIANT"] = "ssh"
    if remote.basic is not None:
        environment["RECONCILER_GIT_USERNAME"] = remote.basic.username
        environment["RECONCILER_GIT_PASSWORD"] = remote.basic.password
    return environment | _config(_options(settings, remote))


def to_unset(inherited: Iterable[str], ours: Mapping[str, str]) -> tuple[str, ...]:
    """Which inherited variables git must not see: its own (a hook may have started us) and ssh's agent."""
    return tuple(
        sorted(
            name for name in inherited if name not in ours and (name.startswith("GIT_") or name in _INHERITED_TROUBLE)
        )
    )


def _options(settings: GitSettings, remote: Remote) -> list[tuple[str, str]]:
    options = [
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.askPass", ""),
        ("credential.helper", ""),  # empties the list
        ("fetch.recurseSubmodules", "false"),
        ("fetch.fsckObjects", "true"),
        ("gc.autoDetach", "false"),
        ("maintenance.autoDetach", "false"),
        ("http.followRedirects", "false"),
        ("http.sslVerify", "true"),
        ("protocol.version", "2"),
        ("log.showSignature", "false"),
    ]
    options += [(f"fetch.fsck.{flaw}", "ignore") for flaw in _HARMLESS_FLAWS]
    if settings.ca_file is not None:
        options.append(("http.sslCAInfo", str(settings.ca_file)))
    if remote.basic is not None:
        options.append((f"credential.{remote.origin}.helper", _CREDENTIAL_HELPER))
    return options


def _config(options: list[tuple[str, str]]) -> dict[str, str]:
    """Options as git takes them from the environment, where they also override the repository's own."""
    variables = {"GIT_CONFIG_COUNT": str(len(options))}
    for index, (key, value) in enumerate(options):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables


def _ssh_command(auth: SshAuth) -> str:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": _ssh_path(auth.known_hosts_file),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "IdentityFile": _ssh_path(auth.key_file),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "PreferredAuthentications": "publickey",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ControlMaster": "no",
        "ControlPath": "none",
        "ProxyCommand": "none",
        "ConnectTimeout": str(_CONNECT_TIMEOUT_S),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
    }
    words = ["ssh", "-F", "none"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)


def _ssh_path(path: Path) -> str:
    """A path inside an ssh option: quoted against spaces, per cent signs doubled (ssh_config(5), TOKENS)."""
    return '"' + str(path.absolute()).replace("%", "%%") + '"'
