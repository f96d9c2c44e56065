"""The operator's page: companies and their connections, to look at. Served below /admin/ with OPERATOR_PAGE on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from integration_settings.models import Company, Connection, DealRules, PipedriveUser, QuickBooksConnection, Removal
from integration_settings.operator_sign_in import SignInForm

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

admin.site.site_title = "For the operator"
admin.site.site_header = "For the operator – times are UTC"  # Django shows the server’s own and does not say so
admin.site.index_title = "Companies and invoices"
admin.site.enable_nav_sidebar = False
admin.site.login_form = SignInForm
# Said here, since in the models these words would be a migration.
Company._meta.verbose_name_plural = "companies"
DealRules._meta.verbose_name_plural = "rules for deals"
QuickBooksConnection._meta.verbose_name = "QuickBooks connection"
QuickBooksConnection._meta.verbose_name_plural = "QuickBooks connections"
# Operators are made and unmade by `manage.py createsuperuser` and `manage.py shell`, not over the network.
admin.site.unregister([User, Group])


# Numbers and ids as a whole (“=”): the few figures of a deal's number are in every third random id.
OF_COMPANY = ("company__name", "company__domain", "=company__pipedrive_company_id")


class ReadOnly(ModelAdmin):
    """Nothing is added, changed or removed here: only the app's own steps know what hangs on a row.

    `fields` names what is shown, column by column, so that a new column is not shown by itself.
    """

    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="company", ordering="company__name")
    def company_name(self, row: Any) -> str:
        return str(row.company.name)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Company)
class CompanyPage(ReadOnly):
    fields = ("pipedrive_company_id", "name", "domain", "created_at", "books")
    list_display = fields
    list_select_related = ("quickbooks",)
    search_fields = ("name", "domain", "pipedrive_company_id")
    ordering = ("name",)

    @admin.display(description="QuickBooks")
    def books(self, company: Company) -> str:
        connection = getattr(company, "quickbooks", None)
        return connection.state if connection else "never connected"


class ConnectionPage(ReadOnly):
    list_select_related = ("company",)
    list_filter: ClassVar[tuple[str, ...]] = ("state", "ended_why")
    ordering = ("-connected_at",)

    @admin.display(description="since")
    def since(self, connection: Connection) -> datetime | None:
        return connection.connected_at if connection.is_connected else connection.ended_at


@admin.register(PipedriveUser)
class PipedriveUserPage(ConnectionPage):
    list_display = ("user_id", "company_name", "is_admin", "state", "since", "ended_why", "refresh_expires_at")
    fields = ("company", *list_display, "refreshed_at", "paused_until")
    search_fields = (*OF_COMPANY, "user_id")


@admin.register(QuickBooksConnection)
class QuickBooksConnectionPage(ConnectionPage):
    list_display = (
        "realm_id",
        "company_name",
        "state",
        "since",
        "ended_why",
        "last_synced_at",
        "last_sync_problem",
        "reads",
    )
    list_filter = (*ConnectionPage.list_filter, "reads_month")  # who has spent the reads of a month
    fields = (
        "company",
        *list_display,
        "name",
        "country",
        "reads_month",
        "next_sync_at",
        "paused_until",
        "changes_cursor",
        "last_notice_at",
        "notice_missed_at",
        "refreshed_at",
        "refresh_expires_at",
        "hard_expires_at",
    )
    search_fields = (*OF_COMPANY, "realm_id")


@admin.register(DealRules)
class DealRulesPage(ReadOnly):
    """When deals are invoiced by themselves, and how far Pipedrive was read for it."""

    list_display = ("company_name", "user", "next_look_at", "read_until", "problem")
    list_filter = ("problem",)
    list_select_related = ("company", "user")
    fields = ("company", *list_display, "rules")
    search_fields = OF_COMPANY
    ordering = ("company__name",)


@admin.register(Removal)
class RemovalPage(ReadOnly):
    list_display = ("pipedrive_company_id", "removed_at", "why", "revoked")
    fields = list_display
    list_filter = ("why", "revoked")
    search_fields = ("pipedrive_company_id",)
    ordering = ("-removed_at",)
