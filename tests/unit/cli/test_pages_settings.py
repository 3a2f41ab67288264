"""What the settings say about pages: who comes in, and what is told of who looked."""

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from reconciler.cli.access_log import AccessLog
from reconciler.cli.pages import rules_of
from reconciler.cli.stages import own_ports
from reconciler.model.errors import Stalled
from reconciler.settings import Settings, load
from reconciler.web.access import Access


def settings(**given: str | tuple[str, ...]) -> Settings:
    """Settings with these values, as typed."""
    return load(given, {}, None).settings


def test_on_loopback_nobody_is_asked_unless_somebody_wants_it() -> None:
    """An access file is meant, wherever the pages are."""
    assert rules_of(settings(pages_address="127.0.0.1:1")).open
    assert rules_of(settings(pages_address="[::1]:1")).local
    asked = rules_of(settings(pages_address="localhost:1", pages_access_file="access.yaml"))
    assert (asked.open, asked.local) == (False, True)


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "pages.example.com:1"])
def test_elsewhere_somebody_must_be(address: str) -> None:
    """It does not start, and says what to set."""
    with pytest.raises(Stalled, match="could see everything") as caught:
        rules_of(settings(pages_address=address))
    assert (caught.value.reason, "--pages-access-file" in caught.value.hint) == ("PagesOpen", True)
    assert not rules_of(settings(pages_address=address, pages_access_file="access.yaml")).open


def test_a_proxy_alone_says_nothing_of_what_people_may_see() -> None:
    """Also on loopback: it would be let in as nobody, and see everything."""
    with pytest.raises(Stalled, match="nothing says what they may see"):
        rules_of(settings(pages_address="127.0.0.1:1", pages_proxy=("127.0.0.1",)))


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "proxy.example.com", "10.0.0.1/8"])
def test_a_proxy_has_an_address(network: str) -> None:
    """Not any, and not by a name that others may answer to."""
    with pytest.raises(Stalled, match="pages_proxy"):
        settings(pages_proxy=(network,))


def test_no_document_may_route_to_pages_on_envoys_machine() -> None:
    """Whoever may write a Mapping would let the world see them."""
    assert own_ports(settings(target=("xds",), pages_address="127.0.0.1:8082")) == (18000, 8081, 8082)


def access(viewer: str, peer: str = "192.0.2.1") -> Access:
    """Somebody looked."""
    return Access(viewer, "token", peer, "GET", "/decisions", 200, 3)


def test_each_access_is_told_and_very_many_are_counted() -> None:
    """Nobody is lost in the count of somebody else, and no log is filled by one."""
    now = [0.0]
    log = AccessLog(clock=lambda: now[0])
    with capture_logs() as lines:
        for _ in range(1_000):
            log.write(access("ann"))
        log.write(access("bob"))
        now[0] = 3_600.0
        log.write(access("ann"))
        for number in range(700):
            log.write(access("", f"192.0.2.{number % 2}"))
        log.close()
    told = [line for line in lines if line["event"] == "access"]
    assert [sum(line["viewer"] == name for line in told) for name in ("ann", "bob", "")] == [601, 1, 700]
    (counted,) = [line for line in lines if line["event"] == "accesses"]
    assert (counted["viewer"], counted["more"]) == ("ann", 400)


def test_what_is_kept_of_viewers_is_bounded() -> None:
    """Whoever comes from ever other addresses costs no memory."""
    log = AccessLog(clock=lambda: 0.0)
    with capture_logs():
        for number in range(10_500):
            log.write(access("", str(number)))
    assert len(log._hours) == 10_000


def test_a_controller_without_pages_pays_nothing_for_them() -> None:
    """What takes long to import is imported where they are served."""
    ask = (
        "import sys, reconciler.cli.run, reconciler.cli.demo; print({'fastapi', 'pydantic', 'jinja2'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
