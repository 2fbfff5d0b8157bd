# ruff: noqa: E501  (patterns are easier to read in one piece)
"""The category of a row whose source states none, by rules that one can read.

Each rule is a pattern over the prompt, the answer or both; the first that matches decides, the
most telling first. What no rule knows is `instruction`, or `dialogue` where it has several
exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from xpoll_dagster.corpus.model import CATEGORIES


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows whose text matches get the category.

    `where` is what is looked at: the prompt (instruction and input), the answer, or the system
    prompt with both.
    """

    category: str
    where: Literal["prompt", "answer", "all"]
    pattern: str


_HEAD = 2_000
"""Characters of each text that are looked at."""

RULES: tuple[Rule, ...] = (
    Rule(
        "tool_use",
        "all",
        r"<tool_call>|<functioncall>|</?function_call|\"function_call\"|<\|tool|"
        r"\bAPI-Request\b|with access to the following functions|following (functions|tools|APIs)\b"
        r"|access to these (functions|tools)|\bAction Input:|\[[A-Za-z_]+\([a-z_]+=['\"]",
    ),
    Rule(
        "red_team",
        "prompt",
        r"(?i)\b(how (do|can|to|would|could) (i|you|we|someone)?\s?(\w+ ){0,4}"
        r"(hack|steal|rob|poison|murder|kill (someone|my|him|her|a person)|launder|forge|"
        r"blackmail|stalk|shoplift|make (a )?(bomb|meth|explosive)|build (a )?bomb|"
        r"get away with|pick a lock|cheat on)|write (\w+ ){0,4}(malware|ransomware|phishing)|"
        r"ignore (all )?(your|previous|prior) (instructions|rules)|jailbreak)",
    ),
    Rule(
        "code",
        "answer",
        r"```(python|java|js|javascript|typescript|c|cpp|c\+\+|sql|html|css|bash|sh|go|rust|ruby|"
        r"php|swift|kotlin|r)\b|(?m)^\s*(def \w+\(.*\):|class \w+[:({]|#include ?<|"
        r"public (static|class)|import \w+(\.\w+)*;?\s*$|from \w+ import |SELECT .+ FROM |"
        r"function \w*\(|const \w+ = |let \w+ = |var \w+ = |<!DOCTYPE|<html|#!/)",
    ),
    Rule(
        "code",
        "prompt",
        r"(?i)\b(write|create|implement|develop|debug|fix|refactor|optimi[sz]e|complete|design|edit|modify|"
        r"convert|generate|construct|rewrite)\b.{0,60}\b(code|function|program|script|class|query|algorithm|"
        r"regex|regular expression|sql|html|css|python|javascript|java|c\+\+|method)\b|"
        r"\b(python|javascript|typescript|java|c\+\+|sql|html|php|rust|golang|bash|numpy|pandas) "
        r"(code|function|program|script|class|query|list|string|error|snippet|method)|"
        r"\b(stack trace|compil(e|er) error|syntax error|unit test|for loop|null pointer|"
        r"data structure|linked list|binary (search|tree))\b",
    ),
    Rule(
        "maths",
        "all",
        r"\n#### ?-?[\d.,]+|<<[\d.+*/() -]+=|\\(frac|sqrt|boxed|int|sum|cdot|times|begin\{)|"
        r"(?i)\b(solve (for|the equation)|find the (value|area|sum|derivative|integral|roots?|"
        r"probability|perimeter|volume|remainder|product)|simplify the expression|"
        r"what is \d+(\.\d+)? ?([-+*/x×÷^%]|plus|minus|times|divided by)|"
        r"\d+ ?% of \d+|square root of|least common multiple|greatest common|derivative of|"
        r"integral of|prime (number|factor)|quadratic|polynomial|triangle with)",
    ),
    Rule(
        "maths",
        "prompt",
        r"(?i)\d.{0,300}\bhow (many|much|far|long|old|fast)\b|\bhow (many|much|far|long|old)\b.{0,200}\d"
        r".{0,200}\d|\bcalculate\b.{0,120}\d|\bwhat (percentage|fraction) of\b",
    ),
    Rule(
        "psychology",
        "prompt",
        r"(?i)\bi('m| am| have been|'ve been| feel| felt| keep feeling|'m feeling| get)\s(\w+ ){0,4}"
        r"(depress|anxious|anxiety|lonely|alone|overwhelm|hopeless|worthless|sad\b|scared|afraid|"
        r"ashamed|guilty|stressed|burnt? ?out|numb|heartbroken|grieving|jealous|insecure|angry|"
        r"upset|hurt|devastated|nervous|proud|terrified|furious)|\b(my (therapist|counsell?or|panic "
        r"attacks?|depression|anxiety|self.?esteem|trauma|grief|ex\b))|panic attack|"
        r"suicid|self.harm|\bcope with\b|\bcoping\b|cognitive behaviou?ral|emotional(ly)? (support|abuse"
        r"|numb|exhaust)|low self.?esteem",
    ),
    Rule(
        "moral",
        "all",
        r"(?i)\b(is|was|would|am|be|are) (it|i|this|that|he|she|we|they)? ?(\w+ )?(morally|ethically|"
        r"ethical|moral|unethical|immoral)\b|\bis it (ever )?(wrong|right|okay|ok|acceptable|fair|just)"
        r"\b (to|for|that|when)|\b(moral|ethical) (dilemma|question|duty|obligation|argument|"
        r"reasoning|implications?|issues?|considerations?|perspective)|trolley problem|"
        r"arguments? (for and against|on both sides)|(both|opposing) sides of the debate|"
        r"\bshould (we|society|governments?|companies) (ban|allow|forbid|legali[sz]e|permit|abolish)",
    ),
    Rule(
        "creative",
        "prompt",
        r"(?i)\b(write|compose|create|tell|craft|invent|generate|make up|come up with|continue|imagine)\b"
        r".{0,60}\b(story|stories|poem|haiku|sonnet|limerick|song|lyrics|novel|tale|fable|"
        r"screenplay|dialogue between|monologue|scene|character|slogan|tagline|riddle|joke|pun|"
        r"fairy ?tale|ballad|blog post|speech|narrative|metaphor|rap|plot|opening line)\b|^\s*\[ ?(WP|EU|CW|TT|IP|PM) ?\]",
    ),
    Rule(
        "analytical",
        "prompt",
        r"(?i)\b(analy[sz]e|compare|contrast|evaluate|assess|critique|critici[sz]e|pros and cons|"
        r"advantages and disadvantages|differences? between|distinguish|explain (why|how)|why (do|does|"
        r"did|is|are|was|were|might|would|can|should)|what (causes|caused|would happen|are the (causes|"
        r"effects|implications|consequences|reasons|benefits|factors|main reasons))|how (does|do|did) .{3,80} "
        r"(affect|influence|impact|differ|relate|change|work)|implications of|interpret|infer|deduce|"
        r"step by step|reasoning|argue|hypothes|logic puzzle|trade-?offs?|impact of|discuss)\b",
    ),
    Rule(
        "factual",
        "prompt",
        r"(?i)^\s*(who|when|where|which|what|whose|in (what|which)|on (what|which)|how (many|much|"
        r"old|tall|long|far|big|high|large)|name (the|a|an|one|two|three|five)|is|are|was|were|did|does|"
        r"do|has|have)\b[^\n]{3,250}\?|\b(define|definition of|capital of|list the|identify the|"
        r"state the|what is the name)\b",
    ),
)
"""The rules, in the order in which they decide."""

SOURCE_LABELS = {
    # Dolly, No Robots
    "closed_qa": "factual",
    "open_qa": "factual",
    "closed qa": "factual",
    "open qa": "factual",
    "information_extraction": "factual",
    "extract": "factual",
    "creative_writing": "creative",
    "generation": "creative",
    "brainstorming": "instruction",
    "brainstorm": "instruction",
    "classification": "instruction",
    "classify": "instruction",
    "summarization": "instruction",
    "summarize": "instruction",
    "rewrite": "instruction",
    "coding": "code",
    "chat": "dialogue",
    # what others write for the same
    "math": "maths",
    "mathematics": "maths",
    "programming": "code",
    "roleplay": "creative",
    "writing": "creative",
    "reasoning": "analytical",
    "function calling": "tool_use",
    **{category: category for category in CATEGORIES},
}
"""Labels that sources set themselves, in lower case, and the category that each means."""


def labelled_category(label: pl.Expr) -> pl.Expr:
    """The category that a source's own label means, null where it means none of ours."""
    return (
        label.str.strip_chars()
        .str.to_lowercase()
        .replace_strict(SOURCE_LABELS, default=None, return_dtype=pl.String)
    )


def infer_categories(rows: pl.DataFrame) -> pl.Series:
    """The category of each row (`instruction`, `input`, `output`, `system`, `messages`).

    A text of many lines is looked at in its first 2,000 characters.
    """
    texts = rows.select(
        prompt=pl.concat_str(
            pl.col("instruction").str.head(_HEAD), pl.col("input").str.head(_HEAD), separator="\n"
        ),
        answer=pl.col("output").str.head(_HEAD),
        system=pl.col("system").str.head(_HEAD),
        turns=pl.col("messages").list.len().fill_null(0),
        tools=pl.col("messages").list.eval(pl.element().struct.field("role") == "tool").list.any()
        if rows["messages"].null_count() < rows.height
        else pl.lit(None, pl.Boolean),
    ).with_columns(all=pl.concat_str("system", "prompt", "answer", separator="\n"))
    category = pl.when(pl.col("tools").fill_null(value=False)).then(pl.lit("tool_use"))
    for rule in RULES:
        category = category.when(pl.col(rule.where).str.contains(rule.pattern)).then(
            pl.lit(rule.category)
        )
    rest = pl.when(pl.col("turns") > 3).then(pl.lit("dialogue")).otherwise(pl.lit("instruction"))
    return texts.select(_category=category.otherwise(rest)).to_series()
