"""To come: /page."""

from fastapi import APIRouter

router = APIRouter(tags=["page"])
