"""What runs by the clock: keeping grants alive, and tidying up."""

from celery import shared_task

from integration_settings import read_budget, services


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
