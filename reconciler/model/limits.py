"""Every limit on untrusted input, in one place."""

from dataclasses import dataclass

from reconciler.model.machine import DEFAULT_ACCESS, MachineAccess


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a repository may hold; past each is a Problem or a refusal, never a crash.

    Attributes:
        max_files: input files in a revision; past it the revision is refused (Stalled).
        max_file_bytes: bytes of one file; a larger one is refused alone.
        max_total_bytes: bytes of all input files together; past it the revision is refused.
        max_namespace_files: objects of one namespace that are read; past it the newest of that namespace are not.
        max_namespace_bytes: bytes of these together; past it likewise. A fourth of what all may have, so that nobody
            who may write to one namespace keeps the others from changing anything.
        max_depth: nesting of one YAML document.
        max_nodes: values in one document after aliases are expanded: what an alias bomb runs into.
        max_aliases: aliases in one document.
        max_documents: YAML documents in one file.
        max_regex_length: characters of one RE2 pattern.
        max_regex_program: instructions one RE2 pattern compiles to. Envoy refuses more than 100 unless its runtime key
            ``re2.max_program_size.error_level`` says otherwise, which it does in every bootstrap we print.
        max_findings: findings reported of one document; the rest are only counted.
        max_file_findings: findings reported of one file or object, the worst first; the rest are only counted.
        platform_paths: folders of the source that alone may hold documents of kinds that concern everybody; empty: all.
        platform_namespaces: those whose objects may hold such documents; empty: none, ``*``: all.
        machine: what documents may ask of the machine Envoy runs on.
    """

    max_files: int = 200_000
    max_file_bytes: int = 1_048_576
    max_total_bytes: int = 536_870_912
    max_namespace_files: int = 50_000
    max_namespace_bytes: int = 134_217_728
    max_depth: int = 32
    max_nodes: int = 20_000
    max_aliases: int = 100
    max_documents: int = 2_000
    max_regex_length: int = 1_000
    max_regex_program: int = 200
    max_findings: int = 50
    max_file_findings: int = 200
    platform_paths: tuple[str, ...] = ()
    platform_namespaces: tuple[str, ...] = ()
    machine: MachineAccess = DEFAULT_ACCESS


DEFAULT_LIMITS = Limits()
