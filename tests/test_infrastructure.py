"""The tests' own footing: what would make other tests pass for the wrong reason fails here."""

import socket

import httpx
import pytest
import redis

from tests.network_guard import NetworkForbiddenError


def test_it_refuses_to_look_up_a_name_of_the_outside_world():
    with pytest.raises(NetworkForbiddenError):
        socket.create_connection(("oauth.pipedrive.com", 443), timeout=1)


def test_it_refuses_to_connect_to_an_address_of_the_outside_world():
    with socket.socket() as plug, pytest.raises(NetworkForbiddenError):
        plug.connect(("192.0.2.1", 443))


def test_the_redis_of_the_run_is_a_real_one_that_celery_can_use(redis_url):
    client = redis.Redis.from_url(redis_url)
    version = tuple(int(part) for part in client.info("server")["redis_version"].split(".")[:2])
    assert version >= (6, 2)
    assert client.eval("return 7", 0) == 7
    client.close()


def test_the_companies_of_a_test_are_complete_and_apart(company, other_company):
    assert company.pk != other_company.pk
    assert company.quickbooks.realm_id != other_company.quickbooks.realm_id
    assert company.settings.due_days == 14
    assert company.users.get().is_connected


def test_every_stand_in_starts_each_test_with_the_seeds_and_no_faults(stand_ins, control):
    pair = control.clone("GB")
    control.fault("status", status=500, times=1)
    control.reset()
    again = control.clone("GB")
    assert again.pipedrive_company_id == pair.pipedrive_company_id
    assert control.requests() == []
    assert httpx.get(stand_ins.settings["QUICKBOOKS_DISCOVERY_URL"], trust_env=False).is_success


@pytest.mark.processes
def test_a_worker_starts_on_the_database_of_the_run_and_can_be_killed(worker):
    assert worker.alive
    worker.kill()
    assert not worker.alive
