"""Reads include/call.h: what it declares, and what it says of each.

The header is generated, so it is regular: a documentation comment stands directly above what it is about.
"""
import pathlib
import re
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "call.h"

# `says` is a list of paragraphs.
Function = namedtuple("Function", "name result parameters says")
Parameter = namedtuple("Parameter", "type name")
Struct = namedtuple("Struct", "name fields says")
Field = namedtuple("Field", "name declaration says")
Typedef = namedtuple("Typedef", "name declaration says")
Constant = namedtuple("Constant", "name value says group")

COMMENT = r"/\*\*((?:(?!\*/).)*)\*/"
FUNCTION = re.compile(COMMENT + r"\s*(?:CALL_MUST_USE\s+)?((?:const )?\w+ \**)(call_\w+)\(([^;{]*)\);", re.S)
STRUCT = re.compile(COMMENT + r"\s*typedef struct (\w+) \{(.*?)^\} \w+;", re.S | re.M)
TYPEDEF = re.compile(COMMENT + r"\s*(typedef (?!struct \w+ \{)[^;]*;)", re.S)
FIELD = re.compile(rf"(?:{COMMENT}\s*)?(\w[^;]*);", re.S)


def paragraphs(comment):
    """The text of a comment, without its stars."""
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip().splitlines()]
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]


def one_line(text):
    return " ".join(text.split())


def parameter(text):
    """`const void *in`, `size_t in_len`, `const char *const *methods`."""
    found = re.fullmatch(r"(.*?[\s*])(\w+)((?:\[\w*\])?)", one_line(text))
    return Parameter(found[1].strip() + found[3], found[2])


def text():
    return HEADER.read_text()


def functions():
    for says, result, name, rest in FUNCTION.findall(text()):
        parts = [] if rest.strip() == "void" else [parameter(part) for part in rest.split(",")]
        yield Function(name, result.strip(), parts, paragraphs(says))


def structs():
    for says, name, body in STRUCT.findall(text()):
        fields = [Field(re.search(r"(\w+)(?:\[\w+\])?$", one_line(what))[1], one_line(what), paragraphs(about))
                  for about, what in FIELD.findall(body)]
        yield Struct(name, fields, paragraphs(says))


def typedefs():
    for says, declaration in TYPEDEF.findall(text()):
        declaration = one_line(declaration)
        name = re.search(r"\(\*(\w+)\)|(\w+);$", declaration)
        yield Typedef(name[1] or name[2], declaration, paragraphs(says))


def constants():
    """Numbers, each with the heading of its block; codes have their sentence above them, others beside them."""
    group, above, before = "", "", ""
    for line in text().split("typedef", 1)[0].splitlines():
        comment = re.fullmatch(r"/\* (.*?) \*/", line)
        number = re.fullmatch(r"#define (\w+)\s+(\(?-?\w+\)?)\s*(?:/\* (.*) \*/)?", line)
        if comment:
            above = comment[1]
            group = above if not before.strip() else group
        elif number and number[1] != "CALL_MUST_USE":
            beside = number[3] or ""
            yield Constant(number[1], number[2], above if re.match(r"0x|$", beside) else beside, group)
        before = line


def opening():
    """What the header says before everything else."""
    return paragraphs(re.match(r"/\*(.*?)\*/", text(), re.S)[1])
