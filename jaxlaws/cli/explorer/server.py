"""The routes of the server. Evaluations run in threads, so that a slow one blocks no other."""

import functools
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from jaxlaws.cli.explorer.charts import plain
from jaxlaws.cli.explorer.controls import state_of
from jaxlaws.cli.explorer.laws import Laws
from jaxlaws.cli.explorer.security import Guard
from jaxlaws.cli.explorer.view import Given
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.foundations.annotations import Json

_STATIC = Path(__file__).parent / "static"


class Session:
    """What the server knows: the laws, and the tables and jobs of the page. All by content hash."""

    def __init__(self, laws: Laws) -> None:
        self.laws = laws

    def views(self) -> Json:
        """The views with their controls."""
        views = [
            {
                "id": view.id,
                "title": view.title,
                "question": view.question,
                "controls": [control.to_json() for control in view.controls(self.laws)],
            }
            for view in VIEWS.values()
        ]
        return {"version": version("jaxlaws"), "views": views}

    def answer(self, query: Mapping[str, str]) -> Json:
        """The answer of a view for the state that a query describes.

        Raises:
            ValueError: the query names no view, or a control has no such value.
        """
        begin = time.perf_counter()
        rest = dict(query)
        name = rest.pop("view", "")
        if name not in VIEWS:
            raise ValueError(f"view: {name[:50]!r} is not a view; choose one of {', '.join(VIEWS)}")
        view = VIEWS[name]
        state = state_of(view.controls(self.laws), rest)
        answer = view.answer(Given(state, self.laws))
        found = plain(answer)
        compiled = found.pop("compiled")
        found.setdefault("extrapolation", None)
        milliseconds = {
            "compiled": 1e3 * compiled,
            "total": 1e3 * (time.perf_counter() - begin),
        }
        return {"view": name, "state": plain(state), **found, "milliseconds": milliseconds}


def _in_thread(answer: Callable[[Request], Json]) -> Callable[..., object]:
    """A route that computes its JSON in a thread; an error in the request is status 400."""

    @functools.wraps(answer)
    async def route(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(answer, request))
        except (ValueError, TypeError, OSError, ArithmeticError) as error:
            return JSONResponse({"error": str(error) or type(error).__name__}, status_code=400)

    return route


def application(session: Session, token: str) -> Guard:
    """The whole server as an ASGI application."""

    async def page(_: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    async def icon(_: Request) -> Response:
        return FileResponse(_STATIC / "favicon.svg")

    routes = [
        Route("/", page),
        Route("/favicon.ico", icon),
        Route("/api/views", _in_thread(lambda _: session.views())),
        Route("/api/answer", _in_thread(lambda request: session.answer(request.query_params))),
        Mount("/static", StaticFiles(directory=_STATIC, check_dir=False)),
    ]
    return Guard(Starlette(routes=routes), token)
