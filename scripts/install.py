#!/usr/bin/env python3
"""Installs the library out of target/package and the tree, or takes away what it would install.

install.py install|uninstall DESTDIR PREFIX LIBDIR INCLUDEDIR MANDIR DOCDIR
"""
import os
import pathlib
import re
import sys
from collections import namedtuple

import abi
import header

ROOT = abi.ROOT
PACKAGE = ROOT / "target" / "package"
# What a program needs that links the archive.
PRIVATE = ["pthread", "dl", "m"]

Places = namedtuple("Places", "prefix libdir includedir mandir docdir")
# One of source (a file), target (of a link) and text (with the words between @ put in).
Item = namedtuple("Item", "destination source target text mode", defaults=[None, None, None, 0o644])


def words(places):
    """What stands between @ in the files of packaging/."""
    def below_prefix(path):
        return re.sub(f"^{re.escape(places.prefix)}/", "${prefix}/", path)

    return {
        "PREFIX": places.prefix, "LIBDIR": below_prefix(places.libdir), "INCLUDEDIR": below_prefix(places.includedir),
        "INCLUDEDIR_FROM_LIBDIR": os.path.relpath(places.includedir, places.libdir),
        "VERSION": abi.version(), "MAJOR": abi.version().split(".")[0],
        "FILE": f"libcall.so.{abi.file_number()}", "SONAME": f"libcall.so.{abi.number()}",
    }


def libraries(places):
    file, soname = f"libcall.so.{abi.file_number()}", f"libcall.so.{abi.number()}"
    yield Item(f"{places.libdir}/{file}", source=PACKAGE / file, mode=0o755)
    yield Item(f"{places.libdir}/{soname}", target=file)
    yield Item(f"{places.libdir}/libcall.so", target=soname)
    yield Item(f"{places.libdir}/libcall.a", source=PACKAGE / "libcall.a")


def described(places):
    """The files by which pkg-config and CMake find the library."""
    flags = " ".join(f"-l{name}" for name in PRIVATE)
    for kind, folder, private in (("pc", "pkgconfig", flags), ("cmake", "cmake/libcall", ";".join(PRIVATE))):
        for template in sorted((ROOT / "packaging").glob(f"*.{kind}.in")):
            known = {**words(places), "PRIVATE": private}
            text = re.sub(r"@([A-Z_]+)@", lambda found, known=known: known[found[1]], template.read_text())
            yield Item(f"{places.libdir}/{folder}/{template.name.removesuffix('.in')}", text=text)


def headers(places):
    """call.h, and those of the binding for C++."""
    for folder in (ROOT / "include", ROOT / "bindings" / "cpp" / "include"):
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            yield Item(f"{places.includedir}/{file.relative_to(folder)}", source=file)


def pages(places):
    manuals = [f"man3/{function.name}.3" for function in header.functions()]
    for name in [*manuals, *(f"man7/{page}.7" for page in ("libcall", "libcall_codes", "libcall_types"))]:
        yield Item(f"{places.mandir}/{name}", source=ROOT / "target" / "man" / name)
    for name in ("README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"):
        yield Item(f"{places.docdir}/{name}", source=ROOT / name)
    for file in sorted((ROOT / "examples").glob("*.[ch]")):
        yield Item(f"{places.docdir}/examples/{file.name}", source=file)


def programs(places):
    """The library looks for it beside itself."""
    yield Item(f"{places.libdir}/call-host", source=ROOT / "target" / "release" / "call-host", mode=0o755)


def tree(places):
    for part in (libraries, described, headers, pages, programs):
        yield from part(places)


def install(item, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Never written into: a running program may have the old file open.
    path.unlink(missing_ok=True)
    if item.target:
        path.symlink_to(item.target)
        return
    path.write_bytes(item.text.encode() if item.source is None else item.source.read_bytes())
    path.chmod(item.mode)


def uninstall(path, stop):
    """Also the folders of the library's own that are empty then."""
    path.unlink(missing_ok=True)
    folder = path.parent
    while folder != stop and "libcall" in (folder.name, folder.parent.name):
        if not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()
        folder = folder.parent


def main():
    what, destdir, *rest = sys.argv[1:]
    places = Places(*rest)
    if any(not os.path.isabs(place) for place in places):
        sys.exit(f"install: not an absolute path: {[place for place in places if not os.path.isabs(place)]}")
    items = list(tree(places))
    missing = [str(item.source) for item in items if item.source and not item.source.exists()]
    if what == "install" and missing:
        sys.exit(f"install: {missing[0]} is not there; run `make package` first")
    for item in items:
        path = pathlib.Path(destdir + item.destination)
        if what == "install":
            install(item, path)
        else:
            uninstall(path, pathlib.Path(destdir or "/"))
    print(f"{what}ed: {len(items)} files and links below {destdir}{places.prefix}")


main()
