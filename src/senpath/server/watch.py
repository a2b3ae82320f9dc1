"""To come: /watch."""

from fastapi import APIRouter

router = APIRouter(tags=["watch"])
