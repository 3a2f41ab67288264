"""Somebody with Helm and a kubeconfig."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support.kubernetes import Document


@dataclass(frozen=True)
class Person:
    """A person with Helm and a kubeconfig of one namespace.

    Attributes:
        helm: the program.
        home: a directory for its own files.
        kubeconfig: who they are, and in which namespace.
    """

    helm: Path
    home: Path
    kubeconfig: Path

    def run(self, *words: object) -> str:
        """One command of Helm, which must succeed; what it printed."""
        environment = {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [self.helm, *map(str, words)], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tries(self, *words: object) -> list[Document]:
        """The objects that a command would make: the server is asked everything, and nothing is kept."""
        release = json.loads(self.run(*words, "--dry-run=server", "--output", "json"))
        return [document for document in yaml.safe_load_all(release["manifest"]) if document]
