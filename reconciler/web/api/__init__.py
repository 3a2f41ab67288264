"""The JSON API, version 1: every answer typed and described in ``/api/v1/openapi.json``."""

from fastapi import APIRouter

router = APIRouter(prefix="/api/v1")
