#!/usr/bin/env python3
"""Holds the pages to the files: every listing in C or C++ stands so in the file named above it, every link
leads somewhere, each program is run by a check, and the commands of README and of the page on C++ build the
program that they speak of, which does what README says. Prints TAP.

Usage: check_pages.py ROOT OUT
"""

import re
import subprocess
import sys
from pathlib import Path

GUARD = 60  # seconds: only a program that hangs takes so long
SEEN = []


def check(name, good, seen=""):
    SEEN.append(good)
    print(f"{'ok' if good else 'not ok'} {len(SEEN)} - {name}")
    if not good:
        print("\n".join(f"#   {line}" for line in str(seen).splitlines()))


def check_listings(root, page, text):
    listings = re.findall(r"(?:<!-- (\S+) -->\n)?```c(?:pp)?\n(.*?)```", text, re.S)
    for number, (name, listing) in enumerate(listings, 1):
        source = root / name
        good = bool(name) and source.is_file() and listing in source.read_text() + "\n"
        check(f"{page}: listing {number} stands in {name or 'no file'}", good, listing)
    return len(listings)


def check_links(root, page, text):
    text = re.sub(r"```.*?```", "", text, flags=re.S)  # a lambda looks like a link
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    missing = [link for link in links if not (root / page).parent.joinpath(link).exists()]
    check(f"{page}: {len(links)} links lead somewhere", links and not missing, missing)


def check_command(root, out, page):
    command = re.search(r"^c(c|\+\+) .*$", (root / page).read_text(), re.M).group()
    program = out / f"primes_of_{Path(page).stem.lower()}"
    command = command.replace("-o primes", f"-o {program}")
    built = subprocess.run(command, shell=True, cwd=root, capture_output=True, text=True)
    check(f"{page}'s command builds its program", built.returncode == 0, built.stderr)
    for words, code, said in ((["1000"], 0, "S_OK: 168 primes, fate COMPLETED"),
                              ([], 1, r"RPC_E_CALL_CANCELED: \d+ primes, fate STOPPED")):
        ran = subprocess.run([program, *words], capture_output=True, text=True, timeout=GUARD)
        good = ran.returncode == code and re.fullmatch(said, ran.stdout.strip())
        check(f"it says what README says of ./primes {' '.join(words)}".strip(), good, (ran.returncode, ran.stdout))


def check_programs(root):
    programs = [path.stem for path in sorted((root / "examples").glob("*.c")) if "int main(" in path.read_text()]
    runners = [*(root / "examples").glob("check_*.py"), root / "scripts" / "quick_start.sh"]
    checks = "".join(path.read_text() for path in runners if path != Path(__file__).resolve())
    idle = [name for name in programs if not re.search(rf"\b{name}\b", checks)]
    check(f"each of the {len(programs)} programs is run by a check", programs and not idle, idle)


def main():
    root, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    pages = ["README.md", *(f"docs/{path.name}" for path in sorted((root / "docs").glob("*.md")))]
    listings = 0
    for page in pages:
        text = (root / page).read_text()
        listings += check_listings(root, page, text)
        if "](" in text:
            check_links(root, page, text)
    check("the pages have listings", listings >= 4, listings)
    check_programs(root)
    check_command(root, out, "README.md")
    check_command(root, out, "docs/cpp.md")
    print(f"1..{len(SEEN)}")
    return 0 if all(SEEN) else 1


sys.exit(main())
