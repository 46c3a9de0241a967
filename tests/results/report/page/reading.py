"""Pages read back: elements with their attributes and texts, and the data of their script."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}


@dataclass
class Element:
    tag: str
    attributes: dict
    parent: "Element | None" = None
    children: list = field(default_factory=list)

    @property
    def text(self):
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag=None, **attributes):
        for child in self.children:
            if isinstance(child, str):
                continue
            if tag in (None, child.tag) and attributes.items() <= child.attributes.items():
                yield child
            yield from child.all(tag, **attributes)

    def one(self, tag=None, **attributes):
        (found,) = self.all(tag, **attributes)
        return found


class Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {})

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs), self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert tag == self.at.tag, f"</{tag}> ends <{self.at.tag}>"
            self.at = self.at.parent

    def handle_data(self, data):
        self.at.children.append(data)


def read(path):
    reader = Reader()
    reader.feed(path.read_text())
    reader.close()
    return reader.root


def data_of(page):
    return json.loads(page.one("script", id="records").text)


def at(plain, path):
    """Return what plain JSON values hold at a path."""
    for name in path.split("."):
        if plain is None:
            return None
        plain = plain[int(name)] if isinstance(plain, list | tuple) else plain[name]
    return plain
