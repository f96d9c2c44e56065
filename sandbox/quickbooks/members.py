"""The members that requests may carry, with their kinds and longest texts.

A kind is `text`, `text:N`, `number`, `amount`, `whole`, `flag`, `date`, `any`, another shape's name, or `[shape]` for a
list.
Anything else in a request makes the API refuse the whole request (code 2010), so this list is deliberately closed.
"""

from __future__ import annotations

COMMON = {
    "Id": "text",
    "SyncToken": "text",
    "sparse": "flag",
    "domain": "text",
    "MetaData": "any",
    "status": "text",
    "CustomField": "[CustomField]",
}

SALE = COMMON | {
    "DocNumber": "text:21", "TxnDate": "date", "DueDate": "date", "PrivateNote": "text:4000", "CustomerRef": "Ref",
    "CurrencyRef": "Ref",
    "ExchangeRate": "number", "GlobalTaxCalculation": "GlobalTaxCalculation", "ApplyTaxAfterDiscount": "flag",
    "Line": "[Line]",
    "TxnTaxDetail": "TxnTaxDetail", "CustomerMemo": "Memo", "BillAddr": "Address", "ShipAddr": "Address",
    "ShipFromAddr": "Address",
    "FreeFormAddress": "flag", "BillEmail": "Email", "BillEmailCc": "EmailCopies", "BillEmailBcc": "EmailCopies",
    "SalesTermRef": "Ref",
    "ClassRef": "Ref", "DepartmentRef": "Ref", "PrintStatus": "PrintStatus", "EmailStatus": "EmailStatus",
    "TotalAmt": "number",
    "Balance": "number", "HomeTotalAmt": "number", "HomeBalance": "number", "LinkedTxn": "[LinkedTxn]",
    "TxnSource": "text", "TxnStatus": "text",
    "TransactionLocationType": "text", "PaymentMethodRef": "Ref", "PaymentRefNum": "text:21",
    "DepositToAccountRef": "Ref", "ARAccountRef": "Ref",
    "ShipMethodRef": "Ref", "ShipDate": "date", "TrackingNum": "text", "PONumber": "text", "AutoDocNumber": "flag",
    "ProjectRef": "Ref",
    "RecurDataRef": "Ref", "AttachableRef": "any", "TaxExemptionRef": "Ref", "TaxFormType": "text",
    "TaxFormNum": "text", "Tag": "any",
    "DiscountRate": "number", "DiscountAmt": "number", "TemplateRef": "Ref",
}  # fmt: skip

SHAPES: dict[str, dict[str, str]] = {
    "Invoice": SALE | {
        "Deposit": "number", "AllowIPNPayment": "flag", "AllowOnlinePayment": "flag",
        "AllowOnlineCreditCardPayment": "flag",
        "AllowOnlineACHPayment": "flag", "AllowOnlinePayPalPayment": "flag", "AllowOnlineAffirmPayment": "flag",
        "DeliveryInfo": "any",
        "InvoiceLink": "text", "EInvoiceStatus": "text", "invoiceStatus": "text", "invoiceStatusLog": "any",
        "callToAction": "text",
        "LessCIS": "number", "CfdiUse": "any", "Exportation": "text", "InvoiceEx": "any",
    },
    "Estimate": SALE | {
        "TxnStatus": "EstimateStatus", "ExpirationDate": "date", "AcceptedBy": "text", "AcceptedDate": "date",
        "DeliveryInfo": "any", "EstimateEx": "any",
    },
    "CreditMemo": SALE | {"RemainingCredit": "number", "InvoiceRef": "Ref", "CreditMemoEx": "any"},
    "Payment": COMMON | {
        "CustomerRef": "Ref", "TotalAmt": "number", "UnappliedAmt": "number", "TxnDate": "date", "CurrencyRef": "Ref",
        "ExchangeRate": "number",
        "Line": "[PaymentLine]", "PaymentMethodRef": "Ref", "PaymentRefNum": "text:21", "DepositToAccountRef": "Ref",
        "ARAccountRef": "Ref",
        "PrivateNote": "text:4000", "ProcessPayment": "flag", "TxnSource": "text", "TransactionLocationType": "text",
        "DocNumber": "text:21",
        "CreditCardPayment": "any", "LinkedTxn": "[LinkedTxn]", "TxnStatus": "text",
    },
    "Customer": COMMON | {
        "Title": "text:16", "GivenName": "text:100", "MiddleName": "text:100", "FamilyName": "text:100",
        "Suffix": "text:16",
        "DisplayName": "text:500", "FullyQualifiedName": "text", "CompanyName": "text:100",
        "PrintOnCheckName": "text:110", "Active": "flag",
        "PrimaryEmailAddr": "Email", "PrimaryPhone": "Phone", "AlternatePhone": "Phone", "Mobile": "Phone",
        "Fax": "Phone", "WebAddr": "Web",
        "BillAddr": "Address", "ShipAddr": "Address", "Notes": "text:2000", "Job": "flag", "BillWithParent": "flag",
        "ParentRef": "Ref",
        "Level": "whole", "SalesTermRef": "Ref", "PaymentMethodRef": "Ref", "CurrencyRef": "Ref",
        "DefaultTaxCodeRef": "Ref", "Taxable": "flag",
        "TaxExemptionReasonId": "text", "ResaleNum": "text:16", "PrimaryTaxIdentifier": "text",
        "SecondaryTaxIdentifier": "text",
        "GSTIN": "text:15", "BusinessNumber": "text:10", "GSTRegistrationType": "text:15",
        "PreferredDeliveryMethod": "Delivery",
        "Balance": "number", "BalanceWithJobs": "number", "OpenBalanceDate": "date", "IsProject": "flag",
        "CustomerTypeRef": "Ref",
        "ARAccountRef": "Ref", "AcctNum": "text", "Source": "text", "V4IDPseudonym": "text", "ClientEntityId": "text",
        "OverDueBalance": "number",
    },
    "Item": COMMON | {
        "Name": "text:100", "Sku": "text:100", "Description": "text:4000", "Active": "flag",
        "FullyQualifiedName": "text", "Taxable": "flag",
        "SalesTaxIncluded": "flag", "SalesTaxCodeRef": "Ref", "UnitPrice": "number", "Type": "ItemType",
        "IncomeAccountRef": "Ref",
        "ExpenseAccountRef": "Ref", "AssetAccountRef": "Ref", "PurchaseDesc": "text", "PurchaseCost": "number",
        "PurchaseTaxIncluded": "flag",
        "PurchaseTaxCodeRef": "Ref", "TrackQtyOnHand": "flag", "QtyOnHand": "number", "InvStartDate": "date",
        "ReorderPoint": "number",
        "SubItem": "flag", "ParentRef": "Ref", "Level": "whole", "ClassRef": "Ref", "DeferredRevenue": "flag",
        "ItemCategoryType": "text",
        "TaxClassificationRef": "Ref", "PrefVendorRef": "Ref", "RatePercent": "number", "ItemGroupDetail": "any",
        "Source": "text",
    },
    "Attachable": COMMON | {
        "FileName": "text:1000", "FileAccessUri": "text", "TempDownloadUri": "text", "Size": "whole",
        "ContentType": "text:100", "Category": "text:100", "Lat": "text:100", "Long": "text:100",
        "PlaceName": "text:2000", "Note": "text:2000", "Tag": "text:2000", "ThumbnailFileAccessUri": "text",
        "ThumbnailTempDownloadUri": "text", "AttachableRef": "[AttachableRef]",
    },
    "AttachableRef": {
        "EntityRef": "Ref", "LineInfo": "text", "IncludeOnSend": "flag", "CustomField": "[CustomField]",
    },
    "Line": {
        "Id": "text", "LineNum": "whole", "Description": "text:4000", "Amount": "amount", "DetailType": "LineKind",
        "LinkedTxn": "[LinkedTxn]",
        "SalesItemLineDetail": "SalesItem", "DiscountLineDetail": "Discount",
        "DescriptionLineDetail": "DescriptionDetail",
        "SubTotalLineDetail": "any", "GroupLineDetail": "any", "TaxLineDetail": "any", "CustomExtensions": "any",
        "LineEx": "any",
    },
    "PaymentLine": {
        "Id": "text", "LineNum": "whole", "Amount": "number", "LinkedTxn": "[LinkedTxn]", "LineEx": "any",
        "Description": "text:4000",
    },
    "SalesItem": {
        "ItemRef": "Ref", "Qty": "number", "UnitPrice": "number", "TaxCodeRef": "Ref", "TaxInclusiveAmt": "number",
        "ServiceDate": "date",
        "ClassRef": "Ref", "ItemAccountRef": "Ref", "MarkupInfo": "any", "RatePercent": "number",
        "DiscountRate": "number", "DiscountAmt": "number",
        "TaxClassificationRef": "Ref", "DeferredRevenue": "flag",
    },
    "Discount": {
        "PercentBased": "flag", "DiscountPercent": "number", "DiscountAccountRef": "Ref", "DiscountRef": "Ref",
        "TaxCodeRef": "Ref",
        "ClassRef": "Ref", "ServiceDate": "date",
    },
    "DescriptionDetail": {"ServiceDate": "date", "TaxCodeRef": "Ref"},
    "LinkedTxn": {"TxnId": "text", "TxnType": "text", "TxnLineId": "text"},
    "TxnTaxDetail": {
        "TxnTaxCodeRef": "Ref", "TotalTax": "number", "TaxLine": "any", "DefaultTaxCodeRef": "Ref",
        "TaxReviewStatus": "text",
        "UseAutomatedSalesTax": "flag",
    },
    "Ref": {"value": "text", "name": "text", "type": "text"},
    "Memo": {"value": "text:1000", "id": "text"},
    "Email": {"Address": "text:100", "Id": "text", "Default": "flag", "Tag": "text"},
    "EmailCopies": {"Address": "text:200", "Id": "text", "Default": "flag", "Tag": "text"},
    "Phone": {
        "FreeFormNumber": "text:30", "Id": "text", "DeviceType": "text", "CountryCode": "text", "AreaCode": "text",
        "ExchangeCode": "text",
        "Extension": "text", "Default": "flag", "Tag": "text",
    },
    "Web": {"URI": "text:1000", "Id": "text", "Default": "flag", "Tag": "text"},
    "Address": {
        "Id": "text", "Line1": "text:500", "Line2": "text:500", "Line3": "text:500", "Line4": "text:500",
        "Line5": "text:500", "City": "text:255",
        "Country": "text:255", "CountryCode": "text", "CountrySubDivisionCode": "text:255", "County": "text",
        "PostalCode": "text:30",
        "PostalCodeSuffix": "text", "Lat": "text", "Long": "text", "Tag": "text", "Note": "text",
    },
    "CustomField": {
        "DefinitionId": "text", "Name": "text", "Type": "text", "StringValue": "text:31", "BooleanValue": "flag",
        "DateValue": "date",
        "NumberValue": "number",
    },
}  # fmt: skip

CHOICES: dict[str, tuple[str, ...]] = {
    "GlobalTaxCalculation": ("TaxExcluded", "TaxInclusive", "NotApplicable"),
    "PrintStatus": ("NotSet", "NeedToPrint", "PrintComplete"),
    "EmailStatus": ("NotSet", "NeedToSend", "EmailSent"),
    "EstimateStatus": ("Accepted", "Closed", "Pending", "Rejected"),
    "Delivery": ("Print", "Email", "None"),
    "ItemType": ("Service", "NonInventory", "Inventory", "Category", "Group"),
    "LineKind": (
        "SalesItemLineDetail",
        "DiscountLineDetail",
        "DescriptionOnly",
        "SubTotalLineDetail",
        "GroupLineDetail",
    ),
}
