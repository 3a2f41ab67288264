"""Repositories of any size, with the mix of features that published measurements of the language's compilers use.

Ten per cent of the Mappings have a timeout and retries, five a header condition, five CORS, two a regex for their path,
and five come in canary pairs; ten Mappings share a service. Two Listeners; one Host, or as many as are asked for.
"""

from collections.abc import Iterator

_TEAMS = 97  # first segments of paths

_EDGE = """\
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {{name: listener-{port}}}
spec:
  port: {port}
  protocol: HTTP
  securityModel: XFP
  hostBinding: {{namespace: {{from: ALL}}}}
"""

_HOST = """\
apiVersion: getambassador.io/v3alpha1
kind: Host
metadata: {{name: host-{number}}}
spec:
  hostname: {hostname}
  requestPolicy: {{insecure: {{action: Route}}}}
"""


def repository(mappings: int, hosts: int = 1, ports: tuple[int, ...] = (8080, 8443)) -> dict[str, str]:
    """Files by path: one per Mapping, one per Host, and one for the Listeners.

    Args:
        mappings: how many.
        hosts: among how many Hosts they are spread evenly.
        ports: of the Listeners.
    """
    files = {"routes/edge.yaml": "---\n".join(_EDGE.format(port=port) for port in ports)}
    for number in range(hosts):
        files[f"routes/hosts/host-{number:05d}.yaml"] = _HOST.format(number=number, hostname=hostname(number))
    for number in range(mappings):
        files[path(number)] = mapping(number, hosts)
    return files


def path(number: int) -> str:
    """The file of a Mapping."""
    return f"routes/team-{number % _TEAMS:02d}/service-{number:06d}.yaml"


def hostname(number: int) -> str:
    """The hostname of a Host."""
    return f"host-{number}.example.com"


def prefix(number: int) -> str:
    """What the path of a request for a Mapping begins with."""
    return f"/team-{_pair(number) % _TEAMS:02d}/service-{_pair(number):06d}/"


def mapping(number: int, hosts: int = 1, service: str = "") -> str:
    """The document of one Mapping.

    Args:
        number: of the Mapping.
        hosts: how many Hosts there are.
        service: where it goes to; default one that it shares with nine others.
    """
    lines = [
        "apiVersion: getambassador.io/v3alpha1",
        "kind: Mapping",
        "metadata:",
        f"  name: service-{number:06d}",
        "spec:",
        f"  hostname: {hostname(_pair(number) % hosts)}",
        *_features(number),
        f"  service: {service or f'backend-{number // 10:05d}:8080'}",
    ]
    return "\n".join(lines) + "\n"


def _features(number: int) -> Iterator[str]:
    share = _pair(number) * 7919 % 100  # spread, and the same every time; both of a pair want the same requests
    if share in (2, 3):
        yield f"  prefix: {prefix(number)}v[0-9]+/.*"
        yield "  prefix_regex: true"
    else:
        yield f"  prefix: {prefix(number)}"
    if 10 <= share < 20:
        yield "  timeout_ms: 5000"
        yield "  retry_policy: {retry_on: 5xx, num_retries: 3}"
    if 20 <= share < 25:
        yield "  headers: {x-version: v2}"
    if 25 <= share < 30:
        yield "  cors: {origins: ['https://www.example.com'], methods: [GET, POST], max_age: '86400'}"
    if _in_pair(number):
        yield f"  weight: {90 if number % 2 == 0 else 10}"


def _in_pair(number: int) -> bool:
    return number % 40 in (0, 1)


def _pair(number: int) -> int:
    """The Mapping whose path it has: its own, or that of the other one of a canary pair."""
    return number - 1 if number % 40 == 1 else number
