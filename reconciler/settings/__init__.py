"""What can be set, from where: flags over environment over file over default."""

from reconciler.settings.load import Loaded, load
from reconciler.settings.recorded import recorded
from reconciler.settings.settings import Secret, Settings

__all__ = ["Loaded", "Secret", "Settings", "load", "recorded"]
