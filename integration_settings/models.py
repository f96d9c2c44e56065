"""Who the tenant is, how we are connected to both services, and what the company chose."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from integration_settings.crypto import EncryptedTextField, Unreadable
from integration_settings.errors import AccessDenied, SubscriptionEnded

# How long before Intuit ends a sign-in for certain people are told of it
TOLD_ADMINISTRATORS, TOLD_EVERYONE = timedelta(days=30), timedelta(days=7)
LONGEST_UNSEEN = timedelta(hours=25)
"""Each company's books are looked at once a day at least, see `invoices.pacing`: after more, something stood still, and
notices may have been lost."""


class Company(models.Model):
    """One Pipedrive company account: the tenant. Everything a company owns is reached through this row."""

    pipedrive_company_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=255)
    domain = models.CharField(max_length=255)  # `company_domain`, the subdomain of pipedrive.com
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"company {self.pipedrive_company_id}"


class ConnectionState(models.TextChoices):
    CONNECTED = "connected"
    ENDED = "ended"  # revoked, expired or disconnected; a person has to sign in again


SHUT_OUT = (AccessDenied.__name__, SubscriptionEnded.__name__)  # until a person does something about it
DISCONNECTED = "disconnected"  # why a connection ended that somebody ended here


class Connection(models.Model):
    """Tokens of one grant. Read and written only by `integration_settings.connections`."""

    access_token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    access_expires_at = models.DateTimeField(default=timezone.now)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)  # moves with each refresh
    refreshed_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=16, choices=ConnectionState.choices, default=ConnectionState.CONNECTED)
    connected_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=64, blank=True, default="")  # a word for logs and pages, no vendor text
    paused_until = models.DateTimeField(null=True, blank=True)  # the service asked us to wait

    class Meta:
        abstract = True

    @property
    def is_connected(self) -> bool:
        """Not with tokens that no key opens either, although they may be read again once their key is back."""
        return self.state == ConnectionState.CONNECTED and not isinstance(self.access_token, Unreadable)

    def row(self) -> models.QuerySet[Self]:
        """Its row as it stands in the table, to be read anew or written."""
        return type(self)._default_manager.filter(pk=self.pk)

    def access_is_fresh(self, now: datetime, margin: timedelta) -> bool:
        return bool(self.access_token) and self.access_expires_at - margin > now


NO_RIGHTS = {"may_create": False, "may_send": False, "may_void": False}


class PipedriveUser(Connection):
    """A user who installed the app, with his own grant: Pipedrive's installation is per user."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="users")
    user_id = models.BigIntegerField()
    name = models.CharField(max_length=255)
    is_admin = models.BooleanField(default=False)
    language = models.CharField(max_length=16, default="en")  # of the user interface: `en`, `pt-BR`
    locale = models.CharField(max_length=16, default="en_US")  # of numbers and dates
    timezone = models.CharField(max_length=64, default="UTC")
    api_domain = models.CharField(max_length=255)  # checked scheme and host, no path
    preset_choice = models.CharField(
        max_length=20, blank=True, default="", db_default=""
    )  # see `presets.opening_template`
    # Rights of his own, beside those of everyone; an administrator needs none. See `rights`.
    may_create = models.BooleanField(default=False, db_default=False)
    may_send = models.BooleanField(default=False, db_default=False)
    may_void = models.BooleanField(default=False, db_default=False)  # and delete

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "user_id"], name="one_row_per_company_and_user")]

    def __str__(self) -> str:
        return f"user {self.user_id} of {self.company}"


class QuickBooksConnection(Connection):
    """The company's one QuickBooks company, with what we must know of it before any invoice."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, related_name="quickbooks")
    realm_id = models.CharField(max_length=32)
    hard_expires_at = models.DateTimeField(null=True, blank=True)  # five years after the sign-in, never extended
    connected_by = models.CharField(max_length=255, blank=True, default="")
    # From CompanyInfo and Preferences, kept current by `profile`.
    name = models.CharField(max_length=255, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    home_currency = models.CharField(max_length=3, blank=True, default="")
    timezone = models.CharField(max_length=64, blank=True, default="")
    profile = models.JSONField(default=dict)  # see `profile.Profile`
    # Following changes; the cursor is QuickBooks' own time of the last answer that was applied completely.
    changes_cursor = models.DateTimeField(null=True, blank=True)
    next_sync_at = models.DateTimeField(null=True, blank=True)
    sync_lease_until = models.DateTimeField(null=True, blank=True)
    last_synced_at = models.DateTimeField(null=True, blank=True)
    last_sync_problem = models.CharField(max_length=64, blank=True, default="")
    # QuickBooks' notices: when the last one came, and when a change was found that none had told.
    last_notice_at = models.DateTimeField(null=True, blank=True)
    notice_missed_at = models.DateTimeField(null=True, blank=True)
    unread_since = models.DateTimeField(null=True, blank=True)  # the first notice that no look has answered yet
    # Metered reads, see `read_budget`.
    reads_month = models.CharField(max_length=7, blank=True, default="", db_default="")
    reads = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["state", "next_sync_at"], name="connections_due_for_sync"),
            models.Index(fields=["realm_id"], name="connections_by_realm"),
        ]

    def __str__(self) -> str:
        return f"QuickBooks {self.realm_id} of {self.company}"

    def row(self) -> models.QuerySet[Self]:
        """No row once the company has connected other books: a worker that is still busy with the former ones neither
        gets the tokens of these nor writes what it has learned of those.
        """
        return super().row().filter(realm_id=self.realm_id)

    @property
    def was_disconnected(self) -> bool:
        """Somebody here wanted it so; else QuickBooks has ended it."""
        return self.ended_why == DISCONNECTED

    @property
    def shut_out(self) -> str:
        """Why QuickBooks answers nothing although the sign-in stands: the name of one of `SHUT_OUT`, else ""."""
        problem = self.last_sync_problem
        return problem if self.is_connected and problem in SHUT_OUT else ""

    @property
    def ends_soon(self) -> bool:
        """Within a month; from then on administrators are told."""
        return self.hard_expires_at is not None and self.hard_expires_at - timezone.now() <= TOLD_ADMINISTRATORS

    @property
    def is_told_of_changes(self) -> bool:
        """QuickBooks' notices arrive: one came, and since then no change was found that none had told."""
        return self.last_notice_at is not None and (
            self.notice_missed_at is None or self.notice_missed_at < self.last_notice_at
        )

    @property
    def changes_known_until(self) -> datetime | None:
        """Up to when we would know of a change in the books: now, when all that was told has been read."""
        now, read, told = timezone.now(), self.last_synced_at, self.last_notice_at
        seen = read is not None and now - read < LONGEST_UNSEEN
        return now if seen and self.is_told_of_changes and read and told and read >= told else read


class ItemPolicy(models.TextChoices):
    """What becomes of a line whose product has no item in QuickBooks."""

    STOP = "stop"  # a person chooses one
    DEFAULT = "default"  # one item for everything
    CREATE = "create"  # the item is created with the invoice


class CompanySettings(models.Model):
    """What the company chose; a field is "organization.name", "person.emails", "deal.<40 hex>" or "" for not filled."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, related_name="settings")
    recipient_field = models.CharField(max_length=80, default="organization.name")
    address_field = models.CharField(max_length=80, blank=True, default="organization.address")
    email_field = models.CharField(max_length=80, blank=True, default="person.emails")
    tax_id_field = models.CharField(max_length=80, blank=True, default="")
    memo_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    private_note_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    cc_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    # Of the company's own fields, by id; they count in the books of `items_realm_id` alone.
    own_fields_from: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)
    due_days = models.PositiveSmallIntegerField(default=14)
    customer_terms_first = models.BooleanField(default=False, db_default=False)  # QuickBooks', where it has some
    updates_customers = models.BooleanField(default=False, db_default=False)  # ticked at first; a person may untick it
    writes_notes = models.BooleanField(default=True, db_default=True)  # one in the deal's history for each invoice
    # Custom fields of the deal that tell of its invoices, "deal.<40 hex>" or "" for none.
    deal_status_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    deal_number_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    deal_open_field = models.CharField(max_length=80, blank=True, default="", db_default="")
    deal_status_since = models.DateTimeField(null=True, blank=True)  # what was paid before moves no deal
    # By the pipeline's id: the stage to which a deal goes once it is invoiced and paid.
    paid_stages: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)
    deal_fields_language = models.CharField(max_length=10, blank=True, default="", db_default="")  # of who chose them
    # Otherwise administrators and the users named for it, see `rights`.
    everyone_creates = models.BooleanField(default=True, db_default=True)
    everyone_sends = models.BooleanField(default=True, db_default=True)
    everyone_voids = models.BooleanField(default=True, db_default=True)  # and deletes
    # For a product without an item. What was chosen belongs to the books of that realm and counts for no other.
    item_policy = models.CharField(
        max_length=8, choices=ItemPolicy.choices, default=ItemPolicy.STOP, db_default=ItemPolicy.STOP
    )
    default_item_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    default_item_name = models.CharField(max_length=255, blank=True, default="", db_default="")
    income_account_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    items_realm_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.CharField(max_length=255, blank=True, default="")

    def __str__(self) -> str:
        return f"settings of {self.company}"


SEES_NOTHING_AFTER = timedelta(hours=2)


class DealRules(models.Model):
    """When the company's deals are invoiced by themselves, and how far Pipedrive was read for it; see `deal_rules`."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, related_name="deal_rules")
    # By the pipeline's id: when, what then, and since when that is the rule.
    rules: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)
    # With whose grant, and in whose name; None once that user has left.
    user = models.ForeignKey(PipedriveUser, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    read_until = models.DateTimeField(default=timezone.now)  # Pipedrive's time: what changed before is known
    next_look_at = models.DateTimeField(null=True, blank=True)  # None without rules
    problem = models.CharField(max_length=64, blank=True, default="", db_default="")  # why the last look saw nothing

    class Meta:
        indexes = [
            models.Index(fields=["next_look_at"], condition=models.Q(next_look_at__isnull=False), name="deal_looks_due")
        ]

    def __str__(self) -> str:
        return f"rules of {self.company}"

    @property
    def stands_still(self) -> bool:
        """Nobody is there in whose name they could act."""
        return bool(self.rules) and (self.user is None or not self.user.is_connected)

    @property
    def sees_nothing(self) -> bool:
        """Pipedrive has refused for longer than an outage lasts to tell what has changed."""
        return bool(self.rules and self.problem) and timezone.now() - self.read_until > SEES_NOTHING_AFTER


class ItemLink(models.Model):
    """A person decided, or an invoice created it: this product of Pipedrive is this item of QuickBooks."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="item_links")
    realm_id = models.CharField(max_length=32)
    product_id = models.BigIntegerField()
    product_name = models.CharField(max_length=255)  # as Pipedrive had it when it was last used
    product_code = models.CharField(max_length=255, blank=True, default="")
    item_id = models.CharField(max_length=32)
    item_name = models.CharField(max_length=255)  # when it was chosen; shown when QuickBooks no longer has the item
    linked_by = models.CharField(max_length=255, blank=True, default="")
    linked_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "realm_id", "product_id"], name="one_item_per_product")
        ]

    def __str__(self) -> str:
        return f"product {self.product_id} is item {self.item_id}"


class InvoicePreset(models.Model):
    """What a new invoice may start with, by a name; an empty value leaves the form as it is."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="presets")
    name = models.CharField(max_length=60)
    memo = models.TextField(blank=True, default="")
    private_note = models.TextField(blank=True, default="")
    cc = models.CharField(max_length=200, blank=True, default="")
    bcc = models.CharField(max_length=200, blank=True, default="")
    due_days = models.PositiveSmallIntegerField(null=True, blank=True)
    amounts_are = models.CharField(max_length=9, blank=True, default="")  # "exclusive", "inclusive", "none"
    # Texts of the company's own fields, by id; they count in the books of that realm alone.
    own_fields: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    realm_id = models.CharField(max_length=32, blank=True, default="")
    is_default = models.BooleanField(default=False)
    updated_by = models.CharField(max_length=255, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Lower("name"), name="one_preset_per_name"),
            models.UniqueConstraint(
                fields=["company"], condition=models.Q(is_default=True), name="one_default_preset_per_company"
            ),
        ]

    def __str__(self) -> str:
        return f"preset {self.pk} of {self.company}"


class ReferenceList(models.Model):
    """A list of a vendor's that changes slowly (fields, tax codes, items, terms), as last read."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="reference_lists")
    kind = models.CharField(max_length=40)
    rows: models.JSONField[Any, Any] = models.JSONField(default=list)
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "kind"], name="one_list_per_company_and_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.company}"


class SignIn(models.Model):
    """One OAuth round under way: the `state`, the browser that began it, and on whose behalf. Used once."""

    state_digest = models.CharField(max_length=64, unique=True)
    service = models.CharField(max_length=16)
    browser_digest = models.CharField(max_length=64)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, null=True, blank=True)
    user_id = models.BigIntegerField(null=True, blank=True)
    # The realm that may replace the connected one
    switch_to = models.CharField(max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"sign-in {self.pk} to {self.service}"


class UsedTicket(models.Model):
    """A one-time connect link that was followed; links themselves are signed and need no row."""

    nonce_digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"used ticket {self.pk}"


class Removal(models.Model):
    """That everything of a company was deleted, and when. Nothing of anybody stands in it. A company that comes back is
    known by it, see `connections.connect_quickbooks`.
    """

    class Why(models.TextChoices):
        UNINSTALLED = "uninstalled"
        ABANDONED = "abandoned"  # the last sign-in ended a month ago, and no uninstall call came

    pipedrive_company_id = models.BigIntegerField()
    removed_at = models.DateTimeField(default=timezone.now)
    why = models.CharField(max_length=16, choices=Why)
    # None when no sign-in to QuickBooks was left, or others use these books; False when Intuit did not take it.
    revoked = models.BooleanField(null=True)
    # What it had read of QuickBooks in its last month, which Intuit still counts: see `read_budget`.
    reads_month = models.CharField(max_length=7, blank=True, default="", db_default="")
    reads = models.PositiveIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"removal of company {self.pipedrive_company_id}"
