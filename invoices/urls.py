"""Addresses of the panel, the invoice form and QuickBooks' notifications."""

from django.urls import path

from invoices import webhooks
from invoices.views import account, actions, attention, estimates, fields_in_deal, form, history, panel, plan, result

urlpatterns = [
    # First, because it is asked most often.
    path("webhooks/quickbooks", webhooks.quickbooks, name="webhooks_quickbooks"),
    path("embed/panel", panel.panel, name="embed_panel"),
    path("embed/panel/content", panel.content, name="embed_panel_content"),
    path("embed/panel/refresh", panel.refresh, name="embed_panel_refresh"),
    path("embed/panel/plan", plan.plan, name="embed_panel_plan"),
    path("embed/panel/account", account.account, name="embed_panel_account"),
    path("embed/panel/unlink", panel.unlink, name="embed_panel_unlink"),
    path("embed/panel/disconnect", panel.disconnect, name="embed_panel_disconnect"),
    path("embed/invoice", form.invoice, name="embed_invoice"),
    path("embed/invoice/form", form.form, name="embed_invoice_form"),
    path("embed/invoice/preview", form.preview, name="embed_invoice_preview"),
    path("embed/invoice/customers", form.customers, name="embed_invoice_customers"),
    path("embed/invoice/customer", form.customer, name="embed_invoice_customer"),
    path("embed/invoice/customer-update", form.customer_update, name="embed_invoice_customer_update"),
    path("embed/invoice/estimates", estimates.estimates, name="embed_invoice_estimates"),
    path("embed/invoice/estimate", estimates.estimate, name="embed_invoice_estimate"),
    path("embed/invoice/preset", form.preset, name="embed_invoice_preset"),
    path("embed/invoice/name", form.name, name="embed_invoice_name"),
    path("embed/invoice/items", form.items, name="embed_invoice_items"),
    path("embed/invoice/leave", form.leave, name="embed_invoice_leave"),
    path("embed/invoice/look-ahead", form.look_ahead, name="embed_invoice_look_ahead"),
    path("embed/invoice/create", result.create, name="embed_invoice_create"),
    path("embed/invoice/<uuid:public_id>/result", result.result, name="embed_invoice_result"),
    path("embed/invoice/<uuid:public_id>/check", result.check, name="embed_invoice_check"),
    path("embed/invoice/<uuid:public_id>/retry", result.retry, name="embed_invoice_retry"),
    path("embed/invoice/<uuid:public_id>/send", actions.send, name="embed_invoice_send"),
    path("embed/invoice/<uuid:public_id>/payment-link", actions.payment_link, name="embed_invoice_payment_link"),
    path("embed/invoice/<uuid:public_id>/pdf", actions.pdf, name="embed_invoice_pdf"),
    path("embed/invoice/<uuid:public_id>/void", actions.void, name="embed_invoice_void"),
    path("embed/invoice/<uuid:public_id>/delete", actions.delete, name="embed_invoice_delete"),
    path("embed/invoice/<uuid:public_id>/history", history.history, name="embed_invoice_history"),
    path("embed/invoice/<uuid:public_id>/put-away", actions.put_away, name="embed_invoice_put_away"),
    path("embed/settings/deals", fields_in_deal.deals, name="embed_settings_deals"),
    path("embed/settings/in-deal", fields_in_deal.fields_in_deal, name="embed_settings_in_deal"),
    path("embed/settings/attention", attention.content, name="embed_settings_attention"),
    path("embed/settings/ready/again", attention.ready_again, name="embed_ready_all_again"),
    path("embed/settings/ready/<int:deal_id>/again", attention.ready_again, name="embed_ready_again"),
    path("embed/settings/ready/<int:deal_id>/away", attention.ready_away, name="embed_ready_away"),
    path("embed/settings/attention/<slug:key>/item", attention.item, name="embed_attention_item"),
    path("embed/settings/attention/<slug:key>/run", attention.run, name="embed_attention_run"),
    path("embed/settings/attention/<slug:key>/put-away", attention.put_away, name="embed_attention_put_away"),
    path("embed/settings/attention/<uuid:public_id>/now", attention.now, name="embed_attention_now"),
    path("embed/settings/attention/<uuid:public_id>/cancel", attention.cancel, name="embed_attention_cancel"),
    path("embed/settings/attention/<uuid:public_id>/happened", attention.happened, name="embed_attention_happened"),
]
