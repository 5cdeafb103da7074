"""Tables in Markdown, such as those of a README."""

from fitting.data.formats.markup import refuse_markup
from fitting.data.formats.records import Records, from_lines, plain_number
from jaxlaws.foundations.errors import DataError


def read_markdown_table(content: bytes) -> Records:
    """Read the only table of a Markdown text; markup in its cells is left out.

    Raises:
        DataError: the text has no table, or several.
    """
    from markdown_it import MarkdownIt

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"it is not text: {error}") from None
    tables: list[list[tuple[int, list[str]]]] = []
    before = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open" and token.map:
            tables[-1].append((token.map[0] + 1, []))
        elif token.type == "inline" and before in ("th_open", "td_open"):
            inner = "".join(each.content for each in token.children or () if each.content)
            tables[-1][-1][1].append(plain_number(inner.strip()))
        before = token.type
    if not tables:
        refuse_markup(content)
    if len(tables) != 1:
        what = "no table" if not tables else f"{len(tables)} tables"
        raise DataError(f"the Markdown has {what}: it must have one")
    (_, header), *lines = tables[0]
    return from_lines(header, [record for _, record in lines], [row for row, _ in lines])
