"""HTML of notes: what survives Pipedrive's sanitising, and nothing else."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

KEPT = {"p", "br", "b", "strong", "i", "em", "u", "ul", "ol", "li", "a"}
SWALLOWED = {"script", "style", "iframe", "object", "template", "noscript", "textarea", "title"}


class Sanitizer(HTMLParser):
    """Keeps a few tags, the href of http(s) links, and text; drops scripts with their content."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.swallowing: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.swallowing:
            return
        if tag in SWALLOWED:
            self.swallowing = tag
        elif tag == "br":
            self.out.append("<br>")
        elif tag == "a":
            address = next((value for name, value in attrs if name == "href" and value), "")
            if address.lower().startswith(("http://", "https://")):
                self.out.append(f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">')
                self.open.append("a")
        elif tag in KEPT:
            self.out.append(f"<{tag}>")
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.swallowing:
            if tag == self.swallowing:
                self.swallowing = None
        elif tag in self.open:
            while self.open:
                inner = self.open.pop()
                self.out.append(f"</{inner}>")
                if inner == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.swallowing:
            self.out.append(escape(data, quote=False))

    def result(self) -> str:
        self.close()
        while self.open:
            self.out.append(f"</{self.open.pop()}>")
        return "".join(self.out)


def sanitize(html: str) -> str:
    """HTML that is safe to show as it stands."""
    parser = Sanitizer()
    parser.feed(html)
    return parser.result()
