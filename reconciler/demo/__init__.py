"""The parts the demo stands on: sample upstreams and a scratch repository."""

from reconciler.demo.repository import ScratchRepository
from reconciler.demo.upstreams import SampleUpstreams

__all__ = ["SampleUpstreams", "ScratchRepository"]
