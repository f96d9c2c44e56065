"""Fragments as a browser sees them: their text, their elements, and the fields of a form with what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "br", "img", "link", "meta", "hr", "use"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    @property
    def id(self):
        return self.attributes.get("id", "")

    @property
    def classes(self):
        return self.attributes.get("class", "").split()

    @property
    def text(self):
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return re.sub(r"\s+", " ", " ".join(parts).replace("\u00a0", " ").replace("\u202f", " ")).strip()

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()


class Page(HTMLParser):
    """`Page(response)`; fields inside `<template>` are not part of a form, as in a browser."""

    def __init__(self, response):
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self.here = self.root
        self.feed(response.content.decode())
        self.close()

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.here = self.here.parent

    def handle_endtag(self, tag):
        place = self.here
        while place.parent and place.tag != tag:
            place = place.parent
        if place.parent:
            self.here = place.parent

    def handle_data(self, data):
        self.here.children.append(data)

    @property
    def elements(self):
        return list(self.root.walk())

    @property
    def text(self):
        return self.root.text

    def by_id(self, name):
        return next(element for element in self.elements if element.id == name)

    def has_id(self, name):
        return any(element.id == name for element in self.elements)

    def by_class(self, name):
        return [element for element in self.elements if name in element.classes]

    def with_attribute(self, name):
        return [element for element in self.elements if name in element.attributes]

    def fields(self):
        """What pressing the submit button would send: name -> value, or a list where a name comes more than once."""
        sent = {}
        for element in self._live():
            name = element.attributes.get("name")
            if not name:
                continue
            value = self._value(element)
            if value is None:
                continue
            if name in sent:
                earlier = sent[name] if isinstance(sent[name], list) else [sent[name]]
                sent[name] = [*earlier, value]
            else:
                sent[name] = value
        return sent

    def _live(self):
        def inside_template(element):
            while element:
                if element.tag == "template":
                    return True
                element = element.parent
            return False

        return [e for e in self.elements if e.tag in ("input", "select", "textarea") and not inside_template(e)]

    @staticmethod
    def _value(element):
        kind = element.attributes.get("type", "text")
        if element.tag == "textarea":
            # A line break right behind the tag is the mark-up's, as browsers have it.
            return "".join(child for child in element.children if isinstance(child, str)).removeprefix("\n")
        if element.tag == "select":
            options = [child for child in element.walk() if child.tag == "option"]
            chosen = next((option for option in options if "selected" in option.attributes), options[0])
            return chosen.attributes.get("value", chosen.text)
        if kind in ("checkbox", "radio") and "checked" not in element.attributes:
            return None
        return element.attributes.get("value", "on" if kind == "checkbox" else "")
