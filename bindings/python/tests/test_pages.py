"""Every listing of a page stands so in the file that is named above it."""
from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent.parent


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "bindings/python/README.md"]


def test_listings_stand_in_their_files() -> None:
    listed = set()
    for page in PAGES:
        for name, listing in re.findall(r"(?:<!-- (\S+) -->\n)?```python\n(.*?)```", page.read_text(), re.S):
            assert name and listing in (ROOT / name).read_text(), f"{page}: {listing}"
            listed.add(page.name)
    assert {"python.md", "README.md"} <= listed
