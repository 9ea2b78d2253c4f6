"""The application: pages for people, the API for programs, one door for both."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from serving.store import Store
from serving.web import api, pages, sign_in
from serving.web.guard import Guard
from serving.web.limits import RateLimits
from serving.web.people import People
from serving.web.problems import answer_problems
from serving.web.reader import Reader
from serving.web.rendering import environment
from serving.web.sessions import Sessions
from serving.web.settings import Limits, Settings
from serving.web.tokens import Tokens

__all__ = ["Limits", "Settings", "create_app"]


def create_app(settings: Settings) -> FastAPI:
    """Return the ASGI application of one store."""
    limits = settings.limits
    app = FastAPI(lifespan=_warm, docs_url=None, redoc_url=None, openapi_url=None)
    state = app.state
    state.settings = settings
    state.reader = Reader(Store(settings.store), limits.engine_memory)
    state.tokens, state.people = Tokens(settings.store), People(settings.store)
    state.sessions = Sessions(settings)
    state.rates = RateLimits(limits.rate_per_second, limits.burst)
    state.attempts = RateLimits(limits.sign_ins_per_minute / 60, limits.sign_in_burst)
    state.templates = environment()
    pages.equip(state.templates)
    for router in (api.router, sign_in.router, pages.router):
        app.include_router(router)
    app.mount("/static", StaticFiles(packages=[("serving.web", "static")]), name="static")
    answer_problems(app)
    app.add_middleware(Guard, body_bytes=limits.body_bytes)
    return app


@asynccontextmanager
async def _warm(app: FastAPI) -> AsyncIterator[None]:
    # The server listens meanwhile; who comes early waits for the same.
    threading.Thread(target=app.state.reader.warm, daemon=True).start()
    yield
