#!/usr/bin/env python3
"""Writes man pages of what include/call.h says into target/man: one for each function, and libcall(7), which has what
holds for all of them, libcall_types(7) and libcall_codes(7).
"""
import re
import shutil

import abi
import header
from sections import CODE, RULES, sections, summary

OUT = header.ROOT / "target" / "man"


def plain(text):
    """Text that troff takes as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", "\\\\&.", text)


def prose(text):
    """Functions, types and codes stand out, and a paragraph is one line each sentence."""
    text = plain(re.sub(RULES, "", text))
    text = re.sub(r"\bcall_\w+\b", lambda found: f"\\fB{found[0]}\\fR" + ("(3)" if found[0] in NAMES else ""), text)
    text = re.sub(r"\b[A-Z]+(?:_[A-Z]+)+\b", r"\\fB\g<0>\\fR", text)
    return re.sub(r"(?<=[.;:]) (?=\w|\\f)", "\n", text) if len(text) > 100 else text


def block(code, words):
    if code is None:
        return f".PP\n{prose(words)}"
    return f".TP\n.B {code}\n{prose(words) if words else plain(CODES[code])}"


def synopsis(function):
    """A declaration as the manual's are: types bold, names of parameters italic."""
    types = [p.type + ("" if p.type.endswith("*") else " ") for p in function.parameters]
    types = [f"{'    ' if number else ''}{kind}" for number, kind in enumerate(types)]
    first = f"{function.result}{'' if function.result.endswith('*') else ' '}{function.name}("
    lines = [f'.BI "{plain(first if number == 0 else "")}{plain(kind)}" {plain(p.name)} '
             f'"{");" if number + 1 == len(types) else ","}"'
             for number, (kind, p) in enumerate(zip(types, function.parameters, strict=True))]
    return "\n".join([".nf", ".B #include <call.h>", ".PP", *(lines or [f'.B "{plain(first)}void);"']), ".fi"])


def top(name, section):
    return f'.TH {name.upper()} {section} "" "libcall {abi.version()}" "libcall"'


def joined(lines):
    """A page: a heading is followed by its text, not by a paragraph's sign."""
    return re.sub(r"^(\.S[HS] .*)\n\.PP$", r"\1", "\n".join(lines), flags=re.M) + "\n"


def page(function):
    text = [top(function.name, 3), ".SH NAME", f"{function.name} \\- {plain(summary(function.says))}",
            ".SH SYNOPSIS", synopsis(function)]
    for name, blocks in sections(function.says).items():
        text += [f".SH {name}", *(block(code, words) for code, words in blocks)]
    related = sorted({name for paragraph in function.says for name in re.findall(r"\bcall_\w+\b", paragraph)
                      if name in NAMES} - {function.name})
    text += [".SH SEE ALSO", *(f".BR {name} (3) ," for name in related), ".BR libcall (7)"]
    return joined(text)


def overview():
    says = header.opening()
    rules = says.index("Rules for every function")
    text = [top("libcall", 7), ".SH NAME", "libcall \\- begin a job, cancel it, and know what became of it", ".SH SYNOPSIS",
            ".nf\n.B #include <call.h>\n.PP\n.B cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs libcall)\n.fi", ".SH DESCRIPTION"]
    text += [f".PP\n{prose(paragraph)}" for paragraph in says[1:rules]]
    text += [".SH RULES FOR EVERY FUNCTION", *(f".PP\n{prose(paragraph)}" for paragraph in says[rules + 1:])]
    text += [".SH FUNCTIONS"]
    text += [f".TP\n.BR {function.name} (3)\n{plain(summary(function.says))}" for function in header.functions()]
    text += [".SH SEE ALSO", ".BR libcall_types (7) ,\n.BR libcall_codes (7)"]
    return joined(text)


def types():
    text = [top("libcall_types", 7), ".SH NAME", "libcall_types \\- types of libcall", ".SH SYNOPSIS",
            ".nf\n.B #include <call.h>\n.fi", ".SH DESCRIPTION"]
    for kind in header.typedefs():
        text += [f".SS {kind.name}", f".nf\n.B {plain(kind.declaration)}\n.fi",
                 *(f".PP\n{prose(paragraph)}" for paragraph in kind.says)]
    for struct in header.structs():
        text += [f".SS {struct.name}", *(f".PP\n{prose(paragraph)}" for paragraph in struct.says)]
        for field in struct.fields:
            text += [f".TP\n.B {plain(field.declaration)}", *([prose(field.says[0])] if field.says else ["\\&"]),
                     *(f".IP\n{prose(paragraph)}" for paragraph in field.says[1:])]
    return joined([*text, ".SH SEE ALSO", ".BR libcall (7) ,\n.BR libcall_codes (7)"])


def codes():
    text = [top("libcall_codes", 7), ".SH NAME", "libcall_codes \\- codes and constants of libcall", ".SH SYNOPSIS",
            ".nf\n.B #include <call.h>\n.fi", ".SH CODES"]
    rest, group = [], ""
    for constant in header.constants():
        if re.fullmatch(CODE, constant.name):
            text += [f".TP\n.B {constant.name}\n{plain(constant.says)}"]
        elif constant.name.startswith("CALL_"):
            rest += [f".SS {plain(constant.group)}"] if constant.group != group else []
            group = constant.group
            says = "" if constant.says == group else plain(constant.says)
            rest += [f".TP\n.BR {constant.name} \" {plain(constant.value)}\"\n{says or chr(92) + '&'}"]
    return joined([*text, ".SH CONSTANTS", *rest, ".SH SEE ALSO", ".BR libcall (7) ,\n.BR libcall_types (7)"])


NAMES = {function.name for function in header.functions()}
CODES = {constant.name: constant.says for constant in header.constants()}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    pages = {f"man3/{function.name}.3": page(function) for function in header.functions()}
    pages |= {"man7/libcall.7": overview(), "man7/libcall_types.7": types(), "man7/libcall_codes.7": codes()}
    for name, text in pages.items():
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        (OUT / name).write_text(text)
    print(f"man: {len(pages)} pages in target/man")


main()
