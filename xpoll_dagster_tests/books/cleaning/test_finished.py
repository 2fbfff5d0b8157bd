from xpoll_dagster.books.model import Block, RawPage
from xpoll_dagster_tests.books.cleaning.printing import blocks, body, clean

PROSE = "The valley was settled late, and those who came first were makers of salt. " * 5


def section(number: int, *blocks: Block) -> RawPage:
    return RawPage(number, blocks)


def test_finished_blocks_are_joined_by_blank_lines_and_formulas_tied():
    table = clean(
        [
            section(
                1,
                Block("heading", "Salt", level=2),
                Block("paragraph", "The yield  is\nthen"),
                Block("formula", "y = ax"),
                Block("paragraph", "where a is the area."),
                Block("list", "- one\n- two"),
            )
        ]
    )
    assert body(table) == (
        "Salt\n\nThe yield is then\ny = ax\nwhere a is the area.\n\n- one\n- two\n\n"
    )
    assert table["blocks"][0][0]["level"] == 2


def test_licence_and_transcribers_notes_are_set_aside():
    table = clean(
        [
            section(
                1,
                Block("paragraph", "The Project Gutenberg eBook of Salt. Licence."),
                Block("paragraph", "*** START OF THE PROJECT GUTENBERG EBOOK SALT ***"),
                Block("heading", "Transcriber's Note", level=2),
                Block("paragraph", "Spelling was made uniform."),
                Block("heading", "Chapter I", level=1),
                Block("paragraph", PROSE),
            ),
            section(
                2,
                Block("paragraph", "*** END OF THE PROJECT GUTENBERG EBOOK SALT ***"),
                Block("paragraph", "Terms of use."),
            ),
        ]
    )
    assert body(table) == f"Chapter I\n\n{PROSE.strip()}\n\n"
    assert table["kind"].to_list() == ["body", "licence"]
    assert "Spelling was made uniform." in table["removed"][0].to_list()
    assert len(table["removed"][1]) == 2


def test_markers_that_would_remove_most_of_the_book_are_not_believed():
    table = clean(
        [
            section(
                1,
                Block("paragraph", "*** END OF THE PROJECT GUTENBERG EBOOK SALT ***"),
                Block("paragraph", PROSE),
            )
        ]
    )
    assert PROSE.strip() in body(table)


def test_captions_in_capitals_are_notes_where_the_book_has_the_habit():
    captions = [
        "A MAMMOTH",
        "BUST OF A SALT MAKER Nat. Hist. Mus.",
        "THE ROAD TO THE SEA Photo: Smith",
        "POTTERY Dug up in the marsh.",
        "THE FIRST DIKE (From an old print)",
    ]
    parts = [Block("heading", "Salt", level=1), Block("paragraph", "THE valley was settled late.")]
    for caption in captions:
        parts += [Block("paragraph", PROSE), Block("paragraph", caption)]
    parts.append(Block("paragraph", "THE SALT was sold inland as far as the mountains."))
    assert blocks(clean([section(1, *parts)]), "note") == captions
    assert blocks(clean([section(1, *parts[:4])]), "note") == [], "one alone is no habit"


def test_a_numbered_caption_is_a_note_and_a_sentence_about_a_figure_is_not():
    table = clean(
        [
            section(
                1,
                Block("paragraph", "Figure 3. The dike from the sea."),
                Block("paragraph", "Figure 3 shows the dike from the sea, as it was."),
            )
        ]
    )
    assert blocks(table, "note") == ["Figure 3. The dike from the sea."]


def test_what_conversions_left_behind_goes():
    table = clean(
        [
            section(
                1,
                Block(
                    "paragraph", "The tide is x size 12{x rSup { size 8{2} } } {} ** high** now."
                ),
                Block("paragraph", "The dike**is old, and 2**3 is eight; size 12{ stays open."),
                Block("note", "See the register.\u21a9\ufe0e"),
            )
        ]
    )
    assert body(table) == (
        "The tide is x high now.\n\nThe dike is old, and 2**3 is eight; size 12{ stays open.\n\n"
        "See the register.\n\n"
    )
    assert table["removed"][0].to_list() == ["size 12{x rSup { size 8{2} } } {}"]
