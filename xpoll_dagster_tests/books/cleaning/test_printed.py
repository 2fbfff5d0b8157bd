"""Paragraphs, notes, headings, formulas, code, lists and tables of printed pages."""

from xpoll_dagster.books.model import Block, Line, RawPage
from xpoll_dagster_tests.books.cleaning.printing import (
    PITCH,
    blocks,
    body,
    centred,
    clean,
    line,
    page,
    set_paragraph,
)

FIRST = (
    "The valley was settled late, for the marsh at its mouth bred fever and the hills behind it "
    "gave no pasture. Those who came first were salt makers, and they built upon the only ridge "
    "that the spring tides did not reach. Their huts are gone but the ridge bears their name."
)
SECOND = (
    "When the dikes were raised the marsh became meadow within a generation, and the salt makers "
    "turned to cattle. Of the two hundred families named in the first register more than half "
    "still held land when the second was written a century after."
)
THIRD = (
    "Trade followed the cattle. A market was granted, then a court, then a wall, and with the "
    "wall came taxes, of which the town complained in every letter that has been kept."
)


def setting(*texts: str, start: float = 60) -> list[Line]:
    lines: list[Line] = []
    y = start
    for text in texts:
        lines += set_paragraph(text, y)
        y = lines[-1].y0 + PITCH
    return lines


def test_wrapped_lines_become_paragraphs():
    table = clean([page(1, setting(FIRST, SECOND, THIRD))])
    assert blocks(table, "paragraph") == [FIRST, SECOND, THIRD]
    assert body(table) == f"{FIRST}\n\n{SECOND}\n\n{THIRD}\n\n"


def test_paragraphs_set_apart_without_indentation():
    lines, y = [], 60.0
    for text in (FIRST, SECOND, THIRD):
        lines += set_paragraph(text, y, indent=False)
        y = lines[-1].y0 + 2 * PITCH
    assert blocks(clean([page(1, lines)]), "paragraph") == [FIRST, SECOND, THIRD]


def test_a_paragraph_runs_over_the_page_break():
    lines = setting(FIRST, SECOND)
    cut = len(lines) - 2
    table = clean([page(1, lines[:cut]), page(2, [*lines[cut:], *setting(THIRD, start=200)])])
    assert body(table) == f"{FIRST}\n\n{SECOND}\n\n{THIRD}\n\n"
    assert table["text"][0].endswith(" ")
    assert [block["continues"] for block in table["blocks"][1]] == [True, False]


def test_a_word_broken_over_the_page_break_is_joined():
    text = FIRST + " It was a settlement."
    lines = setting(text)
    broken = line(lines[0].text + " settle-", 60, lines[0].x0, right=350)
    table = clean(
        [
            page(1, [*lines, line("and a settle-", 400, right=350)]),
            page(2, [line("ment of fishers.", 60), *setting(SECOND, start=72)]),
        ]
    )
    assert broken.text.endswith("-")
    assert "a settlement of fishers." in body(table)


def test_switch_keeps_paragraphs_apart():
    lines = setting(FIRST)
    table = clean([page(1, lines[:3]), page(2, lines[3:])], join_paragraphs=False)
    assert len(blocks(table, "paragraph")) == 2


def test_a_footnote_moves_behind_the_paragraph_it_interrupts():
    lines = setting(FIRST, SECOND)
    cut = len(lines) - 2
    marked = Line(
        **{field: getattr(lines[1], field) for field in ("x0", "y0", "x1", "y1", "size")},
        text=lines[1].text.replace("fever", "fever¹"),
    )
    note = line("¹ The fever is described by all travellers of the time.", 500, size=8)
    table = clean(
        [
            page(1, [lines[0], marked, *lines[2:cut], note]),
            page(2, [*lines[cut:], *setting(THIRD, start=200)]),
        ]
    )
    kinds = [block["kind"] for block in table["blocks"][1]]
    assert kinds == ["paragraph", "note", "paragraph"]
    assert table["blocks"][1][1]["page"] == 1
    assert body(table).startswith(f"{FIRST}\n\n{SECOND}\n\n¹ The fever")
    assert table["removed"][0].to_list() == ["fever¹"]


def test_headings_by_size_and_number_get_levels():
    lines = [
        centred("CHAPTER II", 60, size=16),
        centred("THE SALT MAKERS", 85, size=16),
        *setting(FIRST, start=120),
        line("2.1 The First Register", 200, bold=True),
        *setting(SECOND, start=224),
    ]
    table = clean([page(1, lines), page(2, setting(FIRST, THIRD))])
    headings = [
        (block["level"], block["text"].strip())
        for block in table["blocks"][0]
        if block["kind"] == "heading"
    ]
    assert headings == [
        (1, "CHAPTER II\nTHE SALT MAKERS"),
        (2, "2.1 The First Register"),
    ]


def test_a_run_in_bold_beginning_is_no_heading():
    lines = setting(FIRST)
    first = line(lines[0].text, 60, lines[0].x0, right=350, bold=True)
    table = clean([page(1, [first, *lines[1:]]), page(2, setting(SECOND))])
    assert blocks(table, "heading") == []
    assert blocks(table, "paragraph")[0] == FIRST


def test_a_display_formula_stays_whole_and_tied_to_its_paragraph():
    lines = [
        *set_paragraph("The height of the water is then given by", 60),
        line("h = a + b sin(2πt)", 78, 150, math=0.6),
        line("where a is the mean height at the mouth.", 96),
        *setting(FIRST, start=108),
    ]
    table = clean([page(1, lines)])
    assert blocks(table, "formula") == ["h = a + b sin(2πt)"]
    assert "given by\nh = a + b sin(2πt)\nwhere a is" in body(table)


def test_code_keeps_its_lines_and_indentation():
    lines = [
        *setting(FIRST),
        line("for tide in year:", 150, 80, mono=True),
        line("print(tide)", 162, 100, mono=True),
        *setting(SECOND, start=190),
    ]
    assert blocks(clean([page(1, lines)]), "code") == ["for tide in year:\n    print(tide)"]


def test_short_items_become_one_list():
    items = ["• salt from the pans", "• cattle from the meadows", "• timber from the hills"]
    lines = [*setting(FIRST)]
    lines += [line(item, 150 + 12 * n, 60) for n, item in enumerate(items)]
    assert blocks(clean([page(1, lines)]), "list") == ["\n".join(items)]


def test_aligned_cells_become_a_table():
    lines = [*setting(FIRST)]
    for n, (name, value) in enumerate([("Year", "Head"), ("1301", "210"), ("1402", "388")]):
        lines += [line(name, 150 + 12 * n, 80), line(value, 150 + 12 * n, 200)]
    assert blocks(clean([page(1, lines)]), "table") == ["Year | Head\n1301 | 210\n1402 | 388"]


def test_letters_inside_a_figure_are_set_aside():
    labels = [line(name, 200 + 9 * n, 120 + 20 * (n % 3)) for n, name in enumerate("ABCDP")]
    table = clean([page(1, [*setting(FIRST), *labels, centred("Fig. 3.", 260)])])
    assert table["removed"][0].to_list() == ["A B C D P"]
    assert blocks(table, "note") == ["Fig. 3."]


def test_contents_and_index_pages_are_marked_and_kept():
    contents = [centred("CONTENTS", 60, size=14)]
    contents += [
        line(f"{n}. The chapter of that number . . . . . . {n * 11}", 90 + 12 * n)
        for n in range(1, 12)
    ]
    index = [centred("INDEX", 60, size=14)]
    words = ["acre", "barge", "cattle", "dike", "eel", "ferry", "granary", "harbour", "jetty"]
    index += [line(f"{word}, {n + 3}, {n + 40}", 90 + 12 * n) for n, word in enumerate(words)]
    table = clean([page(1, contents), page(2, setting(FIRST, SECOND, THIRD)), page(3, index)])
    assert table["kind"].to_list() == ["contents", "body", "index"]
    assert "ferry" in table["text"][2]
    kept = clean([page(1, contents)], contents_pages=False)
    assert kept["kind"].to_list() == ["body"]


def test_what_surrounds_the_book_is_set_aside():
    front = [
        line("This eBook is for the use of anyone anywhere.", 60),
        line("*** START OF THIS PROJECT GUTENBERG EBOOK THE VALLEY ***", 72),
    ]
    end = [
        *set_paragraph(THIRD, 60),
        line("*** END OF THIS PROJECT GUTENBERG EBOOK THE VALLEY ***", 300),
        line("Updated editions will replace the previous one.", 312),
    ]
    table = clean(
        [
            page(1, front),
            page(2, setting(FIRST, SECOND, FIRST)),
            page(3, end),
            page(4, [line("License terms go on here.", 60)]),
        ]
    )
    assert table["kind"].to_list() == ["licence", "body", "body", "licence"]
    assert body(table).endswith(f"{THIRD}\n\n")
    assert "Updated editions will replace the previous one." in table["removed"][2].to_list()


def test_a_book_without_pages_of_text_gives_blank_pages():
    table = clean([RawPage(1, (), width=400, height=600), page(2, [])])
    assert table["kind"].to_list() == ["blank", "blank"]
    assert body(table) == ""


def test_a_table_the_reader_has_recognised_stays_as_given():
    given = Block("table", text="|a|b|\n|-|-|\n|1|2|", lines=(line("a b", 300), line("1 2", 312)))
    raw = RawPage(1, (Block("lines", lines=tuple(setting(FIRST))), given), width=400, height=600)
    assert blocks(clean([raw]), "table") == ["|a|b|\n|-|-|\n|1|2|"]


def test_items_with_further_lines_set_in_become_one_list():
    lines = [
        *setting(FIRST),
        line("6. Three dikes are raised. How many of the 216 huts keep a dry floor,", 150, 60),
        line("and how many a wet one? Explain why the", 162, 72, right=350),
        line("sum is always equal.", 174, 72),
        line("7. How many people must be in a town before the chance that at", 186, 60, right=350),
        line("least two keep cattle exceeds one half?", 198, 72),
        *setting(SECOND, start=230),
    ]
    assert blocks(clean([page(1, lines), page(2, setting(FIRST, THIRD))]), "list") == [
        "6. Three dikes are raised. How many of the 216 huts keep a dry floor, and how many a wet "
        "one? Explain why the sum is always equal.\n"
        "7. How many people must be in a town before the chance that at least two keep cattle "
        "exceeds one half?"
    ]


def test_the_upper_halves_of_fractions_do_not_cut_a_sentence():
    lines = setting(FIRST)
    third = lines[2]
    numerators = Line("1 2 4", 120, third.y0 - 2, 180, third.y0 + 5, 7.0)
    table = clean([page(1, [*lines[:2], numerators, *lines[2:]]), page(2, setting(SECOND))])
    assert len(blocks(table, "paragraph")) == 2
    assert "1 2 4" in blocks(table, "paragraph")[0]
