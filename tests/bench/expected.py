"""Seconds that steps take on two quiet CPUs of 2.8 GHz, roughly: only to say how much is left."""

from tests.bench.measure_requests import Asked
from tests.bench.repositories import Table
from tests.bench.scopes import Job


def _ten_thousands(table: Table) -> float:
    return table.mappings / 10_000


def repository(table: Table) -> float:
    """To make it."""
    return 0.5 + 0.6 * _ten_thousands(table)


def cold(job: Job) -> float:
    """All rounds, each with the start of a process."""
    return job.cold * (1.5 + 2.5 * _ten_thousands(job.table))


def incremental(job: Job) -> float:
    """The first compile, and all changes; most of it is git."""
    return 2 + 3 * _ten_thousands(job.table) + len(job.incremental) * (0.08 * job.changes + _ten_thousands(job.table))


def restart(job: Job) -> float:
    """The memory, too."""
    return 4 + 9 * _ten_thousands(job.table) + job.restarts * (4 + 3 * _ten_thousands(job.table))


def served(job: Job) -> float:
    """In one way: until both Envoys have everything, and the turns."""
    size = _ten_thousands(job.table)
    turn = 0.4 + 0.8 * size
    return 8 + 8 * size + max(3 * turn, min(job.turns.most * turn, job.turns.seconds))


def updates(job: Job) -> float:
    """In one way."""
    return 4 + 4 * _ten_thousands(job.table) + min(job.updates_s, 0.12 * job.updates)


def of_job(job: Job) -> float:
    """All of it."""
    several = cold(job) + (incremental(job) if job.incremental else 0) + (restart(job) if job.restarts else 0)
    return repository(job.table) + several + len(job.served) * served(job) + len(job.updated) * updates(job)


def of_requests(asked: Asked) -> float:
    """One table in all ways, beside the smallest."""
    setting_up = repository(asked.table) + len(asked.ways) * (3 + 8 * _ten_thousands(asked.table))
    return setting_up + (len(asked.ways) + 1) * (asked.pace.rounds * (asked.pace.seconds + 0.2) + asked.pace.idle + 1)
