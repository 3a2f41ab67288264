"""A Git repository to play with, made from a folder of Mappings."""

import os
import shutil
import subprocess
from pathlib import Path

from reconciler.model.errors import Stalled

_IDENTITY = ("-c", "user.name=Demo", "-c", "user.email=demo@example.com", "-c", "commit.gpgsign=false")


class ScratchRepository:
    """A repository with one commit on ``main``: the content of ``template``, below ``routes/``.

    Raises:
        Stalled: there is no template, or no git.
    """

    def __init__(self, template: Path, directory: Path) -> None:
        if not template.is_dir():
            hint = "run this in a checkout of the project, or name a folder of Mappings with --routes"
            raise Stalled("NoRoutes", f"{template} is not a folder", hint)
        self.directory = directory
        shutil.copytree(template, directory / "routes")
        self._git("init", "--quiet", "--initial-branch=main")
        # What a person commits by hand must not depend on their own configuration either.
        self._git("config", "user.name", "Demo")
        self._git("config", "user.email", "demo@example.com")
        self._git("config", "commit.gpgsign", "false")
        self.commit("Start with the sample routes")

    def commit(self, subject: str) -> str:
        """Commits everything and returns the commit's 40 digits."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            done = subprocess.run(
                ["git", *_IDENTITY, *arguments], cwd=self.directory, env=environment, capture_output=True, check=True
            )
        except FileNotFoundError as error:
            raise Stalled("NoGit", "git is not installed", "install it, e.g. apt-get install git") from error
        return done.stdout.decode().strip()
