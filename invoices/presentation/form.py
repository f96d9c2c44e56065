"""The invoice form as ready values: what stands in each field, why it was proposed, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integration_settings import country_words, formats
from integration_settings.profile import Profile
from integration_settings.reference import Tag
from invoices.domain.emails import company_domains
from invoices.domain.matching import CustomerCandidate, Evidence, Strength
from invoices.domain.money import round_amount
from invoices.domain.tax import Totals, sales_taxes
from invoices.exchange_rates import HomeRate
from invoices.form_memory import Memory
from invoices.forms import NEW_CUSTOMER, FormInput
from invoices.presentation.customer_update import UpdateCard, card_of, with_name, with_usual_tax
from invoices.presentation.estimate import chosen as chosen_estimate
from invoices.presentation.findings import Issue
from invoices.presentation.form_lines import empty_row, line_labels, line_rows, lines_aside, not_ticked, tax_mode
from invoices.presentation.form_parts import (
    Choice,
    CurrencyField,
    CustomerCard,
    Figures,
    FormPage,
    Material,
    OwnFieldInput,
    Preflight,
    TotalRow,
    Why,
)
from invoices.presentation.presets import preset_field
from invoices.presentation.say import Say


def form_page(material: Material, *, errors: tuple[Issue, ...] = ()) -> FormPage:
    """`errors` are shown at their fields: after a press that was refused, by us or by QuickBooks."""
    form, memory, profile, say = material.input, material.memory, material.profile, material.say
    rows = line_rows(material, errors)
    return FormPage(
        input=form,
        kept=material.kept,
        title=_page_title(errors),
        customer_aside=_customer_aside(memory),
        cards=tuple(_card(found, memory, form, profile) for found in memory.candidates),
        new_card=_new_card(memory, form),
        is_new=form.customer == NEW_CUSTOMER,
        remembered=_remembered(memory),
        keeps_tax_ids=country_words.keeps_tax_ids(profile.country),
        tax_id_label=country_words.tax_id_label(profile.country),
        region_label=country_words.region_label(profile.country),
        postal_code_label=country_words.postal_code_label(profile.country),
        email_hint=_("Also kept on the new customer.") if form.customer == NEW_CUSTOMER else "",
        details_aside="" if profile.custom_numbers else _("QuickBooks gives the number"),
        currency=currency_field(material),
        due_hint=due_hint(material),
        amounts_are=_amounts_choices(form, memory, profile),
        preset=preset_field(material),
        sales_taxes=_sales_tax_choices(material),
        sales_tax_hint=_sales_tax_hint(material),
        asks_number=profile.custom_numbers,
        own_fields=_own_fields(material, errors),
        classes=_tags(material.lists.classes, form.class_id),
        locations=_tags(material.lists.locations, form.location_id),
        location_label=profile.location_word or _("Location"),
        asks_service_dates=profile.has_service_dates,
        opened=_opened(form, errors),
        tax_heading=_("Taxable") if profile.is_us else country_words.tax_heading(profile.country),
        tax_mode=tax_mode(profile),
        decimals=formats.decimals(form.currency),
        # Translators: "Rate" is the price of one piece, as QuickBooks calls it in the United States; no rate of a tax
        price_heading=_("Rate") if profile.is_us else _("Price"),
        lines_aside=lines_aside(form, memory, say),
        line_labels=line_labels(material.profile.country),
        rows=rows,
        empty_row=empty_row(material),
        not_ticked=not_ticked(form, memory),
        discount_shown=bool(form.discount),
        discount_source=_discount_source(material),
        discount_amount=discount_amount(material),
        figures=figures(material),
        preflight=preflight(material),
        errors=errors,
        error_title=_error_title(errors, say),
        at_field={issue.target: issue.sentence for issue in reversed(errors)},
        first_focus=_first_focus(material, errors),
        no_right=material.no_right,
        may_send=material.may_send,
        leave_text=_leave_text(memory),
        update_card=_update_card(material),
        estimate=chosen_estimate(memory, say),
    )


# Customer


def _customer_aside(memory: Memory) -> str:
    names = [name for name in (memory.party_name, memory.person_name) if name]
    # Translators: where the customer's data come from; {names} are an organization and a person
    return _("From {names}").format(names=" · ".join(dict.fromkeys(names))) if names else ""


def _remembered(memory: Memory) -> str:
    if memory.party_kind == "organization":
        return _("Your choice is remembered on the organization")
    return _("Your choice is remembered on the person") if memory.party_kind == "person" else ""


def _leave_text(memory: Memory) -> str:
    if not memory.party_name:
        return _("The entries are kept as a draft on this deal for 7 days.")
    text = _("The entries for {name} are kept as a draft on this deal for 7 days.")
    return text.format(name=memory.party_name)


def _update_card(material: Material) -> UpdateCard | None:
    """As the person has left it, while it is about the customer that is chosen."""
    form, seen = material.input, material.seen
    if seen is None or seen.customer_id != form.customer:
        return None
    card = card_of(
        seen,
        form.seen_customer,
        on=form.updates_customer,
        ticked=form.updated_fields,
        country=material.profile.country,
        say=material.say,
    )
    shown = material.memory.customer(form.customer)
    card = with_name(card, seen.name, shown.name if shown else seen.name)
    card = replace(card, estimates_of="" if material.no_right else form.customer)
    return with_usual_tax(card, material.lists.tax_codes.get(form.usual_tax), form)


NAMED_RATES = ("CA", "IN", "US")  # of several offices on one invoice: the country's word does not tell them apart
STRENGTHS = {Strength.STRONG: "positive", Strength.LIKELY: "info", Strength.WEAK: "neutral"}


def _card(found: CustomerCandidate, memory: Memory, form: FormInput, profile: Profile) -> CustomerCard:
    linked = found.customer_id == memory.linked_id
    place = [found.place]
    if found.currency and found.currency != profile.home_currency:
        place.append(found.currency)
    if not found.active:
        # Translators: beside the name of a customer or item that QuickBooks has switched off
        place.append(_("inactive"))
    strength = {
        Strength.STRONG: _("Strong match"),
        Strength.LIKELY: _("Likely match"),
        Strength.WEAK: _("Weak match"),
    }
    chosen_here = not linked and not found.evidence
    return CustomerCard(
        value=found.customer_id,
        name=found.name,
        place=" · ".join(part for part in place if part),
        checked=form.customer == found.customer_id,
        why=_evidence(found, form, memory),
        tag=_("Linked") if linked else _("Chosen") if chosen_here else strength[found.strength],
        tag_tone="positive" if linked else "accent" if chosen_here else STRENGTHS[found.strength],
    )


def _evidence(found: CustomerCandidate, form: FormInput, memory: Memory) -> tuple[Why, ...]:
    if found.customer_id == memory.linked_id:
        return (Why("link", "positive", _("Chosen before for {party}").format(party=memory.party_name)),)
    domains = company_domains(found.email)  # of several addresses, while Pipedrive's may have been typed over
    shared = ", ".join(sorted(domains & company_domains(form.email) or domains))
    told = {
        Evidence.LINKED: Why("link", "positive", _("Chosen before for {party}").format(party=memory.party_name)),
        Evidence.SAME_TAX_ID: Why("check", "positive", _("Same tax ID")),
        Evidence.SAME_NAME: Why("check", "positive", _("Same name")),
        Evidence.SAME_ADDRESS: Why("check", "positive", _("Same street and postal code")),
        Evidence.SAME_DOMAIN: Why("info", "", _("Same e-mail domain: {domain}").format(domain=shared)),
        Evidence.SAME_EMAIL: Why("check", "positive", _("Same e-mail address, {email}").format(email=found.email)),
        Evidence.SIMILAR_NAME: Why("info", "", _("Name is similar")),
    }
    if found.evidence == (Evidence.SIMILAR_NAME,):
        return (Why("info", "", _("Name is similar, nothing else matches")),)
    if not found.evidence:
        return (Why("search", "", _("Found by searching")),)
    return tuple(told[evidence] for evidence in found.evidence if evidence in told)


def _new_card(memory: Memory, form: FormInput) -> CustomerCard:
    nothing_found = not memory.candidates
    suggested = (
        form.customer == NEW_CUSTOMER
        and memory.customers_told
        and not memory.linked_id
        and all(found.strength == Strength.WEAK for found in memory.candidates)
    )
    why: tuple[Why, ...] = ()
    if not memory.customers_told:
        said = _("QuickBooks has not said whether it has this customer. Search before you create a new one.")
        why = (Why("warning", "warning", said),)
    elif nothing_found:
        why = (Why("check", "positive", _("No customer has this name or e-mail address")),)
    return CustomerCard(
        value=NEW_CUSTOMER,
        name=_("New customer"),
        place="",
        checked=form.customer == NEW_CUSTOMER,
        why=why,
        tag=_("Suggested") if suggested else "",
        tag_tone="info",
    )


# Invoice details


def currency_field(material: Material) -> CurrencyField:
    form, profile = material.input, material.profile
    customer = material.memory.customer(form.customer)
    kept_in = customer.currency if customer else ""
    label = currency_label(form.currency, material.say)
    if not profile.multicurrency and form.currency == profile.home_currency:
        return CurrencyField(form.currency, label, True, _("Your QuickBooks uses one currency."))
    if kept_in and kept_in == form.currency:
        hint = _("This customer is kept in {currency}.").format(currency=kept_in)
        return CurrencyField(form.currency, label, True, hint)
    codes = dict.fromkeys((*material.lists.currencies, material.memory.deal_currency, form.currency))
    choices = tuple(Choice(code, currency_label(code, material.say), code == form.currency) for code in codes if code)
    hint = "" if kept_in else _("The new customer is kept in this currency.")
    return CurrencyField(form.currency, label, False, hint, choices)


def currency_label(code: str, say: Say) -> str:
    name = formats.currency_name(code, say.locale) if code else ""
    # Translators: a currency's code and name, as in "GBP – Pound sterling"
    return _("{code} – {name}").format(code=code, name=name) if name and name != code else code


def due_hint(material: Material) -> str:
    if material.due_date is None:
        return ""
    if term := material.lists.terms.get(material.term_id):
        # Translators: why an invoice is due then; {term} is the name of payment terms, as in "Net 30"
        return _("{term}, the customer’s terms in QuickBooks").format(term=term.name)
    days = (material.due_date - material.invoice_date).days
    if days < 0:
        return ""
    if days == 0:
        return _("On the invoice date")
    said = ngettext("{count} day after the invoice date", "{count} days after the invoice date", days)
    return said.format(count=material.say.number(days))


def _amounts_choices(form: FormInput, memory: Memory, profile: Profile) -> tuple[Choice, ...]:
    if profile.is_us or not profile.uses_sales_tax:
        return ()
    labels = country_words.amounts_are_labels(profile.country)
    return tuple(Choice(value, label, value == form.amounts_are) for value, label in labels.items())


def _sales_tax_choices(material: Material) -> tuple[Choice, ...]:
    if not material.profile.names_sales_tax:
        return ()
    # Translators: the name of a sales tax rate and its percentage, as in "Chicago, IL (10.25%)"
    label = _("{name} ({percentage})")
    chosen, say = material.input.sales_tax, material.say
    return (
        Choice("", _("Choose"), not chosen),
        *(
            Choice(code.id, label.format(name=code.name, percentage=say.rate(code.percentage)), code.id == chosen)
            for code in sales_taxes(material.lists.tax_codes.values())
        ),
    )


def _sales_tax_hint(material: Material) -> str:
    customer, chosen = material.memory.customer(material.input.customer), material.input.sales_tax
    if customer and customer.exempt:
        return _("This customer is exempt from sales tax.")
    if customer and chosen and customer.sales_tax_id == chosen:
        return _("As the customer has it in QuickBooks")
    return _("Your company’s usual rate") if chosen and chosen == material.profile.usual_sales_tax_id else ""


def _own_fields(material: Material, errors: tuple[Issue, ...]) -> tuple[OwnFieldInput, ...]:
    told = {issue.target: issue.sentence for issue in reversed(errors)}
    return tuple(
        OwnFieldInput(
            f"f-own-{field_id}",
            f"own-{field_id}",
            name,
            material.input.own_field(field_id),
            told.get(f"f-own-{field_id}", ""),
        )
        for field_id, name in material.profile.own_fields
    )


def _tags(tags: Mapping[str, Tag], chosen: str) -> tuple[Choice, ...]:
    if not tags:
        return ()
    # Translators: no class or no location is chosen for the invoice
    return (Choice("", _("None"), not chosen), *(Choice(tag.id, tag.name, tag.id == chosen) for tag in tags.values()))


def _opened(form: FormInput, errors: tuple[Issue, ...]) -> frozenset[str]:
    faults = {issue.field for issue in errors}
    parts = {
        "copies": form.cc or form.bcc or faults & {"cc", "bcc"},
        "private_note": form.private_note or "private_note" in faults,
        "service_dates": any(line.service_date for line in form.lines),
    }
    return frozenset(name for name, something in parts.items() if something)


# Lines


def discount_amount(material: Material) -> str:
    if material.totals is None or not material.totals.invoice_discount:
        return ""
    return material.say.amount(-material.totals.invoice_discount, material.totals.currency)


def _discount_source(material: Material) -> str:
    if not material.input.discount:
        return ""
    return _("from the estimate") if material.memory.estimate else _("from the deal")


def figures(material: Material) -> Figures:
    totals, say = material.totals, material.say
    before_tax = _("Before tax")
    if totals is None:
        note = _("The total appears when every number can be read")
        return Figures((), _("Total"), "", note)
    rows = [*_discount_rows(material, totals), *_tax_rows(material, totals)]
    whole = say.amount(totals.total, totals.currency)
    note = "" if totals.tax_known else _("before {tax}").format(tax=country_words.tax_word(material.profile.country))
    found = Figures(tuple(rows), _("Total") if totals.tax_known else before_tax, whole, note)
    return _with_home(found, totals, material.home_rate, say)


def _with_home(found: Figures, totals: Totals, rate: HomeRate | None, say: Say) -> Figures:
    if rate is None:
        return found
    if rate.rate is None:
        return replace(found, asks_rate=not rate.asked)
    row, note = at_home(totals.total, rate.currency, rate.rate, rate.home, say)
    return replace(found, at_home=row, rate=f"{note}, {say.day(rate.day)}")


def at_home(amount: Decimal, currency: str, rate: Decimal, home: str, say: Say) -> tuple[TotalRow, str]:
    """What the books count the amount as, and the rate in words."""
    # Translators: beside the total of an invoice in a foreign currency: {currency} is the one of the books
    row = TotalRow(_("In {currency}").format(currency=home), say.amount(round_amount(amount * rate, home), home))
    return row, f"1 {currency} = {say.figure(rate)} {home}"


def _discount_rows(material: Material, totals: Totals) -> Iterable[TotalRow]:
    say, currency = material.say, totals.currency
    if totals.line_discounts or totals.invoice_discount:
        yield TotalRow(_("Before discount"), say.amount(totals.before_discount, currency))
    if totals.line_discounts:
        yield TotalRow(_("Line discounts"), say.amount(-totals.line_discounts, currency))
    if totals.invoice_discount:
        typed = material.input.discount
        label = _("Discount {percentage}").format(percentage=typed) if "%" in typed else _("Discount")
        yield TotalRow(label, say.amount(-totals.invoice_discount, currency))


def _tax_rows(material: Material, totals: Totals) -> Iterable[TotalRow]:
    say, country = material.say, material.profile.country
    heading = country_words.tax_heading(country)
    if not totals.tax_known:
        yield TotalRow(_("Subtotal"), say.amount(totals.net, totals.currency))
        by_hand = material.profile.names_sales_tax
        said = _("Choose a rate first") if by_hand else _("QuickBooks calculates this when it’s created")
        yield TotalRow(heading, said, is_text=True)
        return
    if totals.tax_lines:
        yield TotalRow(_("Net"), say.amount(totals.net, totals.currency))
    told = [line for line in totals.tax_lines if line.name]  # 0 % is not known of lines without a code
    often = Counter(abs(line.percentage) for line in told)
    for line in told:
        named = country in NAMED_RATES or often[abs(line.percentage)] > 1
        # Translators: {tax} is VAT or GST, {rate} its percentage, {base} the amount it is on
        label = _("{tax} {rate} on {base}")
        if named and "%" in line.name:
            # Translators: {tax} is a tax code with its percentage, as in "20.0% S", {base} the amount it is on
            label = _("{tax} on {base}")
        label = label.format(
            tax=line.name if named else heading,
            rate=say.rate(line.percentage),
            base=say.amount(line.base, totals.currency),
        )
        yield TotalRow(label, say.amount(line.tax, totals.currency))


def preflight(material: Material) -> Preflight:
    to_fix = sum(issue.blocks for issue in material.issues)
    say = material.say
    if to_fix:
        tag = ngettext("{count} to fix", "{count} to fix", to_fix).format(count=say.number(to_fix))
        foot = ngettext("{count} thing to fix first", "{count} things to fix first", to_fix)
        foot = foot.format(count=say.number(to_fix))
    else:
        tag, foot = _("Ready"), _("Ready to create")
    return Preflight(
        issues=material.issues,
        to_fix=to_fix,
        tag=tag,
        tag_tone="negative" if to_fix else "positive",
        checked=_("Checked {time}").format(time=say.clock(material.checked_at)),
        foot=foot,
    )


# What takes the attention first


def _page_title(errors: tuple[Issue, ...]) -> str:
    # Translators: title of the page after a refused press; screen readers say it first
    return _("Error: New invoice") if errors else _("New invoice")


def _error_title(errors: tuple[Issue, ...], say: Say) -> str:
    if not errors:
        return ""
    return ngettext(
        "{count} thing to fix before QuickBooks can take this invoice",
        "{count} things to fix before QuickBooks can take this invoice",
        len(errors),
    ).format(count=say.number(len(errors)))


def _first_focus(material: Material, errors: tuple[Issue, ...]) -> str:
    """The summary after a refused press; else the customer if there is a choice, the first fault, the invoice date."""
    if errors:
        return "errors"
    choices = [found for found in material.memory.candidates if found.customer_id != material.memory.linked_id]
    if choices and not material.memory.linked_id:
        return "f-customer"
    fault = next((issue.target for issue in material.issues if issue.blocks), "")
    return fault or "f-invoice_date"
