"""How many rows of each source and category a mix takes, and what keeps it from more.

Sources supply categories, and limits stand on both sides (a source may supply several
categories and has one cap for all), so the allocation is a flow from sources through
categories. For a given total every limit is a whole number, and:

- the largest total is the greatest fixed point of T ↦ min(T, flow(T)), where flow(T) is the
  maximum flow under the limits that a total of T gives (shares are rounded down). flow grows
  with T, so the iteration from any upper bound ends at the greatest T (Tarski 1955); a linear
  program gives a tight bound to start from;
- the same program's dual prices say which limits bind: those with a price force the total
  down by themselves, whatever the others are;
- what categories get is the weighted max-min fair division (Megiddo 1974): all rise in the
  proportion of their weights until one can rise no more, then the others go on. The reachable
  divisions form a polymatroid, so rising greedily by whole rows is exact.

Nothing is repeated to fill a mix up: a smaller total comes back, with its reasons.
"""

from __future__ import annotations

import numpy as np

from xpoll_dagster.corpus.mix_binding import relaxed
from xpoll_dagster.corpus.mix_demand import Allocation, Demand, category_limits
from xpoll_dagster.corpus.mix_division import divide
from xpoll_dagster.corpus.mix_network import Network, fair


def allocate(demand: Demand) -> Allocation:
    """The largest mix that the limits allow, divided as fairly by weights as they allow."""
    bound, binding = relaxed(demand, keep_weights=demand.keep_weights)
    total = _largest(demand, bound, keep_weights=demand.keep_weights)
    exact = total
    if not demand.keep_weights:
        exact_bound, _ = relaxed(demand, keep_weights=True)
        exact = _largest(demand, exact_bound, keep_weights=True)
    if not total:
        return Allocation(np.zeros(demand.supply.shape, np.int64), 0, demand.wanted, binding, exact)
    network = Network.of(demand, total)
    limits = category_limits(demand, total, keep_weights=demand.keep_weights)
    per_category = fair(network, limits, demand.weights, total)
    rows = divide(network, per_category, demand.supply.astype(float) ** demand.temperature)
    return Allocation(rows, total, demand.wanted, binding, exact)


def _largest(demand: Demand, bound: float, *, keep_weights: bool) -> int:
    """The greatest total that its own limits allow, at most `wanted`."""
    total = min(demand.wanted, int(demand.supply.sum()))
    # Whole rows never reach beyond the program, but its value may err by a rounding; and with
    # weights kept, less than a row of every category may be rounded up, which gains nothing.
    total = min(total, int(bound + 1e-6) + (0 if keep_weights else 1))
    while total:
        limits = category_limits(demand, total, keep_weights=keep_weights)
        reached = min(total, Network.of(demand, total).reaches(limits))
        if reached == total:
            break
        total = reached
    return total
