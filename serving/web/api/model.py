"""The model behind the scores: its facts as JSON, its card as Markdown."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from serving.web.access import caller
from serving.web.api.answers import ModelAnswer
from serving.web.api.asked import Asked
from serving.web.api.documented import found, problems
from serving.web.api.freshness import KEPT, answer, is_known, tag_of, unchanged
from serving.web.reader import reader_of

router = APIRouter(tags=["model"])
MARKDOWN = "text/markdown"


@router.get(
    "/model",
    dependencies=[Depends(caller("model:read"))],
    response_model=ModelAnswer,
    responses=found(200, **{MARKDOWN: {"schema": {"type": "string"}}}) | problems(404, 422),
)
def model(request: Request, asked: Annotated[Asked, Query()]) -> Response:
    """Return the facts of the model that made the scores; with `Accept: text/markdown`, its card."""
    store = reader_of(request).here()
    as_of, horizon = store.choose(asked.as_of, asked.horizon)
    version = store.scores(as_of, horizon).model_version.max().to_pyarrow().as_py()
    if version is None:
        raise HTTPException(404, "The store holds no customers at that date, so no model has scored any.")
    folder = store.card(version, horizon)
    if MARKDOWN in request.headers.get("accept", ""):
        tag = tag_of(request, store, version)
        if is_known(request, tag):
            return unchanged(tag)
        text = _text(folder / "model_card.md", version)
        return Response(text, media_type=MARKDOWN, headers=KEPT | {"ETag": tag, "Vary": "Accept"})

    def body() -> dict[str, Any]:
        facts = json.loads(_text(folder / "facts.json", version), parse_constant=lambda name: None)
        return {"model_version": version, "horizon_days": horizon, "facts": facts}

    return answer(request, store, body, version)


def _text(path: Any, version: str) -> str:
    try:
        text: str = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HTTPException(
            404, f"The store has no card of model version {version}; scoring with a newer Regulars puts it there."
        ) from None
    return text
