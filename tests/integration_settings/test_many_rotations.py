"""Very many refreshes, each by several workers at once and some without an answer: no connection is lost.
`script/ledger --rotations 10000` for the whole count."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections as databases
from django.utils import timezone

from integration_settings import connections
from integration_settings.errors import ServiceUnavailable
from integration_settings.models import QuickBooksConnection
from integration_settings.quickbooks import QuickBooksClient

pytestmark = [
    pytest.mark.usefixtures("few_logs"),
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(3600),
]

ROTATIONS = int(os.environ.get("MANY_ROTATIONS", "30"))
WORKERS, TRIES = 4, 4
TOKEN = {"method": "POST", "path": "tokens/bearer"}
FAULTS = ("lost", "error_after", "status", "reset")
"""The first two happen after Intuit has rotated the token, the others before."""


@pytest.fixture
def workers():
    """workers(work) -> what `work` returned in each of them, begun at once."""
    pool, gate = ThreadPoolExecutor(WORKERS), threading.Barrier(WORKERS)

    def run(work):
        def one(_number):
            gate.wait(60)
            return work()

        return list(pool.map(one, range(WORKERS)))

    yield run
    run(databases.close_all)
    pool.shutdown()


def test_no_connection_is_lost_whatever_becomes_of_the_answers(connect, control, workers):
    control.call("POST", "/quickbooks/rotation", {"every_seconds": 0, "grace_seconds": 60, "stale_revokes": True})
    grants = [connect(country).quickbooks for country in ("GB", "US", "AU")]
    dice, begun, failed = random.Random("rotations"), time.monotonic(), 0
    control.forget_requests()

    def token_of(pk):
        """As a worker does it: with a row of its own, and again when Intuit did not answer."""
        for _ in range(TRIES):
            try:
                return connections.fresh_access_token(QuickBooksConnection.objects.get(pk=pk))
            except ServiceUnavailable:
                continue
        return None

    for number in range(ROTATIONS):
        pk = grants[number % len(grants)].pk
        QuickBooksConnection.objects.filter(pk=pk).update(access_expires_at=timezone.now())
        if dice.random() < 0.01 or number in range(len(FAULTS)):
            control.fault(FAULTS[failed % len(FAULTS)], **TOKEN, times=1)
            failed += 1
        tokens = set(workers(lambda pk=pk: token_of(pk)))
        assert len(tokens) == 1, number
        assert tokens != {None}, number
    asked = len(control.requests("quickbooks", **TOKEN))
    lost = [grant.realm_id for grant in grants if not QuickBooksConnection.objects.get(pk=grant.pk).is_connected]
    sys.stdout.write(
        f"\n{ROTATIONS} rotations, each by {WORKERS} workers at once, {failed} answers lost or refused: {asked}"
        f" refreshes, {len(lost)} connections lost; {time.monotonic() - begun:.0f} s\n"
    )
    assert lost == []
    assert asked == ROTATIONS + failed
    for grant in grants:  # what is stored is what was issued last: it still opens the books after one more refresh
        control.expire_tokens("quickbooks", grant.realm_id, "access")
        assert QuickBooksClient(QuickBooksConnection.objects.get(pk=grant.pk)).query("SELECT * FROM Term")
