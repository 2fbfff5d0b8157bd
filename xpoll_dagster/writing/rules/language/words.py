"""Closed classes of English words, by which clauses are found."""

from __future__ import annotations

from xpoll_dagster.books.concepts.words import word_set

DETERMINERS = word_set(
    """
    the a an this that these those his her its their our my your every each some any no all both
    another several many most few either neither such
    """
)
PRONOUNS = word_set(
    """
    he she it they we i you him them us me himself herself itself themselves one who whom whose
    which what that this these those there something anything nothing everything anyone everyone
    someone others other another each both all some none ours theirs mine hers such
    """
)
POINTING = word_set(
    """
    he she it they we i you him them us me his her its their our my your this that these those
    such here there former latter above aforesaid aforementioned former thereof therein thereby
    hereafter hitherto himself herself itself themselves mine ours yours
    """
)
"""Words that point to something outside the sentence."""
PREPOSITIONS = word_set(
    """
    of in on at by for from to with into onto upon under over between among through during without
    within against about across after before behind below beneath beside besides beyond despite
    down except inside like near off outside past since throughout toward towards until up via
    around along above amid amongst per than following using regarding concerning including unlike
    """
)
SUBORDINATORS = word_set(
    """
    because although though while whereas if unless when whenever where wherever since until till
    after before as that which who whom whose what how why whether lest once so than
    """
)
COORDINATORS = frozenset({"and", "or", "but", "nor", "yet"})
BE = word_set("is are was were be been being am")
HAVE = word_set("has have had having")
DO = word_set("does do did")
MODALS = word_set("can could may might must shall should will would")
NEGATIONS = word_set("not never no nor cannot n't neither none nothing nobody hardly scarcely")
ADVERBS = word_set(
    """
    also always often usually generally sometimes ever once twice again already still soon then
    now just only even almost nearly about quite very rather too well early late later therefore
    thus hence however moreover first finally eventually originally formerly subsequently
    initially commonly frequently merely simply chiefly mainly largely partly more most less least
    much further afterwards thereafter back away together apart forth instead otherwise together
    """
)
NUMBER_WORDS = word_set(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million billion dozen half quarter several
    """
)
MONTHS = word_set(
    """
    january february march april may june july august september october november december
    """
)
TIME_NOUNS = word_set(
    """
    second seconds minute minutes hour hours day days week weeks month months year years decade
    decades century centuries generation generations night morning evening afternoon spring summer
    autumn winter
    """
)
UNITS = word_set(
    """
    second seconds minute minutes hour hours day days week weeks month months year years century
    centuries foot feet inch inches mile miles yard yards metre metres meter meters kilometre
    kilometres kilometer kilometers centimetre centimetres centimeter centimeters millimeter
    millimeters pound pounds ton tons tonne tonnes ounce ounces gram grams kilogram kilograms
    degree degrees volt volts ampere amperes amp amps watt watts joule joules newton newtons pascal
    pascals hertz kelvin percent per cent psi psia psig psf rpm mph knots knot fps gallon gallons
    liter liters litre litres bit bits byte bytes megabytes gigabytes mb gb kb dollars pounds
    shillings francs times cycles cps ampere-hours kw kwh mw w v a hz khz mhz ghz km cm mm m kg lb
    lbs ft in. sec msec min hr deg fahrenheit celsius acres acre °f °c ° radians radian k ev mev
    """
)
