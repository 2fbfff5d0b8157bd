"""Whether "to …" at a clause's end says what for, or belongs to a word before it."""

from __future__ import annotations

import re

from xpoll_dagster.books.concepts.words import word_set
from xpoll_dagster.writing.rules.language.clauses import Clause
from xpoll_dagster.writing.rules.language.lexicon import Lexicon

_NO_PURPOSE = re.compile(
    r"\b(?:found|seen|known|believed|expected|allowed|required|reported|thought|said|supposed|"
    r"permitted|likely|able|caused|forced|ordered|considered|assumed|shown|due|equal|similar|"
    r"attempt|attempts|need|ability|opportunity|tendency|power|way|right|desire|time|enough|"
    r"unable|led|compelled|obliged|bound|asked|observed|determined|estimated|felt|noted|told|"
    r"decided|wished|began|begun|sought|tried|seems?|appears?|happened|proved|failed|refused|"
    r"ready|free|easy|difficult|possible|impossible|necessary|sufficient|first|last|only|going|"
    r"continued|ought|seemed|appeared|induced|persuaded|invited|enabled|taught|meant|"
    r"permission|invitation|order|orders|command|proposal|plan|plans|how|what|where|when|close|"
    r"up|back|on|down|according|relative|prior|parallel|added|applied|attached|given|related|"
    r"connected|returned|sent|brought|taken|reduced|limited|proposed|used|designed|intended|"
    r"adequate|insufficient|inclined|destined|doomed|anxious|eager|willing|wont|liable|apt|"
    r"succeeded|offered|promised|threatened|preferred|learned|learnt|intends?|tends?|tended)$"
)
_PURPOSE_VERBS = word_set(
    """
    account allow assist avoid celebrate check conserve control decide defend denote describe
    detect determine distinguish encourage ensure establish evaluate explain facilitate find
    help hold improve increase insure keep maintain make maximize measure minimize obtain
    permit place preclude prevent produce promote protect provide reduce remove represent save
    secure simplify study support test verify
    """
)


def is_purpose(clause: Clause, lexicon: Lexicon, answer: str) -> bool:
    """Whether the words (a tail of the clause's sentence) tell the purpose of what is done."""
    if not answer.startswith("to "):
        return True
    verb = answer.split()[1]
    at = clause.sentence.rfind(answer)
    left = clause.sentence[:at].strip()
    if verb in {"be", "have", "do", "the", "become"}:
        return False
    if _NO_PURPOSE.search(left) or lexicon.weight(verb, "v") < 2:
        return False
    weight = lexicon.weight(verb, "v")
    noun = max(lexicon.weight(verb, "n"), lexicon.weight(verb, "a"))
    return (clause.passive and weight > noun) or verb in _PURPOSE_VERBS
