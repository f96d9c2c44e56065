"""The ledger check: a short run here, many and long ones with `script/ledger`; see docs/reliability.md."""

from __future__ import annotations

import os
import sys

import pytest

from tests import servers
from tests.processes.ledger import Ledger, cut_other_connections

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600), pytest.mark.django_db(transaction=True)]

SEEDS = [int(seed) for seed in os.environ.get("LEDGER_SEEDS", "7").split(",")]
PRESSES = int(os.environ.get("LEDGER_PRESSES", "60"))
COMPANIES = int(os.environ.get("LEDGER_COMPANIES", "3"))
BROKEN = os.environ.get("LEDGER_BROKEN", "")


@pytest.fixture
def ledger(stand_ins, control, connect, process_folder, collected_files):
    """ledger(seed) -> a run with processes of its own, which end with the test."""
    started = []

    def begin(process):
        started.append(process)
        return process

    def make(seed):
        redis = begin(servers.Redis(process_folder))
        redis.wait_until_ready()
        port = servers.free_port()
        environment = servers.environment_of_app(
            stand_ins.settings, REDIS_URL=redis.url, APP_URL=f"http://localhost:{port}"
        )
        environment |= {"DJANGO_SETTINGS_MODULE": "tests.processes.broken", "LEDGER_BROKEN": BROKEN}
        control.set_app(environment["APP_URL"])
        tenants = [connect(("GB", "US", "AU")[number % 3]) for number in range(COMPANIES)]
        return Ledger(
            seed,
            tenants,
            control,
            start_web=lambda: begin(servers.WebServer(environment, process_folder, port)),
            start_worker=lambda clock=0: begin(
                servers.Worker(environment | {"LEDGER_CLOCK": str(clock)}, process_folder)
            ),
            start_redis=lambda: begin(servers.Redis(process_folder, redis.port)),
            redis=redis,
            folder=process_folder,
        )

    yield make
    for process in started:
        process.kill()
    cut_other_connections()  # PostgreSQL notices later that their owners are dead


@pytest.mark.parametrize("seed", SEEDS)
def test_three_ledgers_agree_whatever_is_killed_and_cut(ledger, seed):
    run = ledger(seed)
    run.run(PRESSES)
    sys.stdout.write(
        f"\nseed {seed}: {PRESSES} presses, {COMPANIES} companies: {run.seconds}; {run.adversary.account}\n"
    )
    assert run.violations == []
