"""QuickBooks' refusals find the field that they belong to."""

import pytest

from invoices.domain.refusals import Step, field_of

INACTIVE = (  # what QuickBooks says of whatever is gone
    "Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)
ORIGINS = [0, 1, 1, 2]  # the second line of the draft went out as two


@pytest.mark.parametrize(
    ("step", "code", "element", "detail", "expected"),
    [
        (Step.CUSTOMER, "6240", "", "The name supplied already exists. : null", "customer.name"),
        (Step.CUSTOMER, "2050", "PrimaryEmailAddr.Address", "Length of the field exceeds 100 chars", "customer.email"),
        (Step.CUSTOMER, "2050", "DisplayName", "Length of the field exceeds 500 chars", "customer.name"),
        (Step.CUSTOMER, "6000", "", "x@y is no e-mail address.", "customer.email"),
        (Step.CUSTOMER, "2010", "", "something else", "customer"),
        (Step.INVOICE, "6140", "", "Duplicate Document Number Error", "number"),
        (Step.INVOICE, "6210", "", "The account period has closed", "invoice_date"),
        (Step.INVOICE, "2050", "DocNumber", "Length of the field exceeds 21 chars", "number"),
        (Step.INVOICE, "6000", "", "The customer's currency is GBP", "currency"),
        (Step.INVOICE, "6000", "", "The due date lies before the date", "due_date"),
        (Step.INVOICE, "2500", "TxnTaxDetail.TxnTaxCodeRef", "Invalid Reference Id", "sales_tax"),
        (Step.INVOICE, "2500", "CustomerRef", "Invalid Reference Id", "customer"),
        (Step.INVOICE, "2500", "Line.SalesItemLineDetail.ItemRef", "Invalid Reference Id", "lines"),
        (Step.INVOICE, "2500", "", f"Invalid Reference Id : {INACTIVE}", ""),
        (Step.INVOICE, "610", "", f"Object Not Found : {INACTIVE}", ""),
        (Step.CUSTOMER, "610", "", f"Object Not Found : {INACTIVE}", "customer"),
        (Step.INVOICE, "6000", "Line[3].SalesItemLineDetail.TaxCodeRef", "needs a VAT rate", "lines.1.tax_code"),
        (Step.INVOICE, "6000", "", "every line needs a GST rate; line 4 has none.", "lines.2.tax_code"),
        (Step.INVOICE, "6000", "", "Make sure all your transactions have a GST/HST rate before you save.", "lines"),
        (Step.INVOICE, "6070", "Line[1].Amount", "Amount is not equal to UnitPrice * Qty.", "lines.0.unit_price"),
        (Step.INVOICE, "6070", "Line[9].Amount", "Amount is not equal to UnitPrice * Qty.", "lines"),
        (Step.INVOICE, "6000", "", "Discounts are switched off", "discount"),
        (Step.INVOICE, "2050", "CustomerMemo.value", "Length of the field exceeds 1000 chars", "memo"),
        (Step.INVOICE, "6000", "", "Transaction amount must be 0 or greater.", "lines"),
        (Step.INVOICE, "2010", "", "Unrecognized field; known properties: DocNumber, DueDate, TotalAmt", ""),
        (Step.INVOICE, "6190", "", "your trial or subscription period ended", ""),
        (Step.INVOICE, "", "", "", ""),
    ],
)
def test_a_refusal_belongs_to_a_field(step, code, element, detail, expected):
    assert field_of(step, code, element=element, detail=detail, line_origins=ORIGINS) == expected
