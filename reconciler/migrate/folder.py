"""All files of a folder, migrated as far as that changes nothing that Envoy does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.compile import Options, load_source
from reconciler.migrate.check import Difference, Meaning, differences, meaning
from reconciler.migrate.documents import Rewritten, rewrite
from reconciler.migrate.named import NAMED_KINDS, Named, named
from reconciler.model.digest import digest_bytes
from reconciler.model.problem import Problem, Severity
from reconciler.model.resource import Kind
from reconciler.model.source import SourceFile, SourceSnapshot

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class MigratedFile:
    """A file that is to be written anew.

    Attributes:
        notes: what changed in it, for people.
    """

    path: str
    before: bytes
    after: bytes
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is left alone, and why.

    Attributes:
        resource: ``Mapping default/web`` where it is known.
        field: the field that is in the way, where it is known.
        hint: what to do.
    """

    path: str
    reason: str
    resource: str = ""
    field: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """What migrating a folder comes to."""

    files: tuple[MigratedFile, ...]
    left: tuple[Left, ...]


def migrate(source: SourceSnapshot, options: Options) -> Migration:
    """Bring all files into the current spelling, but those that have problems or would then mean something else.

    Args:
        source: the folder.
        options: as for `compile_routes`. Documents for other instances are migrated and compared as well.
    """
    found_named = _named(source, options)
    rewritten = {file.path: _rewritten(file, options, found_named) for file in source.files}
    addressees = {options.ambassador_id}.union(*(result.addressees for result in rewritten.values()))
    instances = [replace(options, ambassador_id=name) for name in sorted(addressees)]
    before = [meaning(source, instance) for instance in instances]

    left = [_of_problem(problem) for problem in source.problems]
    left += _troubled(before, {path for path, result in rewritten.items() if result.notes or result.stuck})
    left += [Left(path, why) for path, result in rewritten.items() for why in result.stuck]
    skipped = {one.path for one in left}
    changed = {path: result for path, result in rewritten.items() if path not in skipped and result.notes}
    while changed:
        found = _compared(source, changed, instances, before)
        if not found:
            break
        left += [_of_difference(one) for one in found]
        blamed = {one.path for one in found} & changed.keys()
        changed = {path: r for path, r in changed.items() if blamed and path not in blamed}
    files = tuple(_migrated(file, changed[file.path]) for file in source.files if file.path in changed)
    return Migration(files, tuple(left))


def _named(source: SourceSnapshot, options: Options) -> Named:
    """What Mappings may name; most folders have nothing of it, and are not read for that."""
    words = [kind.encode() for kind in (*NAMED_KINDS, Kind.MODULE)]
    files = tuple(file for file in source.files if any(word in file.content for word in words))
    return named(load_source(replace(source, files=files), options).resources)


def _rewritten(file: SourceFile, options: Options, named_limits: Named) -> Rewritten:
    try:
        text = file.content.decode()
    except UnicodeDecodeError:
        return Rewritten("")  # the compile reports it
    if len(file.content) > options.limits.max_file_bytes:
        return Rewritten(text)
    bom = _BOM if text.startswith(_BOM) else ""
    result = rewrite(text.removeprefix(_BOM), options.limits, named_limits)
    return replace(result, text=bom + result.text)


def _migrated(file: SourceFile, result: Rewritten) -> MigratedFile:
    return MigratedFile(file.path, file.content, result.text.encode(), result.notes)


def _troubled(before: Sequence[Meaning], concerned: set[str]) -> list[Left]:
    """The first error of each file that would be changed: it is to be mended first."""
    found: dict[str, Left] = {}
    for one in before:
        for problem in one.problems:
            path = problem.provenance.path
            if problem.severity is Severity.ERROR and path in concerned:
                found.setdefault(path, _of_problem(problem))
    return list(found.values())


def _compared(
    source: SourceSnapshot, changed: dict[str, Rewritten], instances: Sequence[Options], before: Sequence[Meaning]
) -> list[Difference]:
    files = tuple(_after(file, changed.get(file.path)) for file in source.files)
    after = replace(source, files=files)
    pairs = zip(instances, before, strict=True)
    return [found for options, old in pairs for found in differences(old, meaning(after, options))]


def _after(file: SourceFile, result: Rewritten | None) -> SourceFile:
    if result is None:
        return file
    content = result.text.encode()
    return replace(file, content=content, blob=digest_bytes(content), commits=())


def _of_problem(problem: Problem) -> Left:
    reason = f"[{problem.code}] {problem.message}"
    hint = "mend it first: `reconciler validate` says more"
    return Left(problem.provenance.path, reason, problem.resource, problem.field, hint)


def _of_difference(found: Difference) -> Left:
    hint = "please file this with the document; until then, migrate it by hand"
    return Left(found.path, f"migrated, it would mean something else: {found.what}", found.resource, found.field, hint)
