"""What runs by the clock: keeping grants alive, and tidying up. And what a page has no time for."""

import logging
from contextlib import suppress

from celery import shared_task
from django.core.cache import cache
from kombu.exceptions import OperationalError

from integration_settings import read_budget, reference, services
from integration_settings.errors import ConnectionExpired
from integration_settings.log_context import about_company
from integration_settings.models import Company, ConnectionState, PipedriveUser
from integration_settings.shares import seat

log = logging.getLogger(__name__)

AN_HOUR = 3600
A_MINUTE = 60  # after which somebody may have opened a form, which has read the lists itself


@shared_task
def read_ahead(company_id: int) -> None:
    """Not where the company has enough of the worker already, with a service that is silent for instance."""
    if company := Company.objects.filter(pk=company_id).first():
        with about_company(company.pipedrive_company_id), seat("quickbooks", company_id) as free:
            if free:
                reference.read_ahead(company)


def read_ahead_soon(company: Company) -> None:
    """For a company that has just connected QuickBooks. Without a broker its first form takes a little longer."""
    try:
        read_ahead.apply_async((company.pk,), expires=A_MINUTE)
    except OperationalError as error:
        log.warning("the broker takes no messages; the first form reads the lists itself: %s", error)


@shared_task
def know_user(user_pk: int) -> None:
    """Likewise: a hundred people of one company may look at their panels while Pipedrive is silent."""
    user = PipedriveUser.objects.select_related("company").filter(pk=user_pk, state=ConnectionState.CONNECTED).first()
    if user:
        with about_company(user.company.pipedrive_company_id), seat("pipedrive", user.company_id) as free:
            if free:
                with suppress(ConnectionExpired):
                    services.refresh_user(user)


def know_user_soon(user: PipedriveUser) -> None:
    """For whoever looks at a panel, once an hour: language, name and the company's address may be others in Pipedrive
    by now, and most people never open the settings, which ask for them. The next page has them.
    """
    key = f"user-asked-for:{user.pk}"
    if not cache.add(key, True, AN_HOUR) or not cache.get(key):  # without Redis everybody would be the first
        return
    try:
        know_user.apply_async((user.pk,), expires=A_MINUTE)
    except OperationalError as error:
        log.warning("the broker takes no messages; the user stays as known: %s", error)


@shared_task
def keep_installations_alive() -> None:
    """Grants that nobody uses die after some weeks; companies whose uninstall call got lost are removed."""
    services.keep_installations_alive()
    services.remove_abandoned_companies()


@shared_task
def forget_finished_sign_ins() -> None:
    services.forget_old_traces()


@shared_task
def watch_read_budget() -> None:
    """Says in the log, in time, that the month's reads of QuickBooks are running out."""
    read_budget.warn()
