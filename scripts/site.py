#!/usr/bin/env python3
"""Writes the documentation as a site into target/site: the pages of docs/ and a reference made of include/call.h.

What the pages name of the header is a link, and so is every file of the tree that they link to. A link that leads
nowhere is an error.
"""
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import reference

ROOT = reference.header.ROOT
OUT = ROOT / "target" / "site"
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="site.css">
<nav>{nav}</nav>
<main>
{body}
</main>
</html>
"""


def sources():
    """The pages in the order in which README links to them, the others behind."""
    linked = re.findall(r"\]\(((?:docs/)?\w[\w-]*\.md)\)", (ROOT / "README.md").read_text())
    others = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))
    return list(dict.fromkeys(["README.md", *linked, *others]))


def name_of(source):
    return "index.html" if source == "README.md" else f"{pathlib.Path(source).stem}.html"


def copied(path):
    """A file of the tree, or the list of a folder's files, as the site has it."""
    target = OUT / "files" / path
    if (ROOT / path).is_dir():
        files = [copied(path / file.name) for file in sorted((ROOT / path).iterdir()) if file.is_file()]
        rows = "".join(f'<li><a href="{os.path.relpath(file, f"files/{path}")}">{pathlib.Path(file).name}</a></li>'
                       for file in files)
        (target / "index.html").write_text(f'<!DOCTYPE html><meta charset="utf-8"><title>{path}</title><ul>{rows}</ul>')
        return f"files/{path}/index.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / path, target)
    return f"files/{path}"


def address(source, link):
    """Where a link of a page leads within the site."""
    path, mark, anchor = link.partition("#")
    if re.match(r"[a-z]+:", link) or not path:
        return link
    full = pathlib.Path(os.path.normpath(pathlib.Path(source).parent / path))
    if not (ROOT / full).exists():
        sys.exit(f"site: {source} links to {link}, which is not there")
    return (name_of(str(full)) if str(full) in sources() else copied(full)) + mark + anchor


def body_of(source):
    text = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", ROOT / source], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    text = re.sub(r'(href|src)="([^"]*)"', lambda found: f'{found[1]}="{address(source, found[2])}"', text)
    text = re.sub(r"<h([23])>(.*?)</h\1>", lambda found: f'<h{found[1]} id="{anchor(found[2])}">{found[2]}</h{found[1]}>', text)
    # But not what is a link already.
    return re.sub(r"(?<!\">)<code>(\w+)</code>", lambda found: reference.link(found[1]) if found[1] in reference.NAMES
                  else found[0], text)


def anchor(heading):
    words = re.sub(r"<[^>]*>", "", heading).lower()
    return re.sub(r"[^\w -]", "", words).replace(" ", "-")


def nav(current, titles, heads):
    rows = ["<b>libcall</b>"]
    for source, title in titles.items():
        mark = ' aria-current="page"' if source == current else ""
        rows.append(f'<a href="{name_of(source)}"{mark}>{html.escape(title)}</a>')
    rows.append("<b>Reference</b>")
    rows += [f'<a href="reference.html#{mark}">{words}</a>' for mark, words in heads]
    return "\n".join(rows)


class Links(HTMLParser):
    """The anchors of a page, and where its links lead."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            elif name in ("href", "src") and not re.match(r"[a-z]+:", value):
                self.links.add(value)


def dangling():
    pages = {path: Links(path.read_text()) for path in OUT.rglob("*.html")}
    for path, page in pages.items():
        for link in sorted(page.links):
            file, _, mark = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if not target.is_file() or (mark and mark not in pages[target].ids):
                yield f"{path.relative_to(OUT)}: {link} leads nowhere"
    yield from (f"reference.html: {name} is not there" for name in reference.NAMES - pages[OUT / "reference.html"].ids)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    shutil.copy(ROOT / "packaging" / "site.css", OUT)
    titles = {source: re.search(r"^# (.*)$", (ROOT / source).read_text(), re.M)[1] for source in sources()}
    body, heads = reference.page()
    for source, title in titles.items():
        text = PAGE.format(title=html.escape(title), nav=nav(source, titles, heads), body=body_of(source))
        (OUT / name_of(source)).write_text(text)
    (OUT / "reference.html").write_text(PAGE.format(title="libcall: reference", nav=nav("", titles, heads), body=body))
    faults = list(dangling())
    print("\n".join(faults) or f"site: {len(titles) + 1} pages in target/site")
    sys.exit(bool(faults))


main()
