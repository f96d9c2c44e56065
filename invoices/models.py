"""Invoices as we know them, and which QuickBooks customer belongs to which Pipedrive party."""

from __future__ import annotations

import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone

from integration_settings.crypto import EncryptedTextField
from integration_settings.models import Company, InvoicePreset, PipedriveUser
from invoices.domain.deal import party_of
from invoices.domain.draft import AmountsAre, InvoiceDraft, from_json
from invoices.domain.money import Money
from invoices.domain.status import UNSETTLED, Submission

IS_WAITING = models.Q(submission__in=UNSETTLED)
IS_UNPAID = models.Q(submission=Submission.SUCCEEDED, deleted_on__isnull=True, voided_on__isnull=True, balance__gt=0)
BY_RULE = uuid.UUID("6f0c1a52-6b0e-4a57-9d53-0f6f7b0f2c3e")  # names what the keys below it are of
NOBODY = 0  # in place of a user: who asked for it is not on record
IS_BEING_MADE = models.Q(next_attempt_at__isnull=False, invoice__isnull=True)  # of a `ReadyDeal`: its invoice
IS_TO_FIX = models.Q(submission=Submission.REJECTED, put_away_at__isnull=True)


class CustomerLink(models.Model):
    """A person decided: this organization (or person) of Pipedrive is this customer of QuickBooks.

    One for each currency: a customer of QuickBooks has one currency for ever.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="customer_links")
    party_kind = models.CharField(max_length=16)  # "organization", "person", or "deal" for one without either
    party_id = models.BigIntegerField()
    realm_id = models.CharField(max_length=32)
    customer_id = models.CharField(max_length=32)
    name = models.CharField(max_length=500)
    currency = models.CharField(max_length=3, blank=True, default="")
    linked_by = models.CharField(max_length=255, blank=True, default="")
    linked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "realm_id", "party_kind", "party_id", "currency"],
                name="one_customer_per_party_and_currency",
            )
        ]

    def __str__(self) -> str:
        return f"{self.party_kind} {self.party_id} is customer {self.customer_id}"


class CreationClaim(models.Model):
    """A party's customer or a product's item is being created in QuickBooks right now; deleted when done."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="creation_claims")
    realm_id = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)  # of the party as in `CustomerLink`, or "product"
    subject_id = models.BigIntegerField()
    token = models.CharField(max_length=36)  # of the submission that holds it
    until = models.DateTimeField()  # then it is anybody's again

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "realm_id", "kind", "subject_id"], name="one_claim_per_subject")
        ]

    def __str__(self) -> str:
        return f"claim on {self.kind} {self.subject_id}"


class UnsentForm(models.Model):
    """A form that a person left without creating: what stood in it, for that person and that deal alone."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="unsent_forms")
    user = models.ForeignKey(PipedriveUser, on_delete=models.CASCADE, related_name="unsent_forms")
    deal_id = models.BigIntegerField()
    locale = models.CharField(max_length=16)  # that its figures and dates were typed in
    fields = EncryptedTextField()  # as the browser would send them
    left_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "deal_id"], name="one_unsent_form_per_user_and_deal")]

    def __str__(self) -> str:
        return f"unsent form {self.pk} for deal {self.deal_id}"


class Intent(models.Model):
    """Something a person asked QuickBooks for. It is carried out by a worker that holds a lease, see `leases`."""

    request_id = models.CharField(max_length=50)
    submission = models.CharField(max_length=16, default=Submission.PENDING)
    sent_at = models.DateTimeField(null=True, blank=True)  # when it first went out and might be done since
    absent_since = models.DateTimeField(null=True, blank=True)  # the first look after the last sending saw nothing
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, default=timezone.now)  # null: nothing left to do
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=36, blank=True, default="")
    refusal = models.JSONField(null=True, blank=True)  # code, field, detail, trace id
    settled_at = models.DateTimeField(null=True, blank=True)
    put_away_at = models.DateTimeField(null=True, blank=True)  # somebody has read why it failed, or it was replaced

    class Meta:
        abstract = True

    @property
    def is_settled(self) -> bool:
        """We know whether it was done."""
        return self.submission in (Submission.SUCCEEDED, Submission.REJECTED)


class Invoice(Intent):
    """An invoice a person asked for: first our intent, then what QuickBooks reports of it.

    `submission` is about our write, the columns below `qbo_invoice_id` about the invoice in QuickBooks; the status
    shown to people is derived from them and today's date, see `domain.status`.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invoices")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    realm_id = models.CharField(max_length=32)
    deal_id = models.BigIntegerField()
    organization_id = models.BigIntegerField(null=True, blank=True)
    person_id = models.BigIntegerField(null=True, blank=True)
    created_by_id = models.BigIntegerField()  # `NOBODY` of an invoice that was found in QuickBooks
    created_by_name = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    # The intent. The key is minted when the form is shown: however often that form is sent, one row results.
    intent_key = models.UUIDField()
    draft = models.JSONField()  # `domain.draft.InvoiceDraft`, what the person confirmed
    fingerprint = models.CharField(max_length=64)
    customer_request_id = models.CharField(max_length=50, blank=True, default="")
    # The request id of each new item, by its product; an id is kept over all tries.
    item_request_ids: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)
    # Of QuickBooks, that it is made from; and whether QuickBooks has kept the link, None before it has said.
    estimate_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    estimate_kept = models.BooleanField(null=True, blank=True)
    preset = models.ForeignKey(InvoicePreset, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    preset_name = models.CharField(max_length=60, blank=True, default="", db_default="")  # what it was called then
    # The deal as it was when the invoice was asked for: title, value, currency, whether the value has tax in it, and
    # what it is worth in all. Empty on rows older than that.
    deal_then: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)

    # As QuickBooks last reported it
    qbo_invoice_id = models.CharField(max_length=32, blank=True, default="")
    sync_token = models.CharField(max_length=16, blank=True, default="")
    number = models.CharField(max_length=21, blank=True, default="")
    customer_id = models.CharField(max_length=32, blank=True, default="")
    customer_name = models.CharField(max_length=500, blank=True, default="")
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=20, decimal_places=5, null=True, blank=True)
    tax = models.DecimalField(max_digits=20, decimal_places=5, null=True, blank=True)
    balance = models.DecimalField(max_digits=20, decimal_places=5, null=True, blank=True)
    invoice_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True)
    email = models.CharField(max_length=254, blank=True, default="", db_default="")  # where QuickBooks sends it
    emailed_at = models.DateTimeField(null=True, blank=True)
    voided_on = models.DateField(null=True, blank=True)
    deleted_on = models.DateField(null=True, blank=True)
    paid_on = models.DateField(null=True, blank=True)
    # By the id of a payment that is applied to it: what of that is a credit and no money. All the others are money.
    credits: models.JSONField[Any, Any] = models.JSONField(default=dict, db_default={}, blank=True)
    qbo_updated_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    # The note in the deal's timeline
    note_id = models.BigIntegerField(null=True, blank=True)
    note_digest = models.CharField(max_length=64, blank=True, default="")  # of the text Pipedrive holds
    note_due_at = models.DateTimeField(null=True, blank=True)
    note_lease_until = models.DateTimeField(null=True, blank=True)  # somebody is writing it
    note_attempts = models.PositiveSmallIntegerField(default=0)
    note_problem = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "intent_key"], name="one_invoice_per_intent"),
            models.UniqueConstraint(fields=["company", "request_id"], name="one_invoice_per_request_id"),
            models.UniqueConstraint(
                fields=["company", "realm_id", "qbo_invoice_id"],
                condition=~models.Q(qbo_invoice_id=""),
                name="one_row_per_quickbooks_invoice",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "deal_id"], name="invoices_of_deal"),
            models.Index(fields=["company", "organization_id"], name="invoices_of_organization"),
            models.Index(fields=["company", "person_id"], name="invoices_of_person"),
            models.Index(fields=["company", "customer_id"], name="invoices_of_customer"),
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="submissions_due"
            ),
            models.Index(fields=["note_due_at"], condition=models.Q(note_due_at__isnull=False), name="notes_due"),
            models.Index(fields=["company"], condition=IS_TO_FIX, name="refused_to_fix"),
            models.Index(
                fields=["company", "estimate_id"], condition=~models.Q(estimate_id=""), name="invoices_of_estimate"
            ),
            # Few of many: else the figures, the desk and each look at QuickBooks read every invoice there is.
            models.Index(fields=["company"], condition=IS_WAITING, name="invoices_unsettled"),
            models.Index(fields=["company", "realm_id"], condition=IS_UNPAID, name="invoices_unpaid"),
            models.Index(fields=["company"], condition=~models.Q(note_problem=""), name="notes_not_written"),
        ]

    def __str__(self) -> str:
        return f"invoice {self.public_id}"

    @property
    def party(self) -> tuple[str, int]:
        return party_of(self.deal_id, self.organization_id, self.person_id)

    @property
    def was_found(self) -> bool:
        """In QuickBooks, by its mark, when there was no row of it: the database is from a backup older than it, or
        somebody's copy took the place of one that is gone.
        """
        return self.created_by_id == NOBODY

    @property
    def counts_with_tax(self) -> bool:
        """Against the deal's value: where that has tax in it, or the invoice's own prices have; not where it is known
        what the deal is worth without.
        """
        with_tax = self.deal_then.get("with_tax") or self.draft.get("amounts_are") == AmountsAre.TAX_INCLUSIVE
        return bool(with_tax) and self.deal_before_tax is None

    @property
    def confirmed(self) -> InvoiceDraft:
        """What the person confirmed, of the deal that the invoice belongs to now."""
        return replace(from_json(self.draft), deal_id=self.deal_id)

    @property
    def estimate_number(self) -> str:
        """Of the estimate it is made from; "" for none, and for one without a number."""
        return str((self.draft.get("estimate") or {}).get("number", ""))

    @property
    def confirmed_total(self) -> Decimal | None:
        """What the form said, where that includes the tax; in the draft's currency."""
        expected = self.draft.get("expected_total")
        return Decimal(expected) if expected else None

    @property
    def settled(self) -> Decimal:
        """What is not to be paid any more, by money or by credits; in the invoice's currency."""
        return (self.total or Decimal(0)) - (self.balance or Decimal(0))

    @property
    def credited(self) -> Decimal:
        """What of it no money has come for, but credits were used."""
        told = sum((Decimal(amount) for amount in self.credits.values()), Decimal(0))
        return max(min(told, self.settled), Decimal(0))

    @property
    def deal_worth_then(self) -> Money | None:
        """What the deal was worth when this invoice was asked for; None where nobody has noted it."""
        then = self.deal_then
        return Money(Decimal(then["value"]), str(then["currency"])) if "value" in then else None

    @property
    def deal_in_all(self) -> Decimal | None:
        """The deal's `worth_in_all` when this invoice was asked for; 0 where nothing is billed again and again."""
        in_all = self.deal_then.get("in_all", "0")
        return None if in_all is None else Decimal(in_all)

    @property
    def deal_before_tax(self) -> Decimal | None:
        """The deal's worth when this invoice was asked for, without the tax in its prices; None where the invoice's own
        are with tax as well, or the deal's without.
        """
        told = self.deal_then.get("before_tax")
        return Decimal(told) if told else None

    @property
    def key_of_successor(self) -> uuid.UUID:
        """The intent key of the one invoice that may be asked for in place of this refused one, whoever asks for it."""
        return uuid.uuid5(self.public_id, "in its place")


class ReadyDeal(models.Model):
    """A deal that a rule of its company wants invoiced, see `automatic`. There is one row of a deal for ever: whatever
    becomes of it, a rule makes one invoice of a deal.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="ready_deals")
    deal_id = models.BigIntegerField()
    title = models.CharField(max_length=255)  # this and the next two as Pipedrive had them last
    value = models.DecimalField(max_digits=30, decimal_places=5)
    currency = models.CharField(max_length=3)
    pipeline_id = models.BigIntegerField(null=True, blank=True)  # whose rule it is; None in rows of earlier versions
    when = models.CharField(max_length=20)  # as in the rule
    outcome = models.CharField(max_length=8)  # `integration_settings.deal_rules.Outcome`
    found_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(null=True, blank=True)  # None: nothing is left to do for a worker
    attempts = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=16, blank=True, default="")  # `domain.unattended.Why` it waits for a person
    # What the form's checks have found then: `domain.checks.Finding`s as plain JSON.
    findings: models.JSONField[Any, Any] = models.JSONField(default=list, db_default=[], blank=True)
    invoice = models.OneToOneField(Invoice, on_delete=models.SET_NULL, null=True, blank=True, related_name="by_rule")
    put_away_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "deal_id"], name="one_ready_deal_per_deal")]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="ready_deals_due"
            ),
            models.Index(fields=["company"], condition=~models.Q(why=""), name="ready_deals_waiting"),
        ]

    def __str__(self) -> str:
        return f"ready deal {self.deal_id}"

    @property
    def intent_key(self) -> uuid.UUID:
        """Of the one invoice that a rule makes of this deal; the same also after the database was lost and restored."""
        return uuid.uuid5(BY_RULE, f"{self.company.pipedrive_company_id} {self.deal_id}")


class InvoiceAction(Intent):
    """A person's void, deletion or e-mail of an invoice, or files for it: stored before anything is sent; `actions`
    carries it out.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invoice_actions")
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=8)  # `domain.actions.Action`
    intent_key = models.UUIDField()  # minted with the question: however often it is answered, one row results
    to = models.CharField(max_length=254, blank=True, default="")  # of an e-mail
    asked_by_id = models.BigIntegerField()
    asked_by_name = models.CharField(max_length=255)
    asked_at = models.DateTimeField(default=timezone.now)
    # What was paid on the invoice as the person saw it. Empty on rows older than that.
    paid_then = models.DecimalField(max_digits=20, decimal_places=5, null=True, blank=True)
    emailed_before = models.DateTimeField(null=True, blank=True)  # when it had last been e-mailed, before ours
    # The files that are to be attached: `domain.files.FileWish`es as plain JSON.
    files: models.JSONField[Any, Any] = models.JSONField(default=list, db_default=[], blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "intent_key"], name="one_action_per_intent"),
            models.UniqueConstraint(
                fields=["invoice"], condition=models.Q(settled_at__isnull=True), name="one_open_action_per_invoice"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(next_attempt_at__isnull=False), name="actions_due"
            ),
            models.Index(fields=["company"], condition=IS_WAITING, name="actions_unsettled"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} of invoice {self.invoice_id}"


class CustomerUpdate(Intent):
    """What a person ticked to be written to the customer, stored with the invoice and carried out beside it."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="customer_updates")
    invoice = models.OneToOneField(Invoice, on_delete=models.CASCADE, related_name="customer_update")
    customer_id = models.CharField(max_length=32)
    customer_name = models.CharField(max_length=500)
    changes: models.JSONField[Any, Any] = models.JSONField(default=list)  # of `domain.customer_update.Change`

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="customer_updates_due",
            ),
            models.Index(fields=["company"], condition=IS_WAITING, name="customer_updates_unsettled"),
        ]

    def __str__(self) -> str:
        return f"update {self.pk} of customer {self.customer_id}"


class WriteKind(models.TextChoices):
    CREATE_CUSTOMER = "create_customer"
    UPDATE_CUSTOMER = "update_customer"
    CREATE_ITEM = "create_item"
    CREATE_INVOICE = "create_invoice"
    VOID = "void"
    DELETE = "delete"
    SEND = "send"
    ATTACH = "attach"


class WriteOutcome(models.TextChoices):
    """Empty until the answer is here: a worker that is killed leaves it so."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no usable answer; it may have been done
    NOTHING_DONE = "nothing_done"  # certainly not done, and tried again


class QuickBooksWrite(models.Model):
    """One call that wrote, or tried to write, to QuickBooks: evidence for people and support, see `evidence`.

    What was sent is kept as the names of its members and a digest of the text: enough to show that something was the
    same, and nothing of a customer.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="quickbooks_writes")
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="writes")
    kind = models.CharField(max_length=16, choices=WriteKind.choices)
    asked_by_name = models.CharField(max_length=255)
    request_id = models.CharField(max_length=50)
    sent_fields: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    sent_digest = models.CharField(max_length=64, blank=True, default="")
    tries = models.PositiveSmallIntegerField(default=1)  # calls in a row that did nothing, and the one after them
    begun_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=WriteOutcome.choices, blank=True, default="")
    code = models.CharField(max_length=32, blank=True, default="")  # QuickBooks' own, of a refusal
    trace_id = models.CharField(max_length=64, blank=True, default="")  # Intuit's `intuit_tid`

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} for invoice {self.invoice_id}"
