"""Which files are input, and how those that are refused are reported: the same rules for every source."""

from dataclasses import dataclass

from reconciler.model.errors import Stalled
from reconciler.model.limits import Limits
from reconciler.model.problem import Code, Problem, Severity
from reconciler.model.provenance import Provenance
from reconciler.model.text import printable

INPUT_SUFFIXES = (".yaml", ".yml", ".json")
ROUTE_TEST_SUFFIXES = (".test.yaml", ".test.yml")


def is_input(path: str) -> bool:
    """Whether a path below the source's root names an input file.

    Route tests are kept beside the Mappings and are no input; a component that starts with a dot hides
    everything below it.
    """
    named = path.endswith(INPUT_SUFFIXES) and not path.endswith(ROUTE_TEST_SUFFIXES)
    return named and not any(part.startswith(".") for part in path.split("/"))


def not_regular(path: str, what: str) -> Problem:
    """An input file by its name that is something else, e.g. ``a symbolic link``."""
    return Problem(
        code=Code.NOT_A_REGULAR_FILE,
        severity=Severity.ERROR,
        message="not read; what was served from it stays served",
        provenance=Provenance(printable(path)),
        expected="a regular file",
        got=what,
        hint="Replace it with the file itself",
    )


def bad_name(path: str, why: str) -> Problem:
    """An input file whose path cannot be trusted or printed."""
    return Problem(
        code=Code.NOT_A_REGULAR_FILE,
        severity=Severity.ERROR,
        message="not read because of its path; what was served from it stays served",
        provenance=Provenance(printable(path)),
        expected="a path of printable UTF-8 that stays inside the repository",
        got=why,
        hint="Rename the file",
    )


def too_large(path: str, size: int, limits: Limits) -> Problem:
    """An input file past ``max_file_bytes``; it was not read."""
    return Problem(
        code=Code.FILE_TOO_LARGE,
        severity=Severity.ERROR,
        message="not read; what was served from it stays served",
        provenance=Provenance(printable(path)),
        expected=f"at most {limits.max_file_bytes} bytes",
        got=f"{size} bytes",
        hint="Split it into several files",
    )


@dataclass(slots=True)
class Tally:
    """Counts input while it is listed, so that a limit is met before memory is."""

    limits: Limits
    files: int = 0
    total_bytes: int = 0

    def count_file(self) -> None:
        """One more input file, readable or not.

        Raises:
            Stalled: ``TooManyFiles``.
        """
        self.files += 1
        if self.files > self.limits.max_files:
            raise Stalled(
                "TooManyFiles",
                f"the source holds more than {self.limits.max_files} input files",
                "name the folder of the Mapping files with --path",
            )

    def count_bytes(self, size: int) -> None:
        """The size of one more file that is to be read.

        Raises:
            Stalled: ``SourceTooLarge``.
        """
        self.total_bytes += size
        if self.total_bytes > self.limits.max_total_bytes:
            raise Stalled(
                "SourceTooLarge",
                f"the input files together hold more than {self.limits.max_total_bytes} bytes",
                "name the folder of the Mapping files with --path",
            )
