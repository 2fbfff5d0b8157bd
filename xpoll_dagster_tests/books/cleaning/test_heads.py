from xpoll_dagster.books.model import Line, RawPage
from xpoll_dagster_tests.books.cleaning.printing import body, centred, clean, line, page

SENTENCES = [
    "The river rises in the hills and runs to the sea by many mouths.",
    "Of the towns upon its banks the oldest is said to be the smallest.",
    "Merchants came up it with salt and went down again with timber.",
    "In winter the ferry stops and nobody crosses for a month or more.",
    "A bridge was planned three times and three times it was forgotten.",
    "The miller kept a book in which he wrote the height of every flood.",
    "His figures are the longest series that the province can show us.",
]


def text_lines(number: int, rows: int = 20) -> list[Line]:
    picked = [SENTENCES[(number * 3 + row) % 7][:-1] + f" {number}{row}x." for row in range(rows)]
    return [line(text, 60 + row * 12, right=350) for row, text in enumerate(picked)]


def chapter_of(number: int) -> str:
    return "THE UPPER RIVER" if number < 15 else "THE DELTA AND THE SEA"


def with_heads(count: int = 30) -> list[RawPage]:
    pages = []
    for number in range(1, count + 1):
        head = "A HISTORY OF THE RIVER" if number % 2 else chapter_of(number)
        lines = [centred(head, 20), line(str(number + 4), 20, 335), *text_lines(number)]
        pages.append(page(number, lines))
    return pages


def test_alternating_heads_that_change_by_chapter_and_their_numbers_go():
    table = clean(with_heads())
    text = body(table)
    assert "HISTORY OF THE RIVER" not in text
    assert "UPPER RIVER" not in text
    assert "DELTA" not in text
    assert all(len(removed) == 1 for removed in table["removed"])
    assert table["removed"][2].to_list() == ["A HISTORY OF THE RIVER 7"]


def test_no_line_of_the_text_goes_with_them():
    text = body(clean(with_heads()))
    for number in range(1, 31):
        for row in range(20):
            assert f"{number}{row}x." in text


def test_heads_with_misread_letters_go_on_recognised_pages():
    noisy = ["A HISTORY OF THE RIVER", "A HISTQRY OF THE RIVER", "A HISTORY OF TIE RIVER"]
    pages = []
    for number in range(1, 21):
        lines = [centred(noisy[number % 3], 20 + number % 4), *text_lines(number)]
        raw = page(number, lines)
        pages.append(type(raw)(raw.page, raw.blocks, method="ocr", width=400, height=600))
    assert "RIVER" not in body(clean(pages))


def test_page_numbers_at_the_foot_go_by_sequence_and_other_numbers_stay():
    pages = []
    for number in range(1, 21):
        lines = [*text_lines(number), centred(f"– {number + 100} –", 560)]
        if number == 7:
            lines.insert(20, line("1815", 330))
        pages.append(page(number, lines))
    table = clean(pages)
    assert "1815" in body(table)
    assert "–" not in body(table)
    assert table["removed"][0].to_list() == ["– 101 –"]


def test_roman_page_numbers_go():
    numerals = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii"]
    pages = [
        page(place + 1, [*text_lines(place), centred(numeral, 560)])
        for place, numeral in enumerate(numerals)
    ]
    assert clean(pages)["removed"].to_list() == [[numeral] for numeral in numerals]


def test_a_numbered_section_heading_stays_on_its_first_page():
    pages = []
    for number in range(1, 13):
        lines = text_lines(number)
        if number >= 4:
            size = 14.0 if number == 4 else 10.0
            lines = [line("3.2 Floods and Droughts", 20, size=size), *lines]
        pages.append(page(number, lines))
    text = body(clean(pages))
    assert text.count("3.2 Floods and Droughts") == 1


def test_the_switch_keeps_everything():
    table = clean(with_heads(), running_heads=False, page_numbers=False)
    assert body(table).count("A HISTORY OF THE RIVER") == 15
    assert not any(table["removed"].list.len())


def test_repeated_first_lines_at_other_heights_are_text():
    pages = []
    for number in range(1, 13):
        lines = text_lines(number)
        lines.insert(
            5 + number % 5, line("Here ends the lesson of the day.", 60 + 12 * (22 + number % 7))
        )
        pages.append(page(number, lines))
    assert body(clean(pages)).count("Here ends the lesson") == 12


def test_the_number_of_a_chapter_is_no_page_number():
    pages = []
    for number in range(1, 13):
        lines = text_lines(number)
        if number == 1 or number % 4 == 0:
            chapter = 1 + number // 4  # the first one equals its page's number
            lines = [line(f"Chapter {chapter}", 20, size=18), *lines]
            pages.append(page(number, lines))
        else:
            pages.append(page(number, [line(str(number), 20, 335), *lines]))
    text = body(clean(pages))
    assert [f"Chapter {number}" in text for number in range(1, 5)] == [True] * 4
