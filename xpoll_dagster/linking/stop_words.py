"""English words that carry grammar and no topic.

Kept here because the lists that libraries offer come with imports of several seconds, longer
than all of linking takes. Words that are merely frequent need no list: a word in too many
passages of a domain is not compared there.
"""

from __future__ import annotations

_TEXT = """
about above across after afterwards again against all almost alone along already also although
always among amongst and another any anyhow anyone anything anywhere are around became because
become becomes becoming been before beforehand behind being below beside besides between beyond
both but call called can cannot could did does doing done down due during each either else
elsewhere enough etc even ever every everyone everything everywhere except few first for former
formerly found from further give given gives had has have having hence her here hereafter herein
hers herself him himself his how however indeed instead into its itself just keep know last
latter latterly least less let like made make makes making many may meanwhile might mine more
moreover most mostly much must myself namely neither never nevertheless next nobody none nor not
nothing now nowhere often once one only onto other others otherwise our ours ourselves out over
own per perhaps please put quite rather really said same say see seem seemed seeming seems
several shall she should show shown since some somehow someone something sometime sometimes
somewhere still such take taken than that the their theirs them themselves then thence there
thereafter thereby therefore therein thereupon these they thing things this those though through
throughout thus together too toward towards two under until unless upon use used using various
very via was way well were what whatever when whence whenever where whereas whereby wherein
wherever whether which while whither who whoever whole whom whose why will with within without
would yes yet you your yours yourself yourselves
"""

STOP_WORDS: tuple[str, ...] = tuple(_TEXT.split())
