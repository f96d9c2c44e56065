"""The ledger check: a short run here, many and long ones with `script/ledger`; see docs/reliability.md."""

from __future__ import annotations

import os
import sys

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.timeout(3600), pytest.mark.django_db(transaction=True)]

SEEDS = [int(seed) for seed in os.environ.get("LEDGER_SEEDS", "7").split(",")]
PRESSES = int(os.environ.get("LEDGER_PRESSES", "60"))
COMPANIES = int(os.environ.get("LEDGER_COMPANIES", "3"))


@pytest.mark.parametrize("seed", SEEDS)
def test_three_ledgers_agree_whatever_is_killed_and_cut(ledger, seed):
    run = ledger(seed, COMPANIES)
    run.run(PRESSES)
    sys.stdout.write(
        f"\nseed {seed}: {PRESSES} presses, {COMPANIES} companies: {run.seconds}; {run.adversary.account}\n"
    )
    assert run.violations == []
