"""To come: /v2."""

from fastapi import APIRouter

router = APIRouter(tags=["v2"])
