"""A plan for programs: JSON with stable keys.

================  ====================================================================================
key               value
================  ====================================================================================
digest            names exactly this plan
before, after     snapshot digests
routes            ``{before, after, create, update, delete}``: numbers
changes           ``[{op, kind, namespace, name, fields, before, after, policies}]``, by identity
hosts             ``[{op, listener, host, fields, gained, lost}]``; ``host`` is empty for a listener
edge              ``[{op, subject, sentence, fields}]``: services and settings all listeners have in common
resources         ``[{op, type, name}]``: xDS resources
refusals          ``[{reason, message}]``
empty             whether nothing would be sent
================  ====================================================================================

``fields`` is ``[{field, before, after}]`` with an empty string for what is absent. ``before`` and ``after`` of a change
are places: ``{path, line, commit, author, committed_at}``, or null; the last three are null where there is no history.
A place in an object of the cluster has ``object`` besides: ``{uid, resource_version, manager, changed_at}``.
``policies`` is ``[{name, place}]``: the MappingPolicies that have a say in the route.
"""

from reconciler.model.digest import Json
from reconciler.model.plan import Change, Op, Plan, fields_json
from reconciler.model.provenance import ObjectTouch, Provenance, Touch


def as_json(plan: Plan) -> Json:
    """The plan as a JSON value; values are as they are in the plan, unescaped: a JSON writer escapes them."""
    return {
        "digest": plan.digest,
        "before": plan.before,
        "after": plan.after,
        "routes": {
            "before": plan.routes_before,
            "after": plan.routes_after,
            **{str(op): plan.count(op) for op in Op},
        },
        "changes": [_change(change) for change in plan.changes],
        "hosts": [host.as_json() for host in plan.hosts],
        "edge": [
            {
                "op": str(change.op),
                "subject": change.subject,
                "sentence": change.sentence,
                "fields": fields_json(change.fields),
            }
            for change in plan.edge
        ],
        "resources": [{"op": str(r.op), "type": r.type_url, "name": r.name} for r in plan.resources],
        "refusals": [{"reason": str(refusal.reason), "message": refusal.message} for refusal in plan.refusals],
        "empty": plan.empty,
    }


def _change(change: Change) -> Json:
    return {
        "op": str(change.op),
        "kind": str(change.id.kind),
        "namespace": change.id.namespace,
        "name": change.id.name,
        "fields": fields_json(change.fields),
        "before": _place(change.before),
        "after": _place(change.after),
        "policies": [{"name": policy.name, "place": _place(policy.provenance)} for policy in change.policies],
    }


def _place(provenance: Provenance | None) -> Json:
    if provenance is None:
        return None
    touch = provenance.touch
    commit = touch if isinstance(touch, Touch) else None
    return {
        "path": provenance.path,
        "line": provenance.line,
        "commit": commit.sha if commit else None,
        "author": commit.author if commit else None,
        "committed_at": commit.committed_at.isoformat() if commit else None,
        **({"object": _object(touch)} if isinstance(touch, ObjectTouch) else {}),
    }


def _object(touch: ObjectTouch) -> Json:
    return {
        "uid": touch.uid,
        "resource_version": touch.resource_version,
        "manager": touch.manager,
        "changed_at": touch.changed_at.isoformat(),
    }
