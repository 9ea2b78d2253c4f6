"""The API: scores, lists, segments, economics and the model, for programs; one file a subject."""

from fastapi import APIRouter

from serving.web.api import customers, description, downloads, health, lists, model, segments

router = APIRouter()
versioned = APIRouter(prefix="/api/v1")
# Downloads first: their addresses are those of lists, and end in .csv.
for part in (customers, downloads, lists, segments, model):
    versioned.include_router(part.router)
for part in (health, description):
    router.include_router(part.router)
router.include_router(versioned)
