"""Who may use the server: one browser of this machine, which knows the token.

The token comes in the URL once; the answer puts it into a cookie that scripts cannot read and that
other sites cannot send. The host of each request must be this machine, so that a page of another
site cannot reach the server by a name that it points here (DNS rebinding).
"""

import hashlib
import hmac
import html
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOSTS = ("127.0.0.1", "localhost")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_TOKEN = (
    "token: missing or wrong. Open the address that `jaxlaws explore` printed in the terminal; it "
    "contains the token."
)


class Guard:
    """An ASGI application that lets only this machine, with the token, reach another one.

    Args:
        app: the application.
        token: the secret. A part of its hash names the cookie, so that two servers do not mix.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app, self.token = app, token
        self.cookie = f"jaxlaws_{hashlib.sha256(token.encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # the start and the end of the server; no web sockets
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), text.encode()) for name, text in _HEADERS.items()),
                ]
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self.app)(scope, receive, with_headers)

    def _refused(self, request: Request) -> Response | None:
        """The answer to a request that may not pass, or that brings the token; else None."""
        host = request.headers.get("host", "")
        if host.rpartition(":")[0] not in _HOSTS:
            return _error(f"host: this server answers only to {' and '.join(_HOSTS)}.", 403)
        if request.headers.get("origin", f"http://{host}") != f"http://{host}":
            return _error("origin: another site may not use this server.", 403)
        is_page = request.url.path == "/" and request.method == "GET"
        from_link = request.headers.get("sec-fetch-site") == "cross-site"
        pairs = parse_qsl(request.url.query, keep_blank_values=True)
        given = [value for name, value in pairs if name == "token"]
        if is_page and (given or from_link):
            if given and not self._is_token(given[0]):
                return _error(_NO_TOKEN, 401)
            rest = urlencode([(name, value) for name, value in pairs if name != "token"])
            answer = _open("/" + (f"?{rest}" if rest else ""), from_link=from_link)
            if given:
                answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            return answer
        if not self._is_token(request.cookies.get(self.cookie, "")):
            return _error(_NO_TOKEN, 401)
        return None

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.token.encode())


def _open(address: str, *, from_link: bool) -> Response:
    """An answer that makes the browser open an address of this server.

    A browser that follows a link of another site sends no strict cookie, and also not where this
    server redirects it. The page that is answered then opens the address itself, with the cookie.
    """
    if not from_link:
        return RedirectResponse(address, status_code=303)
    return HTMLResponse(
        '<!doctype html><html lang="en"><title>jaxlaws explorer</title>'
        f'<meta http-equiv="refresh" content="0; url={html.escape(address)}"></html>'
    )


def _error(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)
