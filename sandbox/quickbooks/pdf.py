"""An invoice as a small PDF of one page, written by hand: text only, in one of the fonts that every reader has."""

from __future__ import annotations

from decimal import Decimal

from . import books as b
from .wire import Row

MOST_LINES = 40
LEFT, TOP, STEP = 56, 780, 16


def escaped(text: str) -> bytes:
    """Text for the font's own alphabet; a letter that it lacks becomes a question mark."""
    raw = text.replace("\n", " ").replace("\r", " ").encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:,f} {currency}"


def invoice_pdf(books: b.Books, row: Row) -> bytes:
    currency = row["CurrencyRef"]["value"]
    rows: list[tuple[int, str, str]] = [
        (16, books.company["CompanyName"], ""),
        (12, f"Invoice {row.get('DocNumber', '(without number)')}", ""),
        (10, f"Bill to: {row['CustomerRef']['name']}", ""),
        (10, f"Date: {row['TxnDate']}    Due: {row['DueDate']}", ""),
        (10, "", ""),
    ]
    shown = [line for line in row["Line"] if line["DetailType"] != "SubTotalLineDetail"]
    rows += [line_of(line, currency) for line in shown[:MOST_LINES]]
    if len(shown) > MOST_LINES:
        rows.append((10, f"and {len(shown) - MOST_LINES} more lines", ""))
    rows += [
        (10, "", ""),
        (10, "Tax", money(row["TxnTaxDetail"]["TotalTax"], currency)),
        (12, "Total", money(row["TotalAmt"], currency)),
        (12, "Balance due", money(row["Balance"], currency)),
        (10, row.get("CustomerMemo", {}).get("value", ""), ""),
        (8, "Made by a stand-in for tests; not a document of QuickBooks.", ""),
    ]
    return assembled(page(rows))


def line_of(line: Row, currency: str) -> tuple[int, str, str]:
    detail = line.get("SalesItemLineDetail", {})
    what = line.get("Description") or detail.get("ItemRef", {}).get("name") or "Discount"
    quantity = f"{detail['Qty']} x " if detail.get("Qty") is not None else ""
    amount = money(line["Amount"], currency) if "Amount" in line else ""
    return 10, f"{quantity}{what}"[:70], f"-{amount}" if line["DetailType"] == "DiscountLineDetail" else amount


def page(rows: list[tuple[int, str, str]]) -> bytes:
    parts, height = [], TOP
    for size, left, right in rows:
        parts.append(b"BT /F1 %d Tf %d %d Td (%s) Tj ET" % (size, LEFT, height, escaped(left)))
        if right:
            parts.append(b"BT /F1 %d Tf %d %d Td (%s) Tj ET" % (size, 430, height, escaped(right)))
        height -= STEP if size < 16 else 26
    return b"\n".join(parts)


def assembled(content: bytes) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    found, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, part in enumerate(objects, start=1):
        offsets.append(len(found))
        found += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(found)
    found += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        found += b"%010d 00000 n \n" % offset
    found += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(found)
