"""To come: /jobs."""

from fastapi import APIRouter

router = APIRouter(tags=["jobs"])
