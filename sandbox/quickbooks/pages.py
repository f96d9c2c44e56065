"""The bookkeeper's pages: the books of every company, and the buttons of daily work."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ..config import Config
from . import bookkeeping
from . import books as b
from .pdf import invoice_pdf
from .refusals import Refusal
from .templates import TEMPLATES
from .wire import Row, date_from
from .world import World

MOST_ROWS = 200
DEEDS = {*bookkeeping.DEEDS} - {"set_preferences", "refuse", "list_activity"}
"""What the pages have buttons for."""


class Missing(Exception):
    """There is no such company or invoice."""


def status(row: Row, today: date) -> tuple[str, str]:
    """What the bookkeeper reads, and its colour."""
    if row["TotalAmt"] == 0 and str(row.get("PrivateNote", "")).startswith("Voided"):
        return "Voided", "quiet"
    if row["Balance"] == 0:
        return "Paid", "good"
    late = date_from(row["DueDate"]) < today
    if row["Balance"] < row["TotalAmt"]:
        return ("Partly paid, overdue", "bad") if late else ("Partly paid", "warn")
    return ("Overdue", "bad") if late else ("Open", "")


def money(amount: Decimal, row: Row) -> str:
    places = 0 if amount == amount.to_integral_value() and row["CurrencyRef"]["value"] in ("JPY", "KRW") else 2
    return f"{amount:,.{places}f} {row['CurrencyRef']['value']}"


TEMPLATES.filters["money"] = money


class Pages:
    def __init__(self, world: World, config: Config) -> None:
        self.world = world
        self.config = config

    def routes(self) -> list[Route]:
        return [
            Route("/", self.home),
            Route("/web", self.home),
            Route("/web/", self.home),
            Route("/web/app/login", self.deep_link),
            Route("/web/login", self.deep_link),
            Route("/web/{realm}", self.invoices),
            Route("/web/{realm}/", self.invoices),
            Route("/web/{realm}/customers", self.customers),
            Route("/web/{realm}/items", self.items),
            Route("/web/{realm}/invoice/{identity}", self.invoice),
            Route("/web/{realm}/invoice/{identity}/customer", self.customer_view),
            Route("/web/{realm}/invoice/{identity}/pdf", self.pdf),
            Route("/web/{realm}/do/{action}", self.act, methods=["POST"]),
        ]

    def render(self, name: str, **values: Any) -> Response:
        return HTMLResponse(TEMPLATES.get_template(name).render(**values), headers={"Cache-Control": "no-store"})

    def books_of(self, realm: str) -> b.Books:
        if realm not in self.world.books:
            raise Missing
        return self.world.books[realm]

    async def home(self, request: Request) -> Response:
        return self.render("companies.html", companies=list(self.world.books.values()))

    async def deep_link(self, request: Request) -> Response:
        """The address of the vendor's own "copy link": it names the company, so that no other one opens."""
        realm = request.query_params.get("deeplinkcompanyid", "")
        wanted = urlsplit(request.query_params.get("pagereq", ""))
        query = parse_qs(wanted.query)
        if realm not in self.world.books:
            return self.missing()
        if wanted.path == "invoice" and query.get("txnId"):
            return RedirectResponse(f"/web/{realm}/invoice/{query['txnId'][0]}", 302)
        if wanted.path == "customerdetail":
            return RedirectResponse(f"/web/{realm}/customers", 302)
        return RedirectResponse(f"/web/{realm}", 302)

    def missing(self) -> Response:
        text = "There is no such company or transaction here. It may have been deleted."
        return HTMLResponse(TEMPLATES.get_template("problem.html").render(text=text), 404)

    async def invoices(self, request: Request) -> Response:
        try:
            books = self.books_of(request.path_params["realm"])
        except Missing:
            return self.missing()
        wanted = request.query_params.get("q", "").casefold()
        found = []
        for row in books.table("Invoice").newest_first():
            if wanted in f"{row.get('DocNumber', '')} {row['CustomerRef']['name']}".casefold():
                found.append((row, *status(row, books.today())))
            if len(found) == MOST_ROWS:
                break
        total = len(books.table("Invoice").rows)
        return self.render(
            "invoices.html",
            books=books,
            rows=found,
            total=total,
            q=request.query_params.get("q", ""),
            **notice(request),
        )

    async def invoice(self, request: Request) -> Response:
        try:
            books = self.books_of(request.path_params["realm"])
            row = books.get("Invoice", request.path_params["identity"])
        except (Missing, Refusal):
            return self.missing()
        paid = [
            (payment, sum(line["Amount"] for line in payment["Line"] if line["LinkedTxn"][0]["TxnId"] == row["Id"]))
            for payment in (
                books.table("Payment").rows[linked["TxnId"]]
                for linked in row["LinkedTxn"]
                if linked["TxnType"] == "Payment"
            )
        ]
        offers = books.table("Estimate").rows
        made_from = [
            offers[linked["TxnId"]].get("DocNumber", linked["TxnId"])
            for linked in row["LinkedTxn"]
            if linked["TxnType"] == "Estimate" and linked["TxnId"] in offers
        ]
        word, colour = status(row, books.today())
        return self.render(
            "invoice.html",
            books=books,
            row=row,
            payments=paid,
            made_from=made_from,
            status=word,
            colour=colour,
            **notice(request),
        )

    async def customer_view(self, request: Request) -> Response:
        """What the customer sees behind the link of an invoice."""
        try:
            books = self.books_of(request.path_params["realm"])
            row = books.get("Invoice", request.path_params["identity"])
        except (Missing, Refusal):
            return self.missing()
        return self.render("customer_view.html", books=books, row=row)

    async def pdf(self, request: Request) -> Response:
        try:
            books = self.books_of(request.path_params["realm"])
            row = books.get("Invoice", request.path_params["identity"])
        except (Missing, Refusal):
            return self.missing()
        return Response(invoice_pdf(books, row), media_type="application/pdf")

    async def customers(self, request: Request) -> Response:
        return self.listed(request, "customers.html", "Customer", "DisplayName")

    async def items(self, request: Request) -> Response:
        return self.listed(request, "items.html", "Item", "FullyQualifiedName")

    def listed(self, request: Request, template: str, entity: str, name: str) -> Response:
        try:
            books = self.books_of(request.path_params["realm"])
        except Missing:
            return self.missing()
        rows = sorted(books.table(entity).rows.values(), key=lambda row: str(row[name]).casefold())
        return self.render(template, books=books, rows=rows, **notice(request))

    async def act(self, request: Request) -> Response:
        """One of the buttons; afterwards back to the page where it was pressed."""
        realm, action = request.path_params["realm"], request.path_params["action"]
        form = {name: str(value) for name, value in (await request.form()).items()}
        back = form.pop("back", f"/web/{realm}")
        if not back.startswith("/web/"):
            back = f"/web/{realm}"
        try:
            books = self.books_of(realm)
            if action not in DEEDS:
                raise Missing
            bookkeeping.act(books, {**form, "action": action})
        except Missing:
            return self.missing()
        except Refusal as refusal:
            return RedirectResponse(f"{back}?{urlencode({'problem': refusal.detail})}", 303)
        return RedirectResponse(f"{back}?{urlencode({'done': 'Saved.'})}", 303)


def notice(request: Request) -> dict[str, str]:
    return {"done": request.query_params.get("done", ""), "problem": request.query_params.get("problem", "")}
