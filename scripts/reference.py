"""The header as a page of HTML: functions under the nouns of src/ffi, types, codes and constants, each with its anchor."""
import html
import re

import header
from sections import CODE, RULES, sections

NAMES = {thing.name for part in (header.functions, header.structs, header.typedefs, header.constants) for thing in part()}
SAYS = {constant.name: constant.says for constant in header.constants()}


def link(name, shown=None):
    return f'<a href="reference.html#{name}">{shown or f"<code>{name}</code>"}</a>'


def prose(text):
    text = html.escape(re.sub(RULES, "", text), quote=False)
    return re.sub(r"\b[A-Za-z]+_\w+\b", lambda found: link(found[0]) if found[0] in NAMES else found[0], text)


def noun(function):
    """The file of src/ffi that has it."""
    for file in sorted((header.ROOT / "src" / "ffi").glob("*.rs")):
        if re.search(rf"\bfn {function.name}\b", file.read_text()):
            return file.stem
    raise SystemExit(f"reference: {function.name} is in no file of src/ffi")


def declared(text):
    return re.sub(r"\bcall_\w+_t\b|\bcall_t\b|\bcall_\w+_fn\b", lambda found: link(found[0], found[0]), html.escape(text))


def function(one):
    parts = [f"{part.type}{'' if part.type.endswith('*') else ' '}{part.name}" for part in one.parameters]
    text = [f'<section id="{one.name}"><h3>{one.name}</h3>',
            f"<pre>{declared(one.result)} <b>{one.name}</b>({declared((',' + chr(10) + '    ').join(parts) or 'void')});</pre>"]
    for name, blocks in sections(one.says).items():
        text += [f"<h4>{name}</h4>"] if name != "DESCRIPTION" else []
        for code, words in blocks:
            text.append(f"<p>{prose(words)}</p>" if code is None else
                        f"<dl><dt>{link(code)}</dt><dd>{prose(words or SAYS[code])}</dd></dl>")
    return "\n".join([*text, "</section>"])


def types():
    for one in header.typedefs():
        yield one.name, f"<pre>{declared(one.declaration)}</pre>", one.says
    for one in header.structs():
        rows = "".join(f"<dt><code>{declared(field.declaration)}</code></dt><dd>{' '.join(map(prose, field.says))}</dd>"
                       for field in one.fields)
        yield one.name, f"<pre>struct {one.name}</pre><dl>{rows}</dl>", one.says


def constants(of_codes):
    """A heading where a block of the header begins."""
    group = ""
    for one in header.constants():
        if bool(re.fullmatch(CODE, one.name)) == of_codes:
            says = one.says
            if not of_codes and one.group != group:
                group = one.group
                yield f"<h4>{html.escape(group)}</h4>"
            says = "" if not of_codes and says == group else prose(says)
            yield f'<dl id="{one.name}"><dt><code>{one.name}</code> {html.escape(one.value)}</dt><dd>{says}</dd></dl>'


def page():
    """The body, and the headings in it: anchor and words."""
    says = header.opening()
    heads = [("rules", "Rules for every function")]
    text = ["<h1>Reference</h1>", *(f"<p>{prose(words)}</p>" for words in says[1:says.index(heads[0][1])]),
            f'<h2 id="rules">{heads[0][1]}</h2>', *(f"<p>{prose(words)}</p>" for words in says[says.index(heads[0][1]) + 1:])]
    last = ""
    for one in header.functions():
        if noun(one) != last:
            last = noun(one)
            heads.append((f"of-{last}", f"Functions: {last}"))
            text.append(f'<h2 id="of-{last}">{heads[-1][1]}</h2>')
        text.append(function(one))
    heads += [("types", "Types"), ("codes", "Codes"), ("constants", "Constants")]
    text += ['<h2 id="types">Types</h2>']
    text += [f'<section id="{name}"><h3>{name}</h3>{body}{"".join(f"<p>{prose(words)}</p>" for words in about)}</section>'
             for name, body, about in types()]
    text += ['<h2 id="codes">Codes</h2>', *constants(True), '<h2 id="constants">Constants</h2>', *constants(False)]
    return "\n".join(text), heads
