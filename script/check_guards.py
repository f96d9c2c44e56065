"""Takes each guard away in turn, in a copy, and sees that a test notices: `script/guards`.

A guard is a line that keeps somebody out or something from happening twice. The list is `GUARDS`; a guard whose line is
not found, or whose absence nobody notices, fails the run.
"""

# ruff: noqa: E501 (a guard reads best in one line)

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from run_tests import postgres

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")


@dataclass(frozen=True)
class Guard:
    """`line` in `file` becomes `without`; one of the `tests` must fail then."""

    name: str
    file: str
    line: str
    without: str
    tests: str
    postgres: bool = False  # what it guards is not to be seen on SQLite


S, N = "tests/integration_settings/", "tests/invoices/"
GUARDS = [
    Guard("signature of a notice", "invoices/webhooks.py", "if not is_signed(", "if not told_in(b'') and not (", N + "test_webhooks.py"),
    Guard("verifier token configured", "invoices/webhooks.py", "    if not verifier:\n", "    if verifier is None:\n", N + "test_webhooks.py"),
    Guard("state of a sign-in", "integration_settings/sign_ins.py", "if not secrets.compare_digest(begun.browser_digest, digest(mark)):", "if mark is None:", S + "test_quickbooks_sign_in.py"),
    Guard("a state works once", "integration_settings/sign_ins.py", "filter(pk=begun.pk, used_at=None)", "filter(pk=begun.pk)", S + "test_quickbooks_sign_in.py"),
    Guard("a state is of one service", "integration_settings/sign_ins.py", "filter(state_digest=digest(state), service=service)", "filter(state_digest=digest(state))", S + "test_quickbooks_sign_in.py"),
    Guard("a state ends after ten minutes", "integration_settings/sign_ins.py", "if begun.created_at + SIGN_IN_LIFE < now:", "if begun.created_at > now:", S + "test_install.py"),
    Guard("tenant of an invoice", "invoices/selectors.py", "filter(company=company, public_id=public_id)", "filter(public_id=public_id)", "tests/test_every_address.py"),
    Guard("the deal is seen by the user", "invoices/services.py", "may_see_deal(visitor.user, invoice.deal_id)", "invoice.deal_id", N + "test_result_rights_page.py"),
    Guard("frame-ancestors outside", "pipedrive_qb/middleware.py", "if embedded else \"'none'\"", "if embedded else '*'", "tests/test_every_address.py"),
    Guard("frame-ancestors inside", "pipedrive_qb/middleware.py", "\" \".join(settings.PIPEDRIVE_FRAME_ANCESTORS) if", "'*' if", "tests/test_every_address.py"),
    Guard("hosts that tokens go to", "integration_settings/api_hosts.py", "or not _host_accepted(host):", "or not host:", S + "test_oauth.py"),
    Guard("https for tokens", "integration_settings/api_hosts.py", "elif parts.scheme != \"https\" or port not in (None, 443):", "elif port == 1:", S + "test_oauth.py"),
    Guard("secret of the frame's token", "integration_settings/tenancy.py", "    if not settings.PIPEDRIVE_JWT_SECRET:\n", "    if settings.PIPEDRIVE_JWT_SECRET is None:\n", S + "test_tenancy.py"),
    Guard("end of the frame's token", "integration_settings/tenancy.py", "options={\"require\": [\"exp\"],", "options={\"verify_exp\": False,", S + "test_tenancy.py"),
    Guard("end of a page token", "integration_settings/tenancy.py", "salt=PAGE_TOKEN_SALT, max_age=PAGE_TOKEN_SECONDS)", "salt=PAGE_TOKEN_SALT)", S + "test_tenancy.py"),
    Guard("a token ends with the installation", "integration_settings/tenancy.py", "if user is None or not user.is_connected:", "if user is None:", S + "test_tenancy.py"),
    Guard("credentials of an uninstall", "integration_settings/views/pipedrive_install.py", "return secrets.compare_digest(given, expected) and", "return bool(given) and", S + "test_uninstall.py"),
    Guard("a file that is attached already", "invoices/services.py", "(each for each in file_ids if each not in attached)", "file_ids", N + "test_attachments.py"),
    Guard("an e-mail is not forgotten for something else", "invoices/services.py", "    if action.kind != kind:\n        raise Busy", "    if action is None:\n        raise Busy", N + "test_attachments.py " + N + "test_automatic_meanwhile.py"),
    Guard("a file that went out is noted down before", "invoices/attachments.py", "wishes[place] = replace(wish, sent=True)", "wishes[place] = wish", N + "test_attachments.py"),
    Guard("files are not forgotten for something else", "invoices/services.py", "    if action.intent_key != intent_key:\n        raise Busy", "    if action is None:\n        raise Busy", N + "test_attachments.py"),
    Guard("no token for a storage", "integration_settings/pipedrive.py", "http.open_session(\"pipedrive\", most_bytes=most_bytes, logged_as=", "http.open_session(\"pipedrive\", access_token=access_token, most_bytes=most_bytes, logged_as=", N + "test_attachments.py"),
    Guard("a storage in the public network", "integration_settings/api_hosts.py", "or not PUBLIC_NAME.fullmatch(host):", "or not host:", S + "test_pipedrive_client.py"),
    Guard("a time limit", "integration_settings/http.py", "timeout=(CONNECT_SECONDS, self.read_seconds))", "timeout=None)", S + "test_http.py"),
    Guard("quotes in a query", "integration_settings/quickbooks.py", ".replace(\"'\", \"\\\\'\")", "", S + "test_quickbooks_client.py"),
    Guard("rights", "integration_settings/rights.py", "        raise NotAllowed(right)", "        return", S + "test_rights.py " + N + "test_rights_page.py"),
    Guard("a lease of one worker", "invoices/leases.py", "due = rows.filter(free(now), pk=row_id,", "due = rows.filter(pk=row_id,", N + "test_submission_leases.py"),
    Guard("leases go by one clock", "integration_settings/clock.py", "return database_now() if connection.vendor == \"postgresql\" else", "return", N + "test_clocks.py", postgres=True),
    Guard("written under the lease only", "invoices/leases.py", "filter(pk=row.pk, lease_token=row.lease_token, submission__in=UNSETTLED)", "filter(pk=row.pk)", N + "test_submission_leases.py"),
    Guard("looked for before it is sent again", "invoices/submission.py", "    return _search_first(this)\n", "    return _send(this, invoice.customer_id)\n", N + "test_submission.py"),
    Guard("two looks before it is sent again", "invoices/submission.py", "    if invoice.absent_since is None:\n", "    if invoice.absent_since is False:\n", N + "test_submission.py"),
    Guard("the books of the intent", "invoices/leases.py", "connection is None or connection.realm_id != invoice.realm_id", "connection is None", N + "test_submission.py"),
    Guard("a deal that changed", "invoices/services.py", "if seen.value is not None and facts.value != seen.value:", "if seen.value is None and facts is None:", N + "test_result_page.py"),
    Guard("the books of a form", "invoices/form_memory.py", "if books != _books(visitor):", "if not books:", N + "test_other_books_page.py"),
    Guard("the books of a refused form", "invoices/views/result.py", "say(), other_books=other_books)", "say())", N + "test_other_books_page.py"),
    Guard("a deal that is somebody else's now", "invoices/services.py", "if seen.party is not None and facts.party != seen.party:", "if seen.party is None and facts is None:", N + "test_result_page.py"),
    Guard("another invoice of the deal meanwhile", "invoices/services.py", "if so_far.count > count or", "if", N + "test_two_people_page.py"),
    Guard("an invoice in place of a voided one meanwhile", "invoices/services.py", "if so_far.count > count or (latest is not None and so_far.latest > latest):", "if so_far.count > count:", N + "test_two_people_page.py"),
    Guard("settled while the desk runs meanwhile", "invoices/services.py", "    if of_deal.filter(pk__gt=refused.pk).exists() or not stands.exists():\n", "    if of_deal is None:\n", N + "test_repairs.py"),
    Guard("paid meanwhile", "invoices/actions.py", "shown = known if action.paid_then is None else action.paid_then", "shown = known", N + "test_actions.py"),
    Guard("voided meanwhile", "invoices/actions.py", "if this.kind == Action.SEND and action.invoice.voided_on:", "if this.kind is None:", N + "test_actions.py"),
    Guard("nothing of other books meanwhile", "integration_settings/models.py", "super().row().filter(realm_id=self.realm_id)", "super().row()", S + "test_late_answers.py"),
    Guard("no list of other books meanwhile", "integration_settings/kept_lists.py", "        if _is_wanted(company.pk, books):", "        if kind:", S + "test_late_answers.py"),
    Guard("no list of disconnected books", "integration_settings/kept_lists.py", "books.row().exclude(ended_why=DISCONNECTED).exists()", "books.row().exists()", S + "test_late_answers.py"),
    Guard("a disconnection waits for lists", "integration_settings/connections.py", "        hold_company(company.pk)\n        row =", "        row =", N + "test_lists_meanwhile.py", postgres=True),
    Guard("a new token outlives the database", "integration_settings/connections.py", "        if not given:\n            raise\n", "        raise\n", S + "test_database_away.py", postgres=True),
    Guard("an uninstall outlives the database", "integration_settings/services.py", "patiently(partial(_end_installation, pipedrive_company_id, user_id))", "_end_installation(pipedrive_company_id, user_id)", S + "test_database_away.py", postgres=True),
    Guard("settings of other books meanwhile", "integration_settings/views/settings_page.py", "if request.POST.get(\"books\", \"\") not in (\"\", books):", "if books is None:", S + "test_item_policy_page.py"),
    Guard("settings that a colleague saved meanwhile", "integration_settings/forms.py", "if name not in shown or shown[name] == data.get(prefix + name, \"\")}", "if shown is None}", S + "test_settings_page.py"),
    Guard("settings that a colleague saves in this moment", "integration_settings/views/settings_page.py", "        hold_company(visitor.company.pk)\n", "", S + "test_saving_at_once.py", postgres=True),
    Guard("a preset that a colleague saves in this moment", "integration_settings/views/invoice_presets.py", "        hold_company(visitor.company.pk)\n", "", S + "test_saving_at_once.py", postgres=True),
    Guard("rights that a colleague took meanwhile", "integration_settings/rights.py", "for right, name in columns.items() if (who, right) in changed}", "for right, name in columns.items()}", S + "test_rights.py"),
    Guard("who administers at the callback meanwhile", "integration_settings/views/quickbooks_sign_in.py", "if user is None or not administers(user):", "if user is None or not user.is_admin:", S + "test_quickbooks_sign_in.py"),
    Guard("books that another company uses, too", "integration_settings/connections.py", "filter(realm_id=realm_id, state=ConnectionState.CONNECTED).exists):", "filter(realm_id='', state=ConnectionState.CONNECTED).exists):", S + "test_connections.py"),
    Guard("more than the deal", "invoices/domain/checks.py", "tell = _warns if context.more_than_the_deal else _blocks", "tell = _warns", N + "domain/test_checks.py"),
    Guard("one successor of a refused invoice", "invoices/models.py", "return uuid.uuid5(self.public_id, \"in its place\")", "return uuid.uuid4()", N + "test_repairs.py"),
    Guard("unattended only what the checks let pass", "invoices/repairs.py", "if now.blocked:", "if worth is None:", N + "test_attention_page.py"),
    Guard("unattended no total that nobody confirmed", "invoices/repairs.py", "if confirmed is not None and (confirmed", "if confirmed is None and (confirmed", N + "test_attention_page.py"),
    Guard("cancelled only what was never sent", "invoices/leases.py", "submission=Submission.PENDING, sent_at__isnull=True)", "submission=Submission.PENDING)", N + "test_repairs.py"),
    Guard("own rows on the desk", "invoices/attention.py", "return rows if visitor.user.is_admin else", "return rows if visitor.user.pk else", N + "test_attention_rights_page.py"),
    Guard("nobody hurries or cancels a colleague's", "invoices/attention.py", "if asker != visitor.user.user_id and not administers(visitor.user):", "if asker is None:", N + "test_attention_rights_page.py"),
    Guard("the desk of who administers now", "invoices/attention.py", "    visitor.user.is_admin = visitor.user.is_admin and administers(visitor.user)\n", "", N + "test_attention_rights_page.py"),
    Guard("a form's key is of one deal", "invoices/services.py", "if stored.deal_id != row.deal_id:", "if stored.deal_id is None:", N + "test_result_rights_page.py"),
    Guard("attempts at an account", "integration_settings/operator_sign_in.py", "if _count(key) > MOST[what]:", "if _count(key) > MOST[what] and what == 'address':", "tests/test_operator_page.py"),
    Guard("attempts from an address", "integration_settings/operator_sign_in.py", "if _count(key) > MOST[what]:", "if _count(key) > MOST[what] and what == 'account':", "tests/test_operator_page.py"),
    Guard("error reports without texts", "pipedrive_qb/error_reports.py", "\"before_send\": what_may_go_out,", "", "tests/test_error_reports.py"),
    Guard("a default for the old code", "integration_settings/migrations/0008_notices_and_reads.py", "PositiveIntegerField(db_default=0, default=0)", "PositiveIntegerField(default=0)", "tests/test_migrations.py"),
    Guard("nothing is sent of what only a newer version knows", "invoices/submission.py", "if asks_for_more(invoice.draft):", "if asks_for_more is None:", N + "test_submission.py"),
    Guard("two searches before every sending", "invoices/submission.py", "sent_at=sent_at, absent_since=None)", "sent_at=sent_at)", N + "test_second_sending.py"),
    Guard("a note of one worker", "invoices/notes.py", "        _renew(invoice)\n", "", N + "test_notes.py"),
    Guard("clocks that differ", "integration_settings/clock.py", "timedelta(minutes=30)", "timedelta(minutes=15)", N + "test_tasks.py"),
    Guard("the month's reads", "invoices/following.py", "        read_budget.refuse_when_spent(connection)\n", "        pass\n", N + "test_pacing.py"),
    Guard("the month's reads in a sweep", "invoices/sweep.py", "            if connection.pk in waiting:\n", "            if False:\n", N + "test_sweep.py"),
    Guard("a company's share of the reads", "integration_settings/read_budget.py", "return set() if is_alone else greedy", "return set()", N + "test_sweep.py"),
    Guard("a company is in one sweep", "invoices/following.py", "filter(pk__in=taken).update(sync_lease_until=now + LEASE)", "filter(pk__in=taken).update(sync_lease_until=None)", N + "test_sweep.py"),
    Guard("nobody calls after a 429", "integration_settings/quickbooks.py", "        refuse_while_paused(self.connection)\n", "", S + "test_call_slots.py"),
    Guard("slots for calls", "integration_settings/call_slots.py", "if slots.add(key, True, LONGEST_CALL):", "if key:", S + "test_call_slots.py"),
    Guard("slots for calls keep few waiting", "integration_settings/call_slots.py", "len(line) >= MOST_IN_LINE:", "len(line) < 0:", S + "test_call_slots.py"),
    Guard("one company's share of the worker", "integration_settings/shares.py", "for number in range(most))", "for number in range(99))", S + "test_shares.py"),
    Guard("who keeps silent is left alone", "integration_settings/shares.py", "        cache.set(alone, (shared_now() + timedelta(seconds=rest)).isoformat(), rest)\n", "        pass\n", S + "test_shares.py"),
    Guard("a new token is listened for", "integration_settings/connections.py", "with listening(service, connection.company_id), transaction", "with transaction", S + "test_shares.py"),
    Guard("one attempt at a new token for all who wait", "integration_settings/connections.py", "if cache.get(in_vain) != last_in_vain:", "if False:", S + "test_shares.py"),
    Guard("what pages leave to the worker has its share", "integration_settings/tasks.py", "            if free:\n                with", "            if True:\n                with", S + "test_shares.py"),
    Guard("one company's share of the threads for notices", "invoices/webhooks.py", "        with notice_of(*realms):", "        if True:", N + "test_webhooks.py"),
    Guard("nobody's notice waits with another's", "invoices/webhooks.py", "select_for_update(skip_locked=True)", "select_for_update()", N + "test_notices_meanwhile.py", postgres=True),
    Guard("nobody's news wait with another's", "invoices/following.py", "select_for_update(skip_locked=not waits_for_held)", "select_for_update()", N + "test_held_meanwhile.py", postgres=True),
    Guard("nobody's news wait for one of whom there are none", "invoices/following.py", "select_for_update(skip_locked=True).exists()", "select_for_update().exists()", N + "test_held_meanwhile.py", postgres=True),
    Guard("no thread keeps a connection that others need", "pipedrive_qb/kept_connections.py", "        if self.is_over():\n", "        if False:\n", "tests/test_kept_connections.py", postgres=True),
    Guard("nobody's reads wait with another's", "integration_settings/read_budget.py", "select_for_update(skip_locked=True)", "select_for_update()", N + "test_held_meanwhile.py", postgres=True),
    Guard("nobody stands in line for tokens that nobody gets", "integration_settings/refresh_turns.py", "if cache.get(SILENT):", "if False:", N + "test_sweep.py"),
    Guard("one company's share of the threads", "integration_settings/shares.py", "len(alike) >= MOST_HELD", "len(alike) >= 999", S + "test_shares.py"),
    Guard("the share of the threads that all silent companies have", "integration_settings/shares.py", "len(together) >= HELD_BY_ALL", "len(together) >= 999", S + "test_shares.py"),
    Guard("no row without a place", "invoices/tasks.py", "        yield free\n", "        yield True\n", N + "test_tasks.py"),
    Guard("the key of a refused invoice stays in its deal", "invoices/services.py", "        _refuse_key_of_another_deal(intent_key, company, draft.deal_id)\n", "", N + "test_result_rights_page.py"),
    Guard("no prefix of a visitor's own", "pipedrive_qb/whole_requests.py", "if environ.get(\"SCRIPT_NAME\") or not", "if not", "tests/test_whole_requests.py"),
    Guard("charsets that are read", "pipedrive_qb/whole_requests.py", "\"utf-8\")).name in READ", "\"utf-8\")).name != \"\"", "tests/test_whole_requests.py"),
    Guard("the list of customers", "invoices/views/form.py", "        demand(visitor.user, Right.CREATE)\n        found", "        found", N + "test_rights_page.py"),
    Guard("rights to unlink", "invoices/services.py", "    rights.demand(visitor.user, Right.CREATE)\n    if connection", "    if connection", N + "test_rights_page.py"),
    Guard("a burst is one look", "invoices/pacing.py", "Least(latest, Value(now + SILENCE), output_field", "Least(latest, Value(now), output_field", "tests/bench/test_counts.py"),
    Guard("one catch-up at a time", "invoices/following.py", "if mine.update(sync_lease_until=now + LEASE) != 1:", "if mine.update(sync_lease_until=now + LEASE) == 7:", N + "test_following.py"),
    Guard("marks of the company only", "invoices/invoice_bodies.py", "if seal == _seal(owner, int(deal_id), mark):", "if seal:", N + "test_lost_rows.py"),
    Guard("a copy is nobody's second invoice", "invoices/news.py", "if not all(_is_gone(row,", "if all(_is_gone(row,", N + "test_lost_rows.py"),
    Guard("looked for before a late sending", "invoices/submission.py", "if shared_now() - invoice.created_at > PERHAPS_DONE:", "if shared_now() < invoice.created_at:", N + "test_submission.py"),
    Guard("rows of the company only", "invoices/news.py", "filter(company_id=connection.company_id, realm_id=connection.realm_id)", "filter(realm_id=connection.realm_id)", N + "test_following.py"),
    Guard("deals of the company only that a party follows", "invoices/moved_deals.py", "filter(company=company, deal_id=facts.deal_id, submission", "filter(deal_id=facts.deal_id, submission", N + "test_merged_deals.py"),
    Guard("invoices of the company only that go where a deal went", "invoices/moved_deals.py", "filter(company=company, deal_id=gone)", "filter(deal_id=gone)", N + "test_merged_deals.py"),
    Guard("where the company's own deal went", "invoices/moved_deals.py", "filter(company=invoice.company_id, draft__deal_id", "filter(draft__deal_id", N + "test_merged_deals.py"),
    Guard("a rule uses no number twice", "invoices/services.py", "        raise NumberUnderWay", "        return", N + "test_automatic_meanwhile.py"),
    Guard("an estimate is invoiced once, in the same second", "invoices/services.py", "if draft.estimate:\n        _refuse_estimate_used(row)", "if False:\n        pass", N + "test_estimates_page.py"),
    Guard("an estimate is invoiced once, of two at once", "invoices/services.py", "            _hold(company)\n            # None also", "            # None also", N + "test_estimates_meanwhile.py", postgres=True),
    Guard("an estimate is invoiced once, by the checks", "invoices/domain/checks.py", "elif context.estimate_used:", "elif False:", N + "domain/test_estimate.py"),
    Guard("an estimate goes to its customer", "invoices/domain/checks.py", "if estimate.customer_id != draft.bill_to.customer_id:", "if False:", N + "domain/test_estimate.py"),
    Guard("an estimate is read again before it is sent", "invoices/submission.py", "if estimate is None or not estimate.is_open:", "if estimate is None:", N + "test_estimates.py"),
    Guard("an estimate is what was chosen", "invoices/submission.py", "return None if estimate.still_says(chosen, customer_id) else", "return None if chosen else", N + "test_estimates.py"),
    Guard("an estimate that our lost invoice has closed", "invoices/submission.py", "if estimate and (found := _ours_of(estimate, this)):", "if found := None:", N + "test_estimates.py"),
    Guard("a refused second sending of an estimate", "invoices/submission.py", "or _found_by_estimate(this, content[\"field\"])", "or None", N + "test_estimates.py"),
    Guard("only invoices that count have an estimate", "invoices/so_far.py", "all_living(company_id).filter(realm_id=realm_id, estimate_id=estimate_id)", "Invoice.objects.filter(company=company_id, estimate_id=estimate_id)", N + "test_estimates_page.py"),
    Guard("estimates are for who may create", "invoices/estimates.py", "    rights.demand(visitor.user, Right.CREATE)\n", "", N + "test_estimates_page.py"),
    Guard("an old version makes no other invoice", "invoices/form_memory.py", "    if memory.estimate is None:\n", "    if True:\n", N + "test_estimates_page.py"),
    Guard("an instalment is billed once", "invoices/domain/checks.py", "if line.instalment_id in context.instalments_before:", "if line.instalment_id in ():", N + "test_plan_page.py"),
    Guard("instalments of the company's own invoices", "invoices/selectors.py", "all_living(company.pk).filter(deal_id=deal_id).order_by(\"-pk\")", "Invoice.objects.filter(deal_id=deal_id).order_by(\"-pk\")", N + "test_plan_page.py"),
    Guard("a deal with a plan is not invoiced by itself", "invoices/automatic.py", "    if load_instalments(visitor.user, prepared.deal.id):", "    if False:", N + "test_plan_page.py"),
    Guard("a rule invoices a deal once", "invoices/models.py", "return uuid.uuid5(BY_RULE, f\"{self.company.pipedrive_company_id} {self.deal_id}\")", "return uuid.uuid4()", N + "test_automatic.py"),
    Guard("a rule leaves earlier deals alone", "integration_settings/deal_rules.py", "came is not None and came >= self.since", "came is not None", N + "test_automatic.py"),
    Guard("a rule asks nothing that a person would be asked", "invoices/automatic.py", "if why := _why_not(row, visitor, prepared, in_the_way, sends=sends):", "if why := None:", N + "test_automatic.py"),
    Guard("a rule makes no customer unseen", "invoices/automatic.py", "if not prepared.customer.complete:", "if prepared is None:", N + "test_automatic.py"),
    Guard("a rule leaves the deal to whoever presses", "invoices/automatic.py", "            invoices=0,\n", "", N + "test_automatic.py"),
    Guard("a rule leaves what was taken back", "invoices/automatic.py", "if taken_back(row.company, [row.deal_id]):", "if row is None:", N + "test_automatic_meanwhile.py"),
    Guard("a rule passes over nobody's form", "invoices/automatic.py", "if somebody_has_begun(row.company, row.deal_id):", "if row is None:", N + "test_automatic_meanwhile.py"),
    Guard("a rule tells nothing of another deal", "invoices/automatic.py", "plain(for_all_readers(in_the_way[:MOST_TOLD]))", "plain(in_the_way[:MOST_TOLD])", N + "test_automatic_meanwhile.py"),
    Guard("a rule does no more than was wanted", "integration_settings/deal_rules.py", "return self.then if is_new else min(", "return self.then if deal else min(", N + "test_automatic_changed_rules.py"),
    Guard("a rule e-mails what is to be e-mailed", "invoices/automatic.py", "if row.outcome == Outcome.SEND else _done(row)", "if row.outcome else _done(row)", N + "test_automatic_deaths.py"),
    Guard("a rule that was changed meanwhile asks for nothing", "invoices/services.py", "            if unattended and not _was_sent_before(row) and not unattended(facts):", "            if False:", N + "test_automatic_meanwhile.py"),
    Guard("a rule takes no deal as it was a moment ago", "invoices/deal_gateway.py", "    if not in_any_case:\n", "    if False:\n", N + "test_automatic_meanwhile.py"),
    Guard("two customers that are alike are not made at once", "invoices/automatic.py", "or one_like_it_is_made(visitor.connection, draft, now.party)", "", N + "test_automatic_meanwhile.py"),
    Guard("another party's customer is not billed by a rule", "invoices/automatic.py", " and not is_anothers(visitor.connection, prepared.customer)", "", N + "test_automatic_meanwhile.py"),
    Guard("the invoice of a deal that was reopened is not e-mailed", "invoices/automatic.py", "return wanted and (status == WON or (status == \"open\" and row.when != WON))", "return wanted", N + "test_automatic_meanwhile.py"),
    Guard("a rule whose preset is gone asks for nothing", "invoices/automatic.py", "    if visitor.user.preset_choice not in (\"\", NONE, prepared.template.id):", "    if False:", N + "test_automatic_changed_rules.py"),
    Guard("an e-mail is wanted by the deal's own pipeline", "invoices/automatic.py", " if row.pipeline_id in (None, pipeline)]", "]", N + "test_automatic_changed_rules.py"),
    Guard("a rule e-mails no more than it wanted with the intent", "invoices/automatic.py", "    _write(row, outcome=then, when=rule.when, pipeline_id=state.pipeline_id)", "    pass", N + "test_automatic_changed_rules.py"),
    Guard("no deal slips through between two pages", "integration_settings/pipedrive.py", "if last > since:", "if not since:", N + "test_automatic_reading.py"),
    Guard("an uninstall and a rule in no circle", "invoices/automatic.py", "        if hold_company(row.company_id):  # else", "        if row:  # else", N + "test_uninstall_meanwhile.py", postgres=True),
    Guard("an import is not invoiced by itself", "invoices/automatic.py", "for row in new) > MOST_AT_ONCE", "for row in new) > 10**9", N + "test_automatic.py"),
    Guard("ready deals are the company's own", "invoices/ready_deals.py", "ReadyDeal.objects.filter(company=company, put_away_at__isnull=True)", "ReadyDeal.objects.filter(put_away_at__isnull=True)", N + "test_ready_deals_page.py"),
    Guard("ready deals are for administrators", "invoices/views/attention.py", "    if not administers(visitor.user):\n        raise Http404\n    try:\n        return _answer(request, visitor, do())", "    try:\n        return _answer(request, visitor, do())", N + "test_ready_deals_page.py"),
    Guard("sums of deals that the reader may see", "invoices/panel_figures.py", "return rows.filter(deal_id__in=deal_ids).exclude(", "return rows.exclude(", N + "test_large_panels.py"),
    Guard("what was paid before moves no deal", "invoices/deal_fields.py", " and self._is_news(rows)", "", N + "test_deal_fields_chosen.py"),
    Guard("a choice takes invoices in the order of news", "integration_settings/services.py", "    list(company.invoices.filter(pk__in=wanted).order_by(\"pk\").select_for_update(no_key=True).values_list(\"pk\"))\n", "", N + "test_deal_fields_chosen.py", postgres=True),
    Guard("few deals get a field at once", "integration_settings/services.py", "wanted, now = list(latest[:DEALS_TOLD])", "wanted, now = list(latest)", N + "test_deal_fields_chosen.py"),
    Guard("the deal tells of the company's own invoices", "invoices/deal_fields.py", "filter(company=self.company, deal_id=self.deal_id)", "filter(deal_id=self.deal_id)", N + "test_deal_fields.py"),
    Guard("notes of the company only are asked for", "invoices/moved_deals.py", "filter(company=company_id, note_id__isnull=False", "filter(note_id__isnull=False", N + "test_merged_deals.py"),
    Guard("a new name for the company's own customer", "invoices/customers.py", "filter(company=company, realm_id=realm_id, customer_id=customer_id)", "filter(realm_id=realm_id, customer_id=customer_id)", N + "test_customer_links.py"),
    Guard("a new name for the customer of these books", "invoices/customers.py", "filter(company=company, realm_id=realm_id, customer_id=customer_id)", "filter(company=company, customer_id=customer_id)", N + "test_customer_links.py"),
    Guard("moved on to a later invoice of the company's own", "invoices/attention.py", "filter(company=company, deal_id=OuterRef", "filter(deal_id=OuterRef", N + "test_attention_rights_page.py"),
    Guard("settled by the company's own invoice only", "invoices/services.py", "filter(company=row.company, deal_id=refused.deal_id)", "filter(deal_id=refused.deal_id)", N + "test_repairs.py"),
    Guard("actions and updates of the company only on the desk", "invoices/attention.py", "filter(wanted, company=visitor.company)", "filter(wanted)", N + "test_attention_rights_page.py"),
    Guard("notes of the company only on the desk", "invoices/attention.py", "filter(company=visitor.company).exclude(note_problem", "filter().exclude(note_problem", N + "test_attention_rights_page.py"),
    Guard("what waits of the company only", "invoices/attention.py", "filter(IS_WAITING, company=visitor.company)", "filter(IS_WAITING)", N + "test_attention_rights_page.py"),
    Guard("what was done today of the company only", "invoices/attention.py", "filter(company=company, submission=Submission.SUCCEEDED, settled", "filter(submission=Submission.SUCCEEDED, settled", N + "test_attention_rights_page.py"),
    Guard("a worker outlives Redis", "pipedrive_qb/broker.py", "    QoS = QoS\n", "    pass\n", "tests/test_broker.py"),
    Guard("a worker outlives its connections", "pipedrive_qb/broker.py", "if asynchronous else found", "if not found else found", "tests/test_broker.py"),
    Guard("an answer stays with its question", "integration_settings/sockets.py", "while http.HTTPStatus.CONTINUE < found[1] < http.HTTPStatus.OK:", "while not found:", S + "test_http.py"),
    Guard("a form that was sent is not kept", "invoices/unsent_forms.py", "if was_sent(visitor, uuid.UUID(fields[\"intent_key\"])) else", "if not fields else", N + "test_unsent_forms.py"),
    Guard("a sibling's new token is taken", "integration_settings/connections.py", "if row.access_is_fresh(timezone.now(), MARGIN) and", "if False and", S + "test_connections.py"),
    Guard("a press that another company made before", "invoices/services.py", "asked_before = Invoice.objects.filter(company=company, intent_key=intent_key)", "asked_before = Invoice.objects.filter(intent_key=intent_key)", N + "test_result_rights_page.py"),
    Guard("a form that another company has sent", "invoices/services.py", "filter(company=row.company, intent_key=row.intent_key)", "filter(intent_key=row.intent_key)", N + "test_result_rights_page.py"),
    Guard("the company's own action under way", "invoices/actions.py", "InvoiceAction.objects.filter(company=invoice.company, intent_key=intent_key)", "InvoiceAction.objects.filter(intent_key=intent_key)", N + "test_actions.py"),
    Guard("entries of one's own only", "invoices/unsent_forms.py", "visitor.user.unsent_forms.filter(deal_id=deal_id).delete()", "UnsentForm.objects.filter(deal_id=deal_id).delete()", N + "test_unsent_forms.py"),
    Guard("entries of nobody who has left", "invoices/unsent_forms.py", "if hold_company(visitor.company.pk) and PipedriveUser.objects.filter(pk=visitor.user.pk).exists():", "if hold_company(visitor.company.pk):", N + "test_unsent_forms.py"),
    Guard("the currency of these books' customer", "invoices/drafting.py", "customer_links.filter(realm_id=connection.realm_id, customer_id=", "customer_links.filter(customer_id=", N + "test_customer_links.py"),
    Guard("a rate of these books", "invoices/exchange_rates.py", "{connection.company_id}:{connection.realm_id}:", "{connection.company_id}:", N + "test_exchange_rates.py"),
    Guard("the company's own item of a product", "integration_settings/item_links.py", "                company_id=company_id, realm_id=realm_id, product_id=product_id, defaults=columns\n", "                realm_id=realm_id, product_id=product_id, defaults=columns, create_defaults=columns | {\"company_id\": company_id}\n", N + "test_items.py"),
    Guard("entries into the company's own list", "integration_settings/kept_lists.py", "filter(company_id=company_id, kind=kind).first()", "filter(kind=kind).first()", S + "test_kept_lists.py"),
    Guard("lists of the company's own books", "integration_settings/reference.py", "select_related(\"company\").filter(company=company)", "select_related(\"company\").filter()", S + "test_companies_apart.py"),
    Guard("the company's own connection", "integration_settings/selectors.py", "QuickBooksConnection.objects.filter(company=company)", "QuickBooksConnection.objects.filter()", S + "test_companies_apart.py"),
    Guard("the company's own settings", "integration_settings/selectors.py", "CompanySettings.objects.filter(company=company)", "CompanySettings.objects.filter()", S + "test_companies_apart.py"),
    Guard("the company's own grant is ended", "integration_settings/services.py", "QuickBooksConnection.objects.select_for_update().filter(company=company)", "QuickBooksConnection.objects.select_for_update()", S + "test_companies_apart.py"),
    Guard("rights of the company's own people only", "integration_settings/services.py", "company.users.filter(pk=row_id)", "PipedriveUser.objects.filter(pk=row_id)", S + "test_companies_apart.py"),
    Guard("a deal that this user has seen", "invoices/deal_gateway.py", "{what}:{user.company_id}:{user.user_id}:{deal_id}", "{what}:{user.company_id}:{deal_id}", N + "test_deal_gateway.py"),
    Guard("a deal that this user has seen in this company", "invoices/deal_gateway.py", "{what}:{user.company_id}:{user.user_id}:{deal_id}", "{what}:{user.user_id}:{deal_id}", N + "test_deal_gateway.py"),
    Guard("deals that changed last of this company", "invoices/deal_gateway.py", "deals-changed-last:{user.company_id}:", "deals-changed-last:", N + "test_deal_gateway.py"),
    Guard("products of this company", "invoices/deal_gateway.py", "product:{user.company_id}:", "product:", N + "test_deal_gateway.py"),
    Guard("what was offered in this company", "invoices/form_memory.py", "[visitor.company.pipedrive_company_id, visitor.user.user_id]", "[visitor.user.user_id]", N + "test_form_refusals_page.py"),
    Guard("rights to write notes again", "invoices/repairs.py", "    rights.demand(visitor.user, Right.CREATE)\n    rows = Invoice", "    rows = Invoice", N + "test_attention_rights_page.py"),
    Guard("the history for who administers now", "invoices/views/history.py", "if not administers(visitor.user):", "if not visitor.user.is_admin:", N + "test_attention_rights_page.py"),
    Guard("what happened for who administers now", "invoices/views/attention.py", "public_id)\n    if not administers(visitor.user):", "public_id)\n    if not visitor.user.is_admin:", N + "test_attention_rights_page.py"),
    Guard("presets of who administers now", "integration_settings/views/invoice_presets.py", "    if not administers(visitor.user):\n        return _refused(request, visitor)\n    delete_preset", "    if not visitor.user.is_admin:\n        return _refused(request, visitor)\n    delete_preset", S + "test_presets_page.py"),
    Guard("items of who administers now", "integration_settings/views/product_items.py", "if not administers(visitor.user) or visitor.connection is None:", "if not visitor.user.is_admin or visitor.connection is None:", S + "test_product_items.py"),
    Guard("nobody administers without a grant", "integration_settings/rights.py", "    except ConnectionExpired:\n        return False\n", "    except ConnectionExpired:\n        pass\n", S + "test_rights.py"),
    Guard("a ticket of two at once", "integration_settings/tickets.py", "    except IntegrityError as error:\n        raise TicketRefused from error\n", "    except IntegrityError:\n        pass\n", S + "test_quickbooks_sign_in.py"),
    Guard("a note that another worker writes", "invoices/notes.py", "filter(pk=invoice.pk, note_lease_until=invoice.note_lease_until)", "filter(pk=invoice.pk)", N + "test_notes.py"),
    Guard("a hold on a note that is the next worker's", "invoices/notes.py", "rows.filter(note_lease_until=invoice.note_lease_until).update", "rows.update", N + "test_notes.py"),
    Guard("a claim that is the next worker's", "invoices/claims.py", "filter(**subject, token=invoice.lease_token)", "filter(**subject)", N + "test_leases.py"),
    Guard("scripts of our own only", "pipedrive_qb/middleware.py", "script-src 'self'; ", "script-src *; ", "tests/test_every_address.py"),
    Guard("nothing else is loaded", "pipedrive_qb/middleware.py", "default-src 'none'; ", "", "tests/test_every_address.py"),
    Guard("no form to a stranger", "pipedrive_qb/middleware.py", "form-action 'self'; base-uri 'none'; ", "", "tests/test_every_address.py"),
    Guard("a switch of books is asked about", "integration_settings/views/quickbooks_sign_in.py", "return not errand.switch_to and installs_for(", "return installs_for(", S + "test_quickbooks_sign_in.py"),
    Guard("end of a note about a sign-in", "integration_settings/outcomes.py", "salt=SALT, max_age=KEPT_SECONDS)", "salt=SALT)", S + "test_install.py"),
    Guard("no list of a company that has left", "integration_settings/kept_lists.py", "if not hold_company(company_id):", "if False:", S + "test_kept_lists.py"),
    Guard("an uninstall waits for an action whose invoice is gone", "invoices/actions.py", "        hold_company(this.action.company_id)\n        if this", "        if this", N + "test_uninstall_meanwhile.py", postgres=True),
    Guard("nothing found for a company that has left", "invoices/news.py", "if not hold_company(connection.company_id):", "if False:", N + "test_lost_rows.py"),
]  # fmt: skip


def missed(guard: Guard, copy: Path, environment: dict[str, str], database: str) -> str:
    """Why the guard does not count, "" when its absence was noticed."""
    if guard.postgres:
        environment = environment | {"DATABASE_URL": database}
    file = copy / guard.file
    whole = file.read_text()
    if whole.count(guard.line) != 1:
        return f"its line stands {whole.count(guard.line)} times in {guard.file}"
    file.write_text(whole.replace(guard.line, guard.without))
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *guard.tests.split()]
        command += [] if guard.postgres else ["-m", "not postgres"]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        return "" if done.returncode == 1 else f"nobody noticed (pytest ended with {done.returncode})"
    finally:
        file.write_text(whole)


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/guards", description=__doc__)
    parser.add_argument("--only", default="", help="guards whose name contains this")
    chosen = parser.parse_args()
    guards = [guard for guard in GUARDS if chosen.only in guard.name]
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONDONTWRITEBYTECODE": "1"}
    failed = 0
    with tempfile.TemporaryDirectory(prefix="pipedrive-qb-guards-") as folder, postgres() as (database, none):
        if none:
            sys.exit(none)
        copy = Path(folder) / "main"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for guard in guards:
            start = time.monotonic()
            problem = missed(guard, copy, environment, database)
            failed += bool(problem)
            said = "MISSED " if problem else "noticed"
            print(f"{said} {guard.name} ({time.monotonic() - start:.0f} s) {problem}", flush=True)
    print(f"{len(guards) - failed} of {len(guards)} guards are watched")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
