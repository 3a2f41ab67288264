"""Says in the cluster what a reconcile came to: Events, the status of objects, and the object for the whole.

Pure are `notice`, `news`, `discretion`, `correlator`, `event`, `conditions`, `object_status`, `progress` and `wish`;
the others are EDGE.
"""

from reconciler.announce.announcer import Announcer, Mouths
from reconciler.announce.posting import EventPosting
from reconciler.announce.repository_object import Place, RepositoryObject
from reconciler.announce.status_writing import StatusWriting

__all__ = ["Announcer", "EventPosting", "Mouths", "Place", "RepositoryObject", "StatusWriting"]
