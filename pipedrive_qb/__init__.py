"""Wiring of the service: settings, addresses, Celery. No business words in here."""

from pipedrive_qb.celery import app as celery_app

__all__ = ["celery_app"]
