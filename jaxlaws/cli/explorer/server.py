"""The routes of the server. Evaluations run in threads, so that a slow one blocks no other."""

import contextlib
import functools
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from jaxlaws.cli.explorer.charts import plain
from jaxlaws.cli.explorer.controls import Choice, state_of
from jaxlaws.cli.explorer.laws import Laws, which_law
from jaxlaws.cli.explorer.runs.fit_jobs import FitJobs, FitRequest
from jaxlaws.cli.explorer.runs.fit_results import Fitter
from jaxlaws.cli.explorer.runs.uploads import MOST_BYTES, Uploads
from jaxlaws.cli.explorer.security import Guard
from jaxlaws.cli.explorer.view import Given
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.cli.output.waiting_times import corrected, measured
from jaxlaws.foundations.annotations import Json

_STATIC = Path(__file__).parent / "static"
_MOST_REQUEST_BYTES = 200_000  # of a request to fit
_FIRST_ANSWER = ("first answer", 30.0)  # and the seconds that it usually takes
_REFUSED = (ValueError, TypeError, OSError, ArithmeticError, MemoryError, RecursionError)


class _OneAtFirst:
    """One call at a time for each kind of answer until the first has ended.

    The first call compiles programs; calls beside it would compile the same programs again.
    """

    def __init__(self) -> None:
        self._locks: dict[tuple[Json, ...], threading.Lock] = {}
        self._compiled: set[tuple[Json, ...]] = set()

    @contextlib.contextmanager
    def __call__(self, kind: tuple[Json, ...]) -> Iterator[None]:
        if kind in self._compiled:
            yield
            return
        with self._locks.setdefault(kind, threading.Lock()):
            begin = time.monotonic()
            yield
        self._compiled.add(kind)
        if (seconds := time.monotonic() - begin) > 1:  # it was compiled
            measured(*_FIRST_ANSWER, seconds)


class Session:
    """What the server knows: laws, tables and fits, all by the hash of their content.

    Attributes:
        laws: the laws of the views.
        uploads: the tables.
        fitter: makes the results of fits.
        jobs: the fits.
        first_table: the table that the server was started with, or None.
        last_asked: when the page last requested an answer, in seconds of `time.monotonic`.
    """

    first_table: str | None = None
    last_asked = 0.0

    def __init__(self, laws: Laws) -> None:
        self.laws = laws
        self._folder = tempfile.TemporaryDirectory(prefix="jaxlaws-")
        self.uploads = Uploads(Path(self._folder.name))
        self.fitter = Fitter(self.uploads, laws, Path(self._folder.name))
        self.jobs = FitJobs(self.fitter.run)
        self._once = _OneAtFirst()

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
        return {
            "version": version("jaxlaws"),
            "views": views,
            "table": self.first_table,
            "first_answer_seconds": corrected(*_FIRST_ANSWER),
        }

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
        controls = view.controls(self.laws)
        state = state_of(controls, rest)
        choices = [state[each.name] for each in controls if isinstance(each, Choice)]
        with self._once((name, *choices)):
            found = plain(view.answer(Given(state, self.laws)))
        compiled = found.pop("compiled")
        found.setdefault("extrapolation", None)
        found["notes"] += which_law(state.get("law", ""))
        milliseconds = {
            "compiled": 1e3 * compiled,
            "total": 1e3 * (time.perf_counter() - begin),
        }
        return {"view": name, "state": plain(state), **found, "milliseconds": milliseconds}

    def asked(self, query: Mapping[str, str]) -> Json:
        """The answer that the page wants; what is compiled in the background then pauses."""
        self.last_asked = time.monotonic()
        return self.answer(query)

    def table(self, name: str, content: bytes) -> Json:
        """What the columns of a table of the user probably hold."""
        return plain(self.uploads.add(name, content).to_json())

    def known_table(self, key: str) -> Json:
        """A table that the server has, such as the one that it was started with.

        Raises:
            ValueError: it has no such table.
        """
        return plain(self.uploads[key].to_json())

    def start_fit(self, content: bytes) -> Json:
        """Start a fit that the page describes in JSON."""
        return {"job": self.jobs.start(FitRequest.of(json.loads(content)))}

    def close(self) -> None:
        """Start no further fit, and remove the files of tables and fits."""
        self.jobs.close()
        self._folder.cleanup()


def _refusal(error: Exception) -> Response:
    return JSONResponse({"error": str(error) or type(error).__name__}, status_code=400)


def _json(answer: Callable[[Request], Json]) -> Callable[..., object]:
    """A route that computes its JSON in a thread; an error in the request is status 400."""

    @functools.wraps(answer)
    async def route(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(answer, request))
        except _REFUSED as error:
            return _refusal(error)

    return route


def _json_of_body(
    answer: Callable[[Request, bytes], Json], most_bytes: int, remedy: str
) -> Callable[..., object]:
    """A route for a request with a body of at most some bytes; a larger one is status 413."""

    async def route(request: Request) -> Response:
        too_large = JSONResponse(
            {"error": f"body: more than {most_bytes / 2**20:.3g} MiB; {remedy}"}, status_code=413
        )
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most_bytes:
            return too_large
        content = bytearray()
        try:
            async for part in request.stream():
                content += part
                if len(content) > most_bytes:
                    return too_large
            return JSONResponse(await run_in_threadpool(answer, request, bytes(content)))
        except ClientDisconnect:
            return Response(status_code=400)
        except _REFUSED as error:
            return _refusal(error)

    return route


def application(session: Session, token: str) -> Guard:
    """The whole server as an ASGI application."""

    async def page(_: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    async def icon(_: Request) -> Response:
        return FileResponse(_STATIC / "favicon.svg")

    async def download(request: Request) -> Response:
        query = request.query_params
        try:
            path = await run_in_threadpool(
                session.fitter.file, query.get("law", ""), query.get("file", "")
            )
        except _REFUSED as error:
            return _refusal(error)
        return FileResponse(path, filename=path.name)

    table = _json_of_body(
        lambda request, content: session.table(request.query_params.get("name", ""), content),
        MOST_BYTES,
        "leave out columns or rows that the fit does not need, or use `jaxlaws fit`",
    )
    fit = _json_of_body(
        lambda _, content: session.start_fit(content), _MOST_REQUEST_BYTES, "name fewer columns"
    )
    routes = [
        Route("/", page),
        Route("/favicon.ico", icon),
        Route("/api/views", _json(lambda _: session.views())),
        Route("/api/answer", _json(lambda request: session.asked(request.query_params))),
        Route("/api/table", table, methods=["POST"]),
        Route("/api/table", _json(lambda r: session.known_table(r.query_params.get("id", "")))),
        Route("/api/fit", fit, methods=["POST"]),
        Route("/api/job", _json(lambda r: session.jobs.progress(r.query_params.get("id", "")))),
        Route("/api/download", download),
        Mount("/static", StaticFiles(directory=_STATIC, check_dir=False)),
    ]
    return Guard(Starlette(routes=routes), token)
