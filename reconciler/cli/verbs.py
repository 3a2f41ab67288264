"""A group of verbs, each imported when it is called: who reads the journal need not wait for Envoy's messages."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import click

_HELP: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100}}


class Verbs(click.Group):
    """The verbs of a command, by name and the module that has them, as click's documentation shows for large ones.

    Args:
        modules: by name of the verb, ``package.module:attribute``.
        more: what `click.Group` takes.
    """

    def __init__(self, modules: Mapping[str, str], **more: Any) -> None:
        super().__init__(**more)
        self._modules = dict(modules)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The names, in the order they were given in."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """The verb, imported now; None where there is none of this name."""
        place = self._modules.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        return found if isinstance(found, click.Command) else None


def verbs(*modules: str) -> Callable[[Callable[..., Any]], Verbs]:
    """Makes a function the group of the verbs in these modules; each module is named as its verb.

    Args:
        modules: ``package.verb``, or ``package.module:verb`` where the module has another name.
    """
    named = {}
    for module in modules:
        place, _, attribute = module.partition(":")
        attribute = attribute or place.rpartition(".")[2]
        named[attribute] = f"{place}:{attribute}"

    def decorate(function: Callable[..., Any]) -> Verbs:
        return Verbs(named, name=function.__name__, callback=function, help=function.__doc__, **_HELP)

    return decorate
