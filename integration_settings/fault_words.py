"""A service's failure in words for people: what happened and what follows. Never the vendor's own text."""

from __future__ import annotations

from django.utils.translation import gettext

from integration_settings.errors import AccessDenied, ConnectionExpired, RateLimited, ServiceError, SubscriptionEnded


def fault_words(error: ServiceError) -> str:
    service = {"pipedrive": "Pipedrive", "quickbooks": "QuickBooks"}[error.service]
    if isinstance(error, ConnectionExpired):
        text = gettext("{service} no longer accepts the sign-in. Somebody has to sign in again.")
    elif isinstance(error, RateLimited):
        text = gettext("{service} takes no more requests from your company for a while. Try again later.")
    elif isinstance(error, SubscriptionEnded):
        text = gettext("{service} lets no app in: your company’s subscription there has ended or is not paid.")
    elif isinstance(error, AccessDenied):
        text = gettext("{service} does not let the person who signed in see this.")
    else:
        text = gettext("{service} does not answer right now. Try again in a minute.")
    return text.format(service=service)
