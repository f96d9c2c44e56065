"""Addresses of this app. Those outside /embed/settings are fixed: they stand in both vendors' portals."""

from django.urls import path

from integration_settings.tenancy import renew_page_token
from integration_settings.views import (
    invoice_presets,
    pages,
    pipedrive_install,
    product_items,
    quickbooks_sign_in,
    settings_page,
)

urlpatterns = [
    path("", pages.home, name="home"),
    path("privacy", pages.privacy, name="privacy"),
    path("terms", pages.terms, name="terms"),
    path("support", pages.support, name="support"),
    path("sign-in/<slug:slug>", pages.sign_in_outcome, name="sign_in_outcome"),
    path("pipedrive/install", pipedrive_install.install, name="pipedrive_install"),
    path("pipedrive/callback", pipedrive_install.callback, name="pipedrive_callback"),
    path("quickbooks/connect", quickbooks_sign_in.connect, name="quickbooks_connect"),
    path("quickbooks/callback", quickbooks_sign_in.callback, name="quickbooks_callback"),
    path("quickbooks/launch", quickbooks_sign_in.launch, name="quickbooks_launch"),
    path("quickbooks/reconnect", quickbooks_sign_in.reconnect, name="quickbooks_reconnect"),
    path("quickbooks/disconnected", quickbooks_sign_in.disconnected, name="quickbooks_disconnected"),
    path("embed/token", renew_page_token, name="embed_token"),
    path("embed/settings", settings_page.shell, name="embed_settings"),
    path("embed/settings/content", settings_page.content, name="embed_settings_content"),
    path("embed/settings/save", settings_page.save, name="embed_settings_save"),
    path("embed/settings/check", settings_page.check, name="embed_settings_check"),
    path("embed/settings/products", product_items.products, name="embed_settings_products"),
    path("embed/settings/products/<int:product_id>", product_items.change, name="embed_settings_product_change"),
    path("embed/settings/products/<int:product_id>/forget", product_items.forget, name="embed_settings_product_forget"),
    path("embed/settings/presets", invoice_presets.presets, name="embed_settings_presets"),
    path("embed/settings/presets/new", invoice_presets.new, name="embed_settings_preset_new"),
    path("embed/settings/presets/<int:preset_id>", invoice_presets.change, name="embed_settings_preset_change"),
    path("embed/settings/presets/<int:preset_id>/delete", invoice_presets.delete, name="embed_settings_preset_delete"),
    path("embed/settings/disconnect", settings_page.disconnect, name="embed_settings_disconnect"),
]
