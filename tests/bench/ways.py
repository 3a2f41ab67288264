"""Ways to render a table."""

from dataclasses import dataclass, replace

from reconciler.envoy import RenderOptions, Routing, Sharding
from reconciler.loop import Loop


@dataclass(frozen=True, slots=True)
class Way:
    """Those that differ in cost; by default as the product renders."""

    routing: Routing = Routing.AUTO
    sharding: Sharding = Sharding.NONE

    def of(self, options: RenderOptions) -> RenderOptions:
        """Options with it."""
        return replace(options, routing=self.routing, sharding=self.sharding)

    def take(self, loop: Loop) -> None:
        """Let a controller render so from now on."""
        loop.options = replace(loop.options, render=self.of(loop.options.render))
