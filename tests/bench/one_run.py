"""One look of one tool, in a process of its own: `python one_run.py TOOL ORDER`, the order being a file of JSON.

The tool's own messages go to standard output, what it took into the file that the order names as `vitals`. It runs in
the tool's environment, so it imports nothing but the standard library until the tool is known.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOSTS = re.compile(r"https://[\w-]+(?:\.\w+)*\.intuit\.com")
PAGE = 1000
Order = dict[str, Any]
Work = Callable[[], object]


def tap(order: Order) -> Work:
    """Its command line, with a catalogue as its own discovery gives it."""
    import tap_quickbooks
    from tap_quickbooks import client, discover

    client.PROD_ENDPOINT_BASE = order["url"]
    client.TOKEN_REFRESH_URL = HOSTS.sub(order["url"], client.TOKEN_REFRESH_URL)
    catalog = discover.do_discover().to_dict()
    for stream in catalog["streams"]:
        about = next(part["metadata"] for part in stream["metadata"] if not part["breadcrumb"])
        about["selected"] = stream["tap_stream_id"] in order["streams"]
    files = {
        "config": {**order["client"], "user_agent": "bench", "start_date": order["since"]},
        "catalog": catalog,
        "state": {"bookmarks": {stream: {"LastUpdatedTime": order["since"]} for stream in order["streams"]}},
    }
    sys.argv = ["tap-quickbooks", *options(order, files)]
    return tap_quickbooks.main


def airbyte(order: Order) -> Work:
    """Its command line, on a copy of the connector whose manifest names the stand-in."""
    import shutil
    from importlib.util import find_spec

    installed = Path(str(find_spec("source_quickbooks").origin)).parent  # type: ignore[union-attr]  # it is installed
    copy = Path(shutil.copytree(installed, Path(order["folder"]) / installed.name))
    manifest = copy / "manifest.yaml"
    manifest.write_text(HOSTS.sub(order["url"], manifest.read_text()))
    sys.path.insert(0, str(copy.parent))
    from source_quickbooks.run import run

    stream = {"name": "invoices", "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"]}
    configured = {"stream": stream, "sync_mode": "incremental", "destination_sync_mode": "append"}
    kept = {"stream_descriptor": {"name": "invoices"}, "stream_state": {"airbyte_cursor": order["since"]}}
    files = {
        "config": {**order["client"], "start_date": order["start"], "sandbox": False},
        "catalog": {"streams": [configured]},
        "state": [{"type": "STREAM", "stream": kept}],
    }
    sys.argv = ["source-quickbooks", "read", *options(order, files)]
    return run


def options(order: Order, files: dict[str, Any]) -> list[str]:
    """Writes the files and gives the options that name them."""
    found = []
    for name, content in files.items():
        file = Path(order["folder"]) / f"{name}.json"
        file.write_text(json.dumps(content))
        found += [f"--{name}", str(file)]
    return found


def library(order: Order) -> Work:
    """One of python-quickbooks' own ways; what it sees is told as a tap tells it."""
    import requests
    from quickbooks.cdc import change_data_capture
    from quickbooks.client import QuickBooks
    from quickbooks.exceptions import ObjectNotFoundException
    from quickbooks.objects.invoice import Invoice

    client: Any = QuickBooks(company_id=order["client"]["realm_id"], minorversion=75)
    client.sandbox = False
    client.api_url_v3 = f"{order['url']}/v3"
    client.session = requests.Session()
    client.session.access_token = order["client"]["access_token"]

    def get_each() -> None:
        for each in order["watched"]:
            try:
                seen(Invoice.get(int(each), qb=client).Id)
            except ObjectNotFoundException:
                seen(each, deleted=True)

    def where_changed() -> None:
        """The loop over the pages is ours; the library has none."""
        start, where = 1, f"MetaData.LastUpdatedTime > '{order['since']}'"
        while True:
            page = Invoice.where(where, start_position=start, max_results=PAGE, qb=client)
            for each in page:
                seen(each.Id)
            start += len(page)
            if len(page) < PAGE:
                return

    def captured() -> None:
        for each in getattr(change_data_capture([Invoice], order["since"], qb=client), "Invoice", []):
            seen(each.Id, deleted=getattr(each, "status", "") == "Deleted")

    ways: dict[str, Work] = {"get": get_each, "where": where_changed, "cdc": captured}
    return ways[order["way"]]


def seen(identity: str, *, deleted: bool = False) -> None:
    record = {"Id": identity, "Type": "Invoice"}
    line = {"type": "RECORD", "stream": "deleted_objects" if deleted else "invoices", "record": record}
    sys.stdout.write(json.dumps(line) + "\n")


def app(order: Order) -> Work:
    sys.path.insert(0, order["root"])
    import django

    django.setup()
    return look


def look() -> None:
    """What is due, as the worker looks at it, what is handed over included."""
    from integration_settings.models import QuickBooksConnection
    from invoices import following, sweep

    handed_over: list[int] = []
    sweep.Sweep(handed_over.append).run(0)
    for pk in handed_over:
        following.catch_up(QuickBooksConnection.objects.get(pk=pk))


TOOLS: dict[str, Callable[[Order], Work]] = {"tap": tap, "airbyte": airbyte, "library": library, "app": app}


def main(tool: str, file: str) -> None:
    order: Order = json.loads(Path(file).read_text())
    work = TOOLS[tool](order)
    begun = time.perf_counter()
    try:
        work()
    except SystemExit as end:
        if end.code:
            raise
    seconds = time.perf_counter() - begun
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    Path(order["vitals"]).write_text(json.dumps({"seconds": seconds, "peak": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
