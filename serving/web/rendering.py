"""Pages from templates: escaped unless said otherwise, and an unknown name in a template is an error."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from serving.web.access import csrf_of, known_caller
from serving.web.settings import settings_of


def environment() -> Environment:
    """Return the environment of the templates in `serving/web/templates`."""
    return Environment(
        loader=PackageLoader("serving.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(request: Request, template: str, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request
        What is answered.
    template
        Name of a file in `serving/web/templates`.
    status_code
        Of HTTP.
    **context
        Names of the template, beside those that every page has: `request`, `caller` (a `Caller`, or None where nobody
        is signed in), `csrf` (text for the hidden field of forms) and `currency`.
    """
    names = {
        "request": request,
        "caller": known_caller(request),
        "csrf": csrf_of(request),
        "currency": settings_of(request).currency,
    }
    templates: Environment = request.app.state.templates
    return HTMLResponse(templates.get_template(template).render({**names, **context}), status_code)
