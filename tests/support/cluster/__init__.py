"""Parts of :mod:`tests.support.kubernetes`: tools, servers, users, calls, the audit log, a proxy with faults."""
