"""`python -m pipedrive_qb.alive [PORT]`: succeeds while the web server beside it answers; the image's health check.

It asks as the proxy would, by the host of APP_URL: any other host is refused, see ALLOWED_HOSTS.
"""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

from pipedrive_qb.settings import APP_URL

PORT = 8000  # where the image's web server listens
SECONDS = 4


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz", headers={"Host": urlsplit(APP_URL).netloc})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) else 1)
