"""Company and preferences, with the members that real answers have."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..quickbooks import books as b
from ..quickbooks.wire import Row, stamp


@dataclass
class Settings:
    """What differs from company to company."""

    name: str
    country: str
    home: str
    address: Row
    email: str
    default_terms: str = ""
    discount_account: str = ""
    custom_numbers: bool = False
    multicurrency: bool = False
    automated_tax: bool | None = None
    departments: bool = False
    classes: bool = False
    fields: tuple[str, ...] = ()
    message: str = "Thank you for your business."
    more: Row = field(default_factory=dict)


def meta(books: b.Books) -> Row:
    moment = stamp(books.now())
    return {"CreateTime": moment, "LastUpdatedTime": moment}


def company(books: b.Books, chosen: Settings) -> Row:
    address = {"Id": books.new_id("Address"), **chosen.address}
    return {
        "CompanyName": chosen.name,
        "LegalName": chosen.name,
        "CompanyAddr": address,
        "CustomerCommunicationAddr": address,
        "LegalAddr": address,
        "CustomerCommunicationEmailAddr": {"Address": chosen.email},
        "PrimaryPhone": {},
        "CompanyStartDate": books.today().isoformat(),
        "FiscalYearStartMonth": "April" if chosen.country == "GB" else "July" if chosen.country == "AU" else "January",
        "Country": chosen.country,
        "Email": {"Address": chosen.email},
        "WebAddr": {},
        "SupportedLanguages": "en",
        "NameValue": [
            {"Name": "NeoEnabled", "Value": "true"},
            {"Name": "IndustryType", "Value": "Wholesale"},
            {"Name": "CompanyType", "Value": "Other"},
            {"Name": "SubscriptionStatus", "Value": "SUBSCRIBED"},
            {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
            {"Name": "PayrollFeature", "Value": "false"},
            {"Name": "AccountantFeature", "Value": "false"},
        ],
        "domain": "QBO",
        "sparse": False,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": meta(books),
    }


def preferences(books: b.Books, chosen: Settings) -> Row:
    tax: Row = {"UsingSalesTax": True}
    if chosen.automated_tax is not None:
        tax["PartnerTaxEnabled"] = chosen.automated_tax
    message = {
        "Subject": f"Invoice from {chosen.name}",
        "Message": f"Here is your invoice.\n\nKind regards\n{chosen.name}",
    }
    return {
        "AccountingInfoPrefs": {
            "UseAccountNumbers": False,
            "TrackDepartments": chosen.departments,
            "ClassTrackingPerTxn": chosen.classes,
            "ClassTrackingPerTxnLine": False,
            "FirstMonthOfFiscalYear": "January",
            "TaxYearMonth": "January",
            "CustomerTerminology": "Customers",
            **({"DepartmentTerminology": "Location"} if chosen.departments else {}),
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": True,
        },
        "SalesFormsPrefs": {
            "CustomField": custom_fields(chosen.fields),
            "CustomTxnNumbers": chosen.custom_numbers,
            "AllowDeposit": True,
            "AllowDiscount": True,
            "DefaultDiscountAccount": chosen.discount_account,
            "AllowEstimates": True,
            "EmailCopyToCompany": False,
            "ETransactionEnabledStatus": "NotApplicable",
            "ETransactionAttachPDF": False,
            "ETransactionPaymentEnabled": False,
            "IPNSupportEnabled": False,
            "AllowServiceDate": True,
            "AllowShipping": False,
            "DefaultTerms": {"value": chosen.default_terms},
            "AutoApplyCredit": False,
            "AutoApplyPayments": False,
            "UsingPriceLevels": False,
            "DefaultCustomerMessage": chosen.message,
        },
        "EmailMessagesPrefs": {
            "InvoiceMessage": message,
            "EstimateMessage": message,
            "SalesReceiptMessage": message,
            "StatementMessage": message,
        },
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True, "POCustomField": []},
        "TimeTrackingPrefs": {
            "UseServices": True,
            "BillCustomers": True,
            "ShowBillRateToAll": False,
            "WorkWeekStartDate": "Monday",
            "MarkTimeEntriesBillable": True,
        },
        "TaxPrefs": tax,
        "CurrencyPrefs": {"MultiCurrencyEnabled": chosen.multicurrency, "HomeCurrency": {"value": chosen.home}},
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": {
            "NameValue": [
                {"Name": "SalesFormsPrefs.DefaultCustomerMessage", "Value": chosen.message},
                {"Name": "SalesFormsPrefs.DefaultItem", "Value": "1"},
                {"Name": "DTXCopyMemo", "Value": "true"},
                {"Name": "SFCEnabled", "Value": "true"},
                {"Name": "DataPartner", "Value": "false"},
                {"Name": "TimeTrackingFeatureEnabled", "Value": "true"},
            ]
        },
        "domain": "QBO",
        "sparse": False,
        "Id": "1",
        "SyncToken": "6",
        "MetaData": meta(books),
    }


def custom_fields(names: tuple[str, ...]) -> list[Row]:
    """Which of the three own fields of sales forms are on, and their names."""
    uses = [
        {"Name": f"SalesFormsPrefs.UseSalesCustom{index}", "Type": "BooleanType", "BooleanValue": index <= len(names)}
        for index in (1, 2, 3)
    ]
    labels = [
        {"Name": f"SalesFormsPrefs.SalesCustomName{index}", "Type": "StringType", "StringValue": name}
        for index, name in enumerate(names, start=1)
    ]
    return [{"CustomField": uses}, *([{"CustomField": labels}] if labels else [])]
