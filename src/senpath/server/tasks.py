"""To come: /tasks."""

from fastapi import APIRouter

router = APIRouter(tags=["tasks"])
