"""The parts of a comment of the header: what it describes, what it returns, its threads, what it waits for, who owns what.

A part is a list of blocks: (None, text), or (code, what it means here; empty: what it always means).
"""
import re

import header

CODE = r"\b(?:[A-Z]+_)?[SE]_[A-Z_]+"
# What a sentence of a comment begins with, and its part.
LABELS = {"Threads": "THREADS", "Blocks": "BLOCKING", "Ownership": "OWNERSHIP", "Returns": "RETURN VALUE"}
ORDER = ["DESCRIPTION", "RETURN VALUE", "THREADS", "BLOCKING", "OWNERSHIP"]
# The rules of the model that a sentence shows.
RULES = re.compile(r"\s*\((?:[A-Z]{2}-\d+(?:, | to | and )?)+\)")
PARAMETERS = {parameter.name for function in header.functions() for parameter in function.parameters}


def begun(words):
    """With a capital, as a sentence; but a parameter is written as it is."""
    return words if re.match(r"\w+", words)[0] in PARAMETERS else words[0].upper() + words[1:]


def codes(paragraph):
    """The blocks of a paragraph that begins with `Returns`; what is no code stays text."""
    parts = re.split(rf"(?:(?<=[.:;] )|^)({CODE})(?=[:.,] ?)", paragraph)
    if parts[0].strip():
        yield None, begun(parts[0].strip())
    for code, words in zip(parts[1::2], parts[2::2], strict=True):
        words = re.sub(r"^[:.,]\s*", "", words).strip().removesuffix(";")
        # A sentence that ends with a colon belongs to the codes that follow.
        words, of_the_next = re.fullmatch(r"(.*?[.)])?(?:\s*([A-Z][^.]*:))?", words).groups() \
            if words.endswith(":") else (words, None)
        yield code, begun(words) if words else ""
        if of_the_next:
            yield None, of_the_next


def sections(says):
    """`Threads`, `Blocks` and `Ownership` share a paragraph."""
    found = {}
    section = "DESCRIPTION"
    for paragraph in says:
        first, *rest = (part for part in re.split(r"(?:(?<=\. )|^)(Threads|Blocks|Ownership): |^(Returns) ", paragraph)
                        if part is not None)
        if first:
            found.setdefault(section, []).extend(codes(first) if section == "RETURN VALUE" else [(None, first.strip())])
        for label, words in zip(rest[::2], rest[1::2], strict=True):
            section = LABELS[label]
            blocks = codes(words) if label == "Returns" else [(None, begun(words.strip()))]
            found.setdefault(section, []).extend(blocks)
    return {name: found[name] for name in ORDER if name in found}


def summary(says):
    """What the first sentence says first, for lists."""
    text = re.sub(RULES, "", says[0])
    words = re.match(r"(.*?)(?:[.:;](?:\s|$)|, (?:through|which|as|and|such)\b)", text + " ")[1]
    return words[0].lower() + words[1:]
