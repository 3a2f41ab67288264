"""The real kube-apiserver, etcd and Helm, and what checks proofs: built once per machine; ``go.sum`` pins the sources.

``python -m tests.support.cluster.tools`` builds what is missing; ``make kubernetes-tools`` runs it. What is built lies
in the user's cache directory, under a digest of the module's files: all clones share it, and a new version has a new
place. ``KUBEBUILDER_ASSETS``, where set, names a folder with ``kube-apiserver`` and ``etcd`` that are used instead.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

# Read when this is imported: later, while tests run, there is no home directory.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler" / "tools"
_ASSETS = os.environ.get("KUBEBUILDER_ASSETS", "")
_PROGRESS_EVERY_S = 15
_HOW = (
    "`make kubernetes-tools` builds them where there are Go 1.26 or newer and Go modules; "
    "or KUBEBUILDER_ASSETS names a folder with kube-apiserver and etcd"
)


class Missing(Exception):
    """A tool is not there, or can't be built; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Module:
    """A folder of ``tests/support`` whose ``go.mod`` pins tools.

    Attributes:
        name: of the folder.
        packages: the Go package of each tool, by the tool's name.
        link: Go variables that the linker sets, and the module whose version each shows: ``{0}`` is the whole version,
            ``{1}`` its minor number. Without them the tools misstate their versions.
    """

    name: str
    packages: Mapping[str, str]
    link: Mapping[str, tuple[str, str]]

    @property
    def root(self) -> Path:
        """Where ``go.mod`` and ``go.sum`` are."""
        return Path(__file__).parents[1] / self.name

    @property
    def home(self) -> Path:
        """Where its tools are once built: another place for each state of its files and each kind of machine."""
        digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {self.link}".encode())
        for file in ("go.mod", "go.sum", *sorted(path.name for path in self.root.glob("*.go"))):
            digest.update((self.root / file).read_bytes())
        return _CACHE / digest.hexdigest()[:16]

    def version(self, module: str) -> str:
        """The version of a Go module that ``go.mod`` pins, e.g. ``v1.36.3``."""
        found = re.search(rf"^\s*{re.escape(module)} (v\S+)", (self.root / "go.mod").read_text(), re.MULTILINE)
        assert found, f"{self.root}/go.mod requires no {module}"
        return found[1]

    @property
    def link_flags(self) -> str:
        """The linker's flags: no symbols, and the versions."""
        values = []
        for variable, (module, form) in self.link.items():
            version = self.version(module)
            values.append(f"-X {variable}={form.format(version, version.split('.')[1])}")
        return " ".join(["-s", "-w", *values])


_KUBERNETES, _CLIENT, _HELM = "k8s.io/kubernetes", "k8s.io/client-go", "helm.sh/helm/v3"
APISERVER = Module(
    "apiserver",
    {"kube-apiserver": f"{_KUBERNETES}/cmd/kube-apiserver", "etcd": "go.etcd.io/etcd/server/v3"},
    {
        "k8s.io/component-base/version.gitVersion": (_KUBERNETES, "{0}"),
        "k8s.io/component-base/version.gitMajor": (_KUBERNETES, "1"),
        "k8s.io/component-base/version.gitMinor": (_KUBERNETES, "{1}"),
    },
)
HELM = Module(
    "helm",
    {"helm": f"{_HELM}/cmd/helm"},
    {
        f"{_HELM}/internal/version.version": (_HELM, "{0}"),
        f"{_HELM}/pkg/chartutil.k8sVersionMinor": (_CLIENT, "{1}"),
        f"{_HELM}/pkg/lint/rules.k8sVersionMinor": (_CLIENT, "{1}"),
    },
)
# What checks our proofs with the reference implementation of transparency logs.
TLOG = Module("tlog", {"tlog": "."}, {})


def tool(name: str) -> Path:
    """A tool that was built, or that ``KUBEBUILDER_ASSETS`` has.

    Raises:
        Missing: it is neither.
    """
    module = next(each for each in (HELM, TLOG, APISERVER) if name in each.packages)
    path = (Path(_ASSETS) if _ASSETS and module is APISERVER else module.home) / name
    if not os.access(path, os.X_OK):
        raise Missing(f"there is no {path}: {_HOW}")
    return path


def build(module: Module) -> None:
    """Build what a module pins, unless it is there; only one process at a time does.

    Raises:
        Missing: there is no Go, it is too old, or a module can't be had.
    """
    _CACHE.mkdir(parents=True, exist_ok=True)
    with _alone(_CACHE / f"{module.name}.lock"):
        if module.home.is_dir():
            return
        go = shutil.which("go")
        if not go:
            raise Missing(f"there is no Go, so no {' and no '.join(module.packages)}: {_HOW}")
        for killed in _CACHE.glob(f"{module.name}-*"):  # nobody else is at work
            shutil.rmtree(killed)
        unfinished = Path(mkdtemp(dir=_CACHE, prefix=f"{module.name}-"))
        try:
            for name, package in module.packages.items():
                _compile(go, module, package, unfinished / name)
            unfinished.chmod(0o755)
            unfinished.rename(module.home)  # whole or not at all
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another make builds the same; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _compile(go: str, module: Module, package: str, to: Path) -> None:
    """Compile and link one tool, and say now and then how far it is."""
    _say(f"building {to.name} from source, once on this machine; minutes, if it is the first")
    command = [go, "build", "-v", "-trimpath", "-ldflags", module.link_flags, "-o", str(to), package]
    started = said = time.monotonic()
    words: list[str] = []
    with subprocess.Popen(
        command,
        cwd=module.root,
        env=os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            words.append(line.strip())
            if time.monotonic() - said > _PROGRESS_EVERY_S:
                said = time.monotonic()
                _say(f"  {to.name}: {len(words)} packages and modules, {said - started:.0f} s")
    if process.returncode:
        raise Missing("\n".join([*words[-5:], f"{to.name} can't be built: {_HOW}"]))
    _say(f"{to.name} is built: {time.monotonic() - started:.0f} s, {to.stat().st_size >> 20} MiB")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> int:
    """Build everything.

    With ``--if-possible`` the exit status is 0 also where that fails, so that the other tests run; but not where ``CI``
    is set: there, tests that don't run must not look like tests that pass.
    """
    modules = [HELM, TLOG] if _ASSETS else [APISERVER, HELM, TLOG]
    try:
        for module in modules:
            build(module)
    except Missing as missing:
        _say(f"Kubernetes: {missing}")
        return 0 if "--if-possible" in sys.argv and not os.environ.get("CI") else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
