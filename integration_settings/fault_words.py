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


def shut_out_words(problem: str) -> tuple[str, str]:
    """What is wrong and what follows, for the name of one of `models.SHUT_OUT`."""
    service = "QuickBooks"
    if problem == SubscriptionEnded.__name__:
        return subscription_words(service)
    return (
        gettext("{service} refused to answer").format(service=service),
        gettext(
            "QuickBooks does not let the app do this: whoever signed in may lack rights there. "
            "An administrator can sign in again, with an account that has them."
        ),
    )


def subscription_words(service: str) -> tuple[str, str]:
    return (
        gettext("Your {service} subscription has ended").format(service=service),
        gettext("{service} lets no app in until it is paid. Nothing here is lost.").format(service=service),
    )
