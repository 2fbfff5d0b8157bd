# ruff: noqa: D103, E501
"""Writes the sample datasets: the schemas of well-known public ones, with content of our own.

Run it in this folder: `python build.py`. The same bytes come out every time.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import zstandard
from tables import (
    ANIMALS,
    COUNTRIES,
    DILEMMAS,
    ELEMENTS,
    FEELINGS,
    FUNCTIONS,
    STORIES,
    SUMS,
    TOOLS,
)

HERE = Path(__file__).parent
Rows = list[dict[str, Any]]


def lines(rows: Iterable[Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def code(name: str, arguments: str, body: str) -> str:
    return f"def {name}({arguments}):\n    {body}"


def questions() -> list[tuple[str, str]]:
    """Questions about the tables with answers of a sentence."""
    found = []
    for country, capital, continent, language, river in COUNTRIES:
        found.append(
            (f"What is the capital of {country}?", f"The capital of {country} is {capital}.")
        )
        found.append(
            (
                f"On which continent is {country}, and what is spoken there?",
                f"{country} is in {continent}; its official language is {language}. Among its rivers is {river}.",
            )
        )
    for element, symbol, number, nature, use in ELEMENTS:
        found.append(
            (
                f"What is {element} and what is it used for?",
                f"{element.capitalize()} ({symbol}, atomic number {number}) is {nature}. It is used for {use}.",
            )
        )
    for animal, kind, food, wonder in ANIMALS:
        found.append(
            (
                f"What is remarkable about the {animal}?",
                f"The {animal} is a {kind} that eats {food}. What is remarkable: {wonder}.",
            )
        )
    return found


def sums() -> list[tuple[str, int, int, int]]:
    found = []
    for text, a, b, c in SUMS:
        for factor in (1, 2, 3, 5):
            x, y = a * factor, b * factor
            if (x + y) % c == 0:
                found.append((text.format(a=x, b=y, c=c), x, y, c))
    return found


def alpaca() -> Rows:
    rows = [
        {"instruction": "Name the continent of this country.", "input": c[0], "output": c[2]}
        for c in COUNTRIES
    ]
    rows += [
        {
            "instruction": f"Describe the {a} in one sentence.",
            "input": "",
            "output": f"The {a} is a {k} that feeds on {f}, and {w}.",
        }
        for a, k, f, w in ANIMALS
    ]
    rows += [
        {
            "instruction": "Put these words in alphabetical order.",
            "input": ", ".join((e[0], e[4].split()[0].strip(","), "water")),
            "output": ", ".join(sorted((e[0], e[4].split()[0].strip(","), "water"))),
        }
        for e in ELEMENTS
    ]
    return rows


def squad() -> dict[str, Any]:
    articles = []
    for title, table in (("Elements", ELEMENTS), ("Countries", COUNTRIES)):
        paragraphs = []
        for number, row in enumerate(table):
            if title == "Elements":
                element, symbol, at, nature, use = row
                context = f"{element.capitalize()} has the symbol {symbol} and the atomic number {at}. It is {nature}. People use it for {use}."
                asked = [
                    (f"What is the symbol of {element}?", symbol),
                    (f"What do people use {element} for?", use),
                    (f"Who discovered {element}?", None),
                ]
            else:
                country, capital, continent, language, river = row
                context = f"{country} lies in {continent}. Its capital is {capital} and its official language is {language}. One of its rivers is {river}."
                asked = [
                    (f"Which language is official in {country}?", language),
                    (f"How many people live in {country}?", None),
                ]
            qas = [
                {
                    "question": question,
                    "id": f"{title[0]}{number}-{n}",
                    "answers": [{"text": answer, "answer_start": context.index(answer)}]
                    if answer
                    else [],
                    "is_impossible": answer is None,
                }
                for n, (question, answer) in enumerate(asked)
            ]
            paragraphs.append({"qas": qas, "context": context})
        articles.append({"title": title, "paragraphs": paragraphs})
    return {"version": "v2.0", "data": articles}


def hh() -> Rows:
    rows = []
    for feeling, event, ask, tip in FEELINGS:
        start = f"\n\nHuman: I feel {feeling}: {event}.\n\nAssistant: {ask}\n\nHuman: I do not quite know. What could I do?\n\nAssistant: "
        rows.append(
            {"chosen": start + tip, "rejected": start + "You should simply stop feeling that way."}
        )
    for question, one, other in DILEMMAS:
        start = f"\n\nHuman: {question}\n\nAssistant: "
        rows.append(
            {
                "chosen": f"{start}People disagree. {one}; on the other hand, {other}. What speaks most to you?",
                "rejected": f"{start}Yes. Everybody who thinks otherwise is wrong.",
            }
        )
    return rows


def ultrachat() -> Rows:
    rows = []
    for n, ((a, k, f, w), (b, _, g, v)) in enumerate(
        zip(ANIMALS, ANIMALS[1:] + ANIMALS[:1], strict=True)
    ):
        rows.append(
            {
                "id": str(n),
                "data": [
                    f"Tell me something surprising about the {a}.",
                    f"Gladly: {w}. The {a} is a {k}.",
                    "What does it eat?",
                    f"It eats {f}.",
                    f"And the {b}?",
                    f"The {b} eats {g}; what is special about it: {v}.",
                ],
            }
        )
    return rows * 1 + [
        {
            "id": str(20 + n),
            "data": [
                f"I am learning chemistry. What is {e[0]}?",
                f"{e[0].capitalize()} is {e[3]}.",
                "Where would I meet it in daily life?",
                f"In {e[4]}.",
            ],
        }
        for n, e in enumerate(ELEMENTS)
    ]


def sharegpt() -> Rows:
    return [
        {
            "id": f"sample_{n}",
            "conversations": [
                {"from": "human", "value": f"Write a Python function that {task}."},
                {"from": "gpt", "value": f"```python\n{code(name, arguments, body)}\n```"},
                {"from": "human", "value": "How would I call it?"},
                {
                    "from": "gpt",
                    "value": f"Import it and call `{name}({arguments})` with values of your own for {arguments}.",
                },
            ],
        }
        for n, (task, name, arguments, body) in enumerate(FUNCTIONS)
    ] + [
        {
            "id": f"sample_c{n}",
            "conversations": [
                {
                    "from": "human",
                    "value": f"I am travelling to {capital}. Which language should I learn a few words of?",
                },
                {
                    "from": "gpt",
                    "value": f"{language}: {capital} is the capital of {country}, where it is the official language.",
                },
            ],
        }
        for n, (country, capital, _, language, _) in enumerate(COUNTRIES)
    ]


def tool(row: tuple[str, ...]) -> dict[str, Any]:
    name, description, argument, meaning, *_ = row
    parameters = {
        "type": "object",
        "properties": {argument: {"type": "string", "description": meaning}},
        "required": [argument],
    }
    return {"name": name, "description": description, "parameters": parameters}


ASKED = (
    "Please use {name} for {value}.",
    "What does {name} say about {value}?",
    "I need this for {value}: {what}.",
    "Could you {what_small} ({value})?",
)


def asked(row: tuple[str, ...], form: int) -> str:
    name, what, _, _, value, *_ = row
    return ASKED[form].format(
        name=name.replace("_", " "), value=value, what=what, what_small=what[0].lower() + what[1:]
    )


def tool_messages() -> Rows:
    rows = []
    for row in TOOLS:
        name, _, argument, _, value, result, answer = row
        for form in range(4):
            call = {
                "id": f"call_{form}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps({argument: value})},
            }
            rows.append(
                {
                    "tools": [{"type": "function", "function": tool(row)}],
                    "messages": [
                        {"role": "user", "content": asked(row, form)},
                        {"role": "assistant", "content": None, "tool_calls": [call]},
                        {"role": "tool", "tool_call_id": f"call_{form}", "content": result},
                        {"role": "assistant", "content": answer},
                    ],
                }
            )
    return rows


def glaive() -> Rows:
    rows = []
    for row in TOOLS:
        name, _, argument, _, value, result, answer = row
        system = f"SYSTEM: You are a helpful assistant with access to the following functions. Use them if required -\n{json.dumps(tool(row), indent=4)}\n"
        for form in range(4):
            call = json.dumps({"name": name, "arguments": json.dumps({argument: value})})
            rows.append(
                {
                    "system": system,
                    "chat": f"USER: {asked(row, form)}\n\n\nASSISTANT: <functioncall> {call} <|endoftext|>\n\n\nFUNCTION RESPONSE: {result}\n\n\nASSISTANT: {answer} <|endoftext|>\n\n\n",
                }
            )
    return rows


def calls() -> Rows:
    return [
        {
            "id": n,
            "query": asked(row, form),
            "tools": json.dumps([tool(row)]),
            "answers": json.dumps([{"name": row[0], "arguments": {row[2]: row[4]}}]),
        }
        for n, (row, form) in enumerate((row, form) for row in TOOLS for form in range(4))
    ]


def trees() -> Rows:
    def message(
        key: str, role: str, text: str, replies: Rows, rank: int | None = None
    ) -> dict[str, Any]:
        return {
            "message_id": key,
            "text": text,
            "role": role,
            "lang": "en",
            "deleted": False,
            "rank": rank,
            "synthetic": False,
            "replies": replies,
        }

    rows = []
    for n, (question, answer) in enumerate(questions()[:24]):
        thanks = message(
            f"{n}-2",
            "prompter",
            "Thank you. Can you put that in three words?",
            [
                message(
                    f"{n}-3",
                    "assistant",
                    " ".join(answer.rstrip(".").split()[-3:]).capitalize() + ".",
                    [],
                    0,
                )
            ],
        )
        replies = [
            message(f"{n}-9", "assistant", "I would rather not say.", [], 1),
            message(f"{n}-1", "assistant", answer, [thanks] if n % 2 else [], 0),
        ]
        rows.append(
            {
                "message_tree_id": f"tree-{n}",
                "tree_state": "ready_for_export",
                "prompt": message(f"{n}-0", "prompter", question, replies),
            }
        )
    return rows


def preferences() -> Rows:
    return [
        {"prompt": question, "chosen": answer, "rejected": "That is a question I have no time for."}
        for question, answer in questions()
    ]


def trivia() -> dict[str, Any]:
    data = [
        {
            "Question": f"Which city is the capital of {country}?",
            "QuestionId": f"s_{n}",
            "QuestionSource": "own",
            "Answer": {
                "Value": capital,
                "Aliases": [capital, f"City of {capital}", f"{capital}, {country}"],
                "NormalizedValue": capital.lower(),
                "NormalizedAliases": [capital.lower()],
                "Type": "WikipediaEntity",
            },
            "EntityPages": [],
            "SearchResults": [],
        }
        for n, (country, capital, *_) in enumerate(COUNTRIES)
    ] + [
        {
            "Question": f"Which element has the symbol {symbol}?",
            "QuestionId": f"e_{n}",
            "QuestionSource": "own",
            "Answer": {
                "Value": element.upper(),
                "Aliases": [element.capitalize(), f"{element.capitalize()} (element)"],
                "NormalizedValue": element,
                "NormalizedAliases": [element],
                "Type": "WikipediaEntity",
            },
            "EntityPages": [],
            "SearchResults": [],
        }
        for n, (element, symbol, *_) in enumerate(ELEMENTS)
    ]
    return {"Data": data, "Domain": "Web", "Version": 1.0}


def seed_tasks() -> Rows:
    return [
        {
            "id": f"seed_task_{n}",
            "name": name,
            "instruction": f"Say what this call gives: {name} {task}.",
            "instances": [
                {"input": f"{name}({value!r})", "output": repr(result)} for value, result in pairs
            ],
            "is_classification": False,
        }
        for n, (name, task, pairs) in enumerate(
            (
                (
                    "largest",
                    "returns the largest number of a list",
                    [([1, 5, 3], 5), ([-2, -9], -2), ([7], 7)],
                ),
                (
                    "mean",
                    "returns the mean of a list",
                    [([2, 4], 3.0), ([1, 1, 4], 2.0), ([5, 10, 15], 10.0)],
                ),
                (
                    "unique",
                    "removes repeated items",
                    [([1, 1, 2], [1, 2]), (["b", "a", "b"], ["b", "a"]), ([3], [3])],
                ),
                (
                    "flatten",
                    "flattens a list of lists",
                    [([[1], [2, 3]], [1, 2, 3]), ([[], [4]], [4]), ([["a"], ["b"]], ["a", "b"])],
                ),
                (
                    "is_palindrome",
                    "tells whether a word reads the same backwards",
                    [("level", True), ("river", False), ("Anna", True)],
                ),
                (
                    "count_vowels",
                    "counts the vowels of a text",
                    [("garden", 2), ("sky", 0), ("ocean", 3)],
                ),
                ("factorial", "returns the factorial of a number", [(3, 6), (5, 120), (1, 1)]),
            )
        )
    ]


def benchmark() -> Rows:
    return [
        {
            "question_id": 900 + n,
            "category": "math",
            "turns": [text, "How many would it be with twice as many to begin with?"],
            "reference": [str((a + b) // c), str(2 * (a + b) // c)],
        }
        for n, (text, a, b, c) in enumerate(
            (
                (
                    "A tram line has 14 stops on its way out and 22 on its way back, served by crews of 9 stops each. How many crews are needed?",
                    14,
                    22,
                    9,
                ),
                (
                    "Four shelves hold 33 atlases and 15 globes between them, the same number on each. How many things stand on a shelf?",
                    33,
                    15,
                    4,
                ),
            )
        )
    ] + [
        {
            "question_id": 910 + n,
            "category": "writing",
            "turns": [text, "Now say the same in a single sentence."],
        }
        for n, text in enumerate(
            (
                "Write a short farewell speech for a station master who retires after forty years of night shifts.",
                "Describe a market at dawn to somebody who has never been able to hear.",
            )
        )
    ]


def empathetic() -> list[list[str]]:
    rows = [
        [
            "conv_id",
            "utterance_idx",
            "context",
            "prompt",
            "speaker_idx",
            "utterance",
            "selfeval",
            "tags",
        ]
    ]
    for n, (feeling, event, ask, tip) in enumerate(FEELINGS):
        said = [f"I feel {feeling}, {event}.", ask, "I keep thinking about it, to be honest.", tip]
        rows += [
            [
                f"hit:{n}_conv:{2 * n}",
                str(at + 1),
                feeling,
                f"{event}.".replace(",", "_comma_"),
                str(at % 2),
                text.replace(",", "_comma_"),
                "5|5|5_5|5|5",
                "",
            ]
            for at, text in enumerate(said)
        ]
    return rows


def moral_stories() -> Rows:
    done = []
    for n, (norm, situation, intention, good, result, bad) in enumerate(
        (
            (
                "It is good to return what one has borrowed.",
                "Lena has borrowed a drill from her neighbour.",
                "Lena wants to hang her pictures.",
                "Lena hangs the pictures and brings the drill back the same evening.",
                "Her neighbour is glad to lend her his ladder next time.",
                "Lena keeps the drill and says she has lost it.",
            ),
            (
                "One should not read other people's letters.",
                "Paul finds a letter to his sister on the table.",
                "Paul wants to know why she is sad.",
                "Paul asks his sister how she is.",
                "She tells him of the trouble at work.",
                "Paul opens the letter and reads it.",
            ),
            (
                "It is right to own up to a mistake.",
                "Ines has deleted a file that her team needs.",
                "Ines wants to keep her good name.",
                "Ines tells the team at once and helps to restore the file.",
                "The work is saved by noon and the team trusts her.",
                "Ines says that the computer must have done it.",
            ),
            (
                "One should let others finish speaking.",
                "Omar disagrees with what Eva is saying in a meeting.",
                "Omar wants his point to be heard.",
                "Omar waits until Eva has finished and then gives his reasons.",
                "The group weighs both ideas.",
                "Omar talks over Eva until she falls silent.",
            ),
        )
    ):
        done.append(
            {
                "ID": f"own-{n}",
                "norm": norm,
                "situation": situation,
                "intention": intention,
                "moral_action": good,
                "moral_consequence": result,
                "immoral_action": bad,
                "immoral_consequence": "",
            }
        )
    return done


def debates() -> Rows:
    return [
        {
            "instruction": f"Argue both sides of this question, then say what the answer hangs on: {question}",
            "context": "",
            "response": f"For one thing: {one[0].lower() + one[1:]}. Against it: {other}. The answer hangs on which of the two one would rather have to defend to the person concerned.",
            "category": "general_qa",
        }
        for question, one, other in DILEMMAS
    ] + [
        {
            "instruction": f"What is {element} used for?",
            "context": f"{element.capitalize()} is {nature}. It is used for {use}.",
            "response": f"For {use}.",
            "category": "closed_qa",
        }
        for element, _, _, nature, use in ELEMENTS
    ]


def choices() -> Rows:
    rows = []
    for n, (country, capital, *_) in enumerate(COUNTRIES):
        others = [COUNTRIES[(n + step) % len(COUNTRIES)][1] for step in (1, 2, 3)]
        options = sorted([capital, *others])
        rows.append(
            {
                "question": f"Which of these cities is the capital of {country}?",
                "subject": "geography",
                "choices": options,
                "answer": options.index(capital),
            }
        )
    for n, (animal, kind, *_) in enumerate(ANIMALS):
        options = sorted({kind, *(ANIMALS[(n + step) % len(ANIMALS)][1] for step in range(1, 6))})[
            :5
        ]
        options = options if kind in options else [*options[:4], kind]
        rows.append(
            {
                "question": f"To which group of animals does the {animal} belong?",
                "subject": "biology",
                "choices": options,
                "answer": options.index(kind),
            }
        )
    return rows


def table(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def main() -> None:
    (HERE / "alpaca.jsonl").write_bytes(lines(alpaca()))
    (HERE / "worked_sums.jsonl").write_bytes(
        lines(
            {
                "question": text,
                "answer": f"Together there are {a} + {b} = <<{a}+{b}={a + b}>>{a + b}.\nShared by {c} that gives {a + b} / {c} = <<{a + b}/{c}={(a + b) // c}>>{(a + b) // c}.\n#### {(a + b) // c}",
            }
            for text, a, b, c in sums()
        )
    )
    table(HERE / "questions.csv", [["question", "answer"], *map(list, questions())])
    (HERE / "squad.json").write_text(json.dumps(squad(), ensure_ascii=False))
    with (
        (HERE / "hh.jsonl.gz").open("wb") as out,
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0, filename="") as packed,
    ):
        packed.write(lines(hh()))
    (HERE / "ultrachat.jsonl").write_bytes(lines(ultrachat()))
    (HERE / "sharegpt.json").write_text(json.dumps(sharegpt(), ensure_ascii=False, indent=1))
    (HERE / "tool_messages.jsonl").write_bytes(lines(tool_messages()))
    (HERE / "glaive.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines(glaive())))
    (HERE / "function_calls.json").write_text(json.dumps(calls(), ensure_ascii=False, indent=1))
    (HERE / "oasst_trees.jsonl").write_bytes(lines(trees()))
    pl.DataFrame(preferences()).write_parquet(HERE / "preferences.parquet")
    (HERE / "triviaqa.json").write_text(json.dumps(trivia(), ensure_ascii=False, indent=1))
    (HERE / "seed_tasks.jsonl").write_bytes(lines(seed_tasks()))
    (HERE / "mt_bench.jsonl").write_bytes(lines(benchmark()))
    (HERE / "writing_prompts.jsonl").write_bytes(
        lines(
            {
                "prompt": f"[ {mark} ] {prompt} .",
                "story": story.replace("\n", " <newline> ").replace(",", " ,"),
            }
            for (prompt, _, story), mark in zip(
                STORIES, ("WP", "EU", "WP", "CW", "WP"), strict=True
            )
        )
    )
    table(HERE / "empathetic_dialogues.csv", empathetic())
    table(
        HERE / "counselling.csv",
        [
            ["Context", "Response"],
            *(
                [
                    f"I feel {feeling} because {event}. What can I do?",
                    f"It makes sense that you feel {feeling}. {ask} {tip}",
                ]
                for feeling, event, ask, tip in FEELINGS
            ),
        ],
    )
    (HERE / "moral_stories.jsonl").write_bytes(lines(moral_stories()))
    (HERE / "dolly.jsonl").write_bytes(lines(debates()))
    (HERE / "magicoder.jsonl").write_bytes(
        lines(
            {
                "lang": "python",
                "index": n,
                "problem": f"Write a Python function `{name}({arguments})` that {task}.",
                "solution": f"```python\n{code(name, arguments, body)}\n```",
            }
            for n, (task, name, arguments, body) in enumerate(FUNCTIONS)
        )
    )
    (HERE / "multiple_choice.jsonl").write_bytes(lines(choices()))
    (HERE / "chats.jsonl").write_bytes(
        lines(
            {
                "text": f"### Human: {question}### Assistant: {answer}".replace(
                    "### Assistant", "\n### Assistant"
                )
            }
            for question, answer in questions()[::2]
        )
    )
    for _, name, story in STORIES[:2]:
        (HERE / f"text-{name}.txt").write_text(story + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
