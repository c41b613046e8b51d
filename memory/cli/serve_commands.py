"""The command that shows a record in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from memory.cli.root import DEFAULT_DATABASE, DatabaseOption, app, opened

_ONLY_FILES = (
    "Datasette shows SQLite files: copy the record into one with `palimpsest export FOLDER` and "
    "`palimpsest import FOLDER --database copy.db`, and serve that; or ask in SQL with `palimpsest query`"
)


@app.command(epilog="Example: palimpsest serve --port 8001 --open")
def serve(
    database: DatabaseOption = DEFAULT_DATABASE,
    host: Annotated[str, typer.Option(help="Who may look: 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where; 0 takes a free one.")] = 8001,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say where it is as one line of JSON.")] = False,
) -> None:
    """Show a record in a browser: every table explained, questions ready to ask, nothing written, until Ctrl-C."""
    import sys
    import webbrowser
    from functools import partial
    from ipaddress import ip_address

    from memory.cli.output import print_json_lines, words
    from memory.cli.serving.site import bound, make_site, run_site
    from memory.errors import InvalidArgument
    from memory.projections.catalogue import PROJECTIONS
    from memory.projections.runner import ProjectionRunner
    from memory.query.browsing import browsing_metadata
    from memory.store.location import locate

    location = locate(database)
    path, place = location.path, str(location)
    if path is None:
        raise InvalidArgument("--database", place, _ONLY_FILES)
    with bound(host, port) as listening:
        with opened(database) as store:
            # What it shows is what is folded; from here on, that is up to whoever writes.
            ProjectionRunner(store, PROJECTIONS).catch_up()
        site = make_site(path, partial(browsing_metadata, place=place))
        name, taken = listening.getsockname()[:2]
        url = f"http://{f'[{name}]' if ':' in name else name}:{taken}/"
        if as_json:
            print_json_lines([{"url": url, "database": place}])
            sys.stdout.flush()
        else:
            words.print(f"{place} is at {url} (Ctrl-C ends)", soft_wrap=True, markup=False)
        if not ip_address(name).is_loopback:
            words.print("whoever reaches this machine can read all of it: there is no password")
        if open_browser:
            webbrowser.open(url)
        run_site(site, listening)
