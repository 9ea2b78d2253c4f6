"""The pages for marketing: one file a page, and beside them the questions they ask of the store."""

from fastapi import APIRouter
from jinja2 import Environment

from serving.web.pages.customer import router as customer_router
from serving.web.pages.download import router as download_router
from serving.web.pages.dress import dress
from serving.web.pages.lists import router as lists_router
from serving.web.pages.model import router as model_router
from serving.web.pages.one_list import router as one_list_router
from serving.web.pages.overview import router as overview_router
from serving.web.pages.saving import router as saving_router

router = APIRouter(include_in_schema=False)
LISTS = (download_router, lists_router, saving_router, one_list_router)
"""In this order: what is below /lists and none of the others' is the name of a list."""
for page in (overview_router, *LISTS, customer_router, model_router):
    router.include_router(page)


def equip(templates: Environment) -> None:
    """Give the templates their filters and globals."""
    dress(templates)
