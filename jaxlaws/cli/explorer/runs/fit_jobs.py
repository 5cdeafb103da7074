"""Fits that run beside the server, one after another, with their progress."""

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from jaxlaws.cli.explorer.laws import content_hash
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.json_text import check_keys

MOST_DRAWS = 5_000
_MOST_JOBS = 50
_FIRST_GUESS = 20.0  # seconds that a fit is expected to take before one has ended
_SLOWING = 1.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitRequest:
    """What to fit.

    Attributes:
        table: the id of an upload.
        columns: the title of the column of each role.
        law: the name of the law's module.
        draws: the number of bootstrap draws.
    """

    table: str
    columns: Mapping[str, str]
    law: str
    draws: int

    @classmethod
    def of(cls, document: Json) -> "FitRequest":
        """A request that the page sends, checked.

        Raises:
            ValueError: a part is missing or has another type.
        """
        if not isinstance(document, dict):
            raise ValueError("request: expected a JSON object with table, columns, law and draws")
        given = check_keys("request", document, ("table", "columns", "law"), ("draws",))
        columns, draws = given["columns"], given.get("draws", 1_000)
        if not isinstance(given["table"], str) or not isinstance(given["law"], str):
            raise ValueError("request: table and law are texts")
        if not isinstance(columns, dict) or not all(isinstance(v, str) for v in columns.values()):
            raise ValueError("columns: expected the name of a column for each role")
        if isinstance(draws, bool) or not isinstance(draws, int) or not 0 <= draws <= MOST_DRAWS:
            raise ValueError(f"draws: expected a whole number from 0 to {MOST_DRAWS:,}")
        return cls(table=given["table"], columns=columns, law=given["law"], draws=draws)

    @property
    def id(self) -> str:
        """The name of the job: the same request is the same job."""
        parts = (self.table, sorted(self.columns.items()), self.law, self.draws)
        return content_hash(repr(parts).encode())


@dataclasses.dataclass(eq=False)
class _Job:
    future: Future[dict[str, Json]]
    expected: float
    begin: float | None = None
    seconds: float | None = None


class FitJobs:
    """The fits of the server.

    Args:
        run: makes the result of a request, for the page.
    """

    def __init__(self, run: Callable[[FitRequest], dict[str, Json]]) -> None:
        self._run = run
        self._jobs: dict[str, _Job] = {}
        self._seconds: dict[str, float] = {}  # that the last fit of a law took
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fit")
        self._changing = threading.Lock()

    def start(self, request: FitRequest) -> str:
        """Start a fit, or find the one of the same request that has not failed."""
        with self._changing:
            known = self._jobs.get(request.id)
            failed = known is not None and known.future.done() and known.future.exception()
            if known is None or failed:
                self._jobs.pop(request.id, None)
                job = _Job(Future(), self._seconds.get(request.law, _FIRST_GUESS))
                self._jobs[request.id] = job
                self._worker.submit(self._work, job, request)
            done = [key for key, job in self._jobs.items() if job.future.done()]
            for key in done[: max(0, len(self._jobs) - _MOST_JOBS)]:
                del self._jobs[key]
        return request.id

    def _work(self, job: _Job, request: FitRequest) -> None:
        job.begin = time.monotonic()
        try:
            result = self._run(request)
        except (ValueError, TypeError, OSError, ArithmeticError, MemoryError) as error:
            job.future.set_exception(error)
        else:
            job.future.set_result(result)
            self._seconds[request.law] = time.monotonic() - job.begin
        job.seconds = time.monotonic() - job.begin

    def progress(self, key: str) -> dict[str, Json]:
        """How far a fit is, its result, or its error.

        Raises:
            ValueError: there is no such job.
        """
        job = self._jobs.get(key)
        if job is None:
            raise ValueError(f"job: {key[:50]!r} is not known to this server; start the fit again")
        done = job.future.done()
        elapsed = job.seconds
        if elapsed is None:
            elapsed = 0.0 if job.begin is None else time.monotonic() - job.begin
        # Nearly linear at first; it slows down where the fit takes longer than expected.
        fraction = 1.0 if done else 1.0 - math.exp(-_SLOWING * elapsed / job.expected)
        expected = elapsed if done else max(job.expected, _SLOWING * elapsed)
        progress = {"fraction": fraction, "elapsed": elapsed, "expected": expected, "done": done}
        if done and (error := job.future.exception()) is not None:
            return progress | {"error": str(error) or type(error).__name__}
        return progress | ({"result": job.future.result()} if done else {})

    def close(self) -> None:
        """Start no further fit. The one that is running is not waited for."""
        self._worker.shutdown(wait=False, cancel_futures=True)
