"""``outlier_detection``: when an endpoint that fails is left alone for a while."""

from reconciler.model.origin import Origin
from reconciler.model.upstream import OutlierDetection
from reconciler.model.upstream_resources import OutlierDetectionResource
from reconciler.resources.envelope import Envelope
from reconciler.resources.fields import Fields


def read_outliers(fields: Fields, name: str = "outlier_detection") -> OutlierDetection | None:
    """The settings of a Mapping; None when absent, or when it names an OutlierDetection instead."""
    if not isinstance(fields.values.get(name), dict):
        return None
    inside = fields.inside(name)
    return OutlierDetection(
        consecutive_5xx=inside.integer("consecutive_5xx"),
        consecutive_gateway_failure=inside.integer("consecutive_gateway_failure"),
        interval_ms=inside.integer("interval_ms"),
        base_ejection_time_ms=inside.integer("base_ejection_time_ms"),
        max_ejection_percent=inside.integer("max_ejection_percent"),
    )


def read_outlier_detection(_envelope: Envelope, origin: Origin, fields: Fields) -> OutlierDetectionResource:
    """The OutlierDetection of a document."""
    outliers = OutlierDetection(
        consecutive_5xx=fields.integer("consecutive_5xx"),
        interval_ms=fields.integer("interval_ms"),
        max_ejection_percent=fields.integer("max_ejection"),
    )
    return OutlierDetectionResource(origin, outliers)
