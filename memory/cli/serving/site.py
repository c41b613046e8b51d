"""Datasette, set up for a record: reads only, while others go on writing."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from memory.errors import InvalidArgument, MissingDependency

_READING = ("GET", "HEAD", "OPTIONS")
_SETTINGS = {
    "default_page_size": 50,
    "sql_time_limit_ms": 3000,
    # A facet reads a whole table: what was not asked for is not to be computed for every page.
    "suggest_facets": False,
    "allow_download": False,
    "force_https_urls": False,
}


def make_site(path: Path, metadata: Callable[[str], dict[str, Any]]) -> Any:
    """Give the Datasette of one file.

    Args:
        path: The SQLite file. It is opened anew for reading only, and not as immutable: others may be writing to it.
        metadata: What there is to say of it, by the name it has there.

    Raises:
        MissingDependency: Datasette is not installed.
        InvalidArgument: Its path has characters that Datasette cannot take.
    """
    try:
        from datasette.app import Datasette
        from datasette.plugins import pm
    except ImportError as error:
        raise MissingDependency("datasette", "serve", "looking at a record in a browser") from error
    if set(str(path)) & set("?#%"):
        raise InvalidArgument(
            "--database", str(path), "Datasette opens no path with ?, # or %: serve a link to the file"
        )
    site = Datasette(
        [str(path)],
        metadata={**metadata(path.stem), "extra_css_urls": ["/palimpsest/serve.css"]},
        settings=_SETTINGS,
        static_mounts=[("palimpsest", str(Path(__file__).with_name("static")))],
    )
    # With rich it prints every variable of every call for a page that is not there; real faults it prints without too.
    pm.get_plugin("datasette.handle_exception").rich = None
    pm.register(_cells())
    return site


def _cells() -> ModuleType:
    """Make a plugin by which positions, acts, beliefs and layers lead on, and numbers are short to look at."""
    from datasette import hookimpl
    from markupsafe import Markup

    from memory.query.browsing import links

    @hookimpl  # type: ignore[untyped-decorator]
    def render_cell(value: Any, column: str, database: str, datasette: Any) -> Markup | None:
        name = "position" if column.endswith("_position") else column
        pattern = links(datasette.urls.database(database)).get(name)
        if isinstance(value, float):
            return Markup('<span title="{!r}">{:.6g}</span>').format(value, value)
        if pattern is None or value in (None, "", 0):
            return None
        return Markup('<a href="{}">{}</a>').format(pattern.format(quote(str(value), safe="")), value)

    plugin = ModuleType("palimpsest_cells")
    plugin.render_cell = render_cell  # type: ignore[attr-defined]
    return plugin


def bound(host: str, port: int) -> socket.socket:
    """Give a socket that listens.

    Raises:
        InvalidArgument: Nothing can listen there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as unless_ready:
            listening = unless_ready.enter_context(socket.socket(family, kind, protocol))
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
            unless_ready.pop_all()
    except OSError as error:
        what = f"nothing can listen at {host}:{port} ({error.strerror or error})"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            remedy = f"{what}; 127.0.0.1 is this machine alone, 0.0.0.0 whoever reaches it"
            raise InvalidArgument("--host", host, remedy) from error
        raise InvalidArgument("--port", port, f"{what}; --port 0 takes a free one") from error
    return listening


def _reading(answer: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Refuse every request but those that read, before anything looks at it."""

    async def app(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Awaitable[None]]) -> None:
        if scope["type"] != "http" or scope["method"] in _READING:
            await answer(scope, receive, send)
            return
        headers = [(b"allow", ", ".join(_READING).encode()), (b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 405, "headers": headers})
        await send({"type": "http.response.body", "body": b"a record is only read here\n"})

    return app


def run_site(site: Any, listening: socket.socket) -> None:
    """Answer requests until Ctrl-C."""
    import uvicorn

    asyncio.run(site.invoke_startup())
    config = uvicorn.Config(_reading(site.app()), log_level="warning", lifespan="on", timeout_graceful_shutdown=3)
    # Raised again by the server once it has ended in good order.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
