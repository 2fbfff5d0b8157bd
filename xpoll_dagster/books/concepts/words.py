"""Word lists: what is never a concept by itself, and words that tell what a name is."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text, divided by white space."""
    return frozenset(text.split())


TITLES = word_set(
    """
    mr mrs ms miss messrs sir lord lady dame dr prof professor st saint rev reverend king queen
    prince princess duke duchess earl count countess baron baroness emperor empress tsar czar
    pope bishop archbishop cardinal president general captain colonel admiral major sergeant
    sultan caliph pharaoh master madame monsieur abbé abbot father brother sister chancellor
    senator governor judge justice marquis marquess viscount herr frau signor don dom mme mlle m
    """
)
"""Words before a person's name that are not part of it."""

JOINS = word_set(
    """
    of de von van der den du da di del della la le y al ibn bin ben zu ter
    """
)
"""Lower-case words that may stand inside a name."""

GENERIC = word_set(
    """
    chapter chapters figure figures fig figs section sections sect example examples theorem
    theorems lemma lemmas proposition propositions prop corollary exercise exercises problem
    problems table tables page pages volume volumes vol part parts book books note notes
    footnote appendix equation equations definition definitions article articles paragraph
    paragraphs illustration illustrations plate plates step steps case cases remark answer
    answers question questions number numbers item items preface introduction contents index
    edition january february march april may june july august september october november
    december monday tuesday wednesday thursday friday saturday sunday jan feb mar apr jun jul
    aug sept sep oct nov dec century centuries year years month months week weeks day days hour
    hours minute minutes second seconds today tomorrow yesterday a.d b.c ad bc bce ce a.m p.m
    north south east west northern southern eastern western thing things way ways kind kinds
    sort sorts lot lots bit bits fact facts point points instance manner matter matters reason
    reasons sense place places time times end ends people person persons man men woman women one
    ones two three four five six seven eight nine ten hundred thousand million dozen first third
    fourth fifth last next half use uses word words name names idea ideas term terms form forms
    piece set side sides beginning middle course order account amount result results effect
    effects attention addition regard respect view reader author work works chap etc viz ibid op
    cit loc moment moments occasion age period else something anything nothing everything
    someone anyone everyone i.e e.g shall unto thou thy thee hath to-day to-morrow to-night
    yesterday upon let i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii ought somebody
    nobody remains cent per
    xviii xix xx
    """
)
"""Words that say nothing by themselves, in any book."""

WEAK_MODIFIERS = word_set(
    """
    other same such many several various certain different own great good little small large big
    new old long short whole entire few more most less least much very early late later earlier
    former latter following preceding present previous possible necessary important particular
    special general common simple similar sure able likely real true false main chief principal
    full complete high low higher lower highest lowest greater greatest larger largest smaller
    smallest better best worse worst first second third last next single double only mere any
    each every another both either neither all some no what which whose this that these those
    remaining given usual ordinary enough further additional useful easy hard difficult
    interesting famous well bad right left young
    """
)
"""Adjectives that make no term of the noun behind them."""

ORGANISATION_WORDS = word_set(
    """
    university society company college academy bank institute institution parliament congress
    committee commission council ministry department office court church order league union
    party association corporation foundation observatory press museum school board club guild
    army navy senate assembly
    """
)
EVENT_WORDS = word_set(
    """
    battle war wars revolution crisis congress rebellion revolt siege crusade crusades
    renaissance reformation enlightenment plague famine bubble fair treaty peace massacre
    expedition armada
    """
)
LAW_WORDS = frozenset(
    [
        "act",
        "acts",
        "constitution",
        "edict",
        "statute",
        "charter",
        "treaty",
        "code",
        "bill",
        "decree",
    ]
)
PLACE_WORDS = word_set(
    """
    river sea ocean mountain mountains island islands isles bay cape lake gulf strait street
    valley desert hill coast mount road bridge canal channel peninsula nebula galaxy cluster
    """
)
STATE_WORDS = frozenset(
    ["empire", "kingdom", "republic", "county", "state", "states", "province", "city", "town"]
)

PLACE_CUES = frozenset({"in", "at", "near", "into"})
PERSON_CUES = word_set(
    """
    said says wrote writes discovered invented proved showed published argued thought believed
    died born married observed calculated proposed suggested found made gave was did had himself
    herself who
    """
)
