"""What a batch of jobs would take, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xpoll_dagster.writing.completion.cache import CompletionCache
from xpoll_dagster.writing.completion.keys import RequestKeys
from xpoll_dagster.writing.completion.options import Prices
from xpoll_dagster.writing.completion.structured import Job, first_request

_TOKENS_PER_MESSAGE = 4  # what chat templates put around a message, by and large
_ENOUGH = 20
_ASSUMED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """What would be sent in the first round; retries come on top.

    `prompts` counts all jobs, `cached` those that need no sending, by the cache or because
    an identical one is among them. Tokens and cost are of the others. `assumption` says where
    the tokens of the answers come from.
    """

    prompts: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    currency: str
    assumption: str


def rough_tokens(text: str) -> int:
    """Tokens of an English text where there is no tokenizer: four characters each."""
    return math.ceil(len(text) / 4)


def estimate(
    jobs: Sequence[Job[Any]],
    engine_identity: Mapping[str, Any],
    cache: CompletionCache | None,
    count_tokens: Callable[[str], int] = rough_tokens,
    prices: Prices | None = None,
    *,
    model: str = "",
) -> Estimate:
    """Count prompts, tokens and cost; nothing is sent and no use of the cache is counted.

    The length of the answers is taken, first that applies, from the cached answers to these
    very jobs (20 at least, as a share of `max_tokens`), from the mean answer of `model` in the
    cache (of 20 at least), or as half of `max_tokens`.
    """
    prices = prices or Prices()
    keys = RequestKeys(engine_identity)
    requests = [first_request(job) for job in jobs]
    wanted = [(keys.key(request), request.sampling.max_tokens) for request in requests]
    found = [None] * len(wanted) if cache is None else cache.find(wanted, count=False)
    missing = {
        same: request
        for same, request, answer in zip(wanted, requests, found, strict=True)
        if answer is None
    }
    # A prompt's passages repeat (context windows, one pair in three forms): count texts once.
    counted: dict[str, int] = {}
    prompt_tokens = 0
    for request in missing.values():
        for message in request.messages:
            if message.content not in counted:
                counted[message.content] = count_tokens(message.content)
            prompt_tokens += counted[message.content] + _TOKENS_PER_MESSAGE
    limits = [request.sampling.max_tokens for request in missing.values()]
    known = [
        (answer.completion_tokens, asked)
        for answer, (_, asked) in zip(found, wanted, strict=True)
        if answer is not None and answer.completion_tokens
    ]
    mean = _mean_tokens(cache, model)
    if len(known) >= _ENOUGH:
        share = sum(tokens for tokens, _ in known) / sum(asked for _, asked in known)
        completion_tokens = sum(min(limit, limit * share) for limit in limits)
        assumption = (
            f"the {len(known)} cached answers to these jobs took {share:.0%} of their max_tokens"
        )
    elif mean is not None:
        completion_tokens = sum(min(limit, mean) for limit in limits)
        assumption = f"the answers of {model} in the cache have {mean:.0f} tokens on average"
    else:
        completion_tokens = sum(limit * _ASSUMED_SHARE for limit in limits)
        assumption = f"answers take {_ASSUMED_SHARE:.0%} of their max_tokens"
    return Estimate(
        prompts=len(requests),
        cached=len(requests) - len(missing),
        prompt_tokens=prompt_tokens,
        completion_tokens=round(completion_tokens),
        cost=prices.cost(prompt_tokens, round(completion_tokens)),
        currency=prices.currency,
        assumption=assumption,
    )


def _mean_tokens(cache: CompletionCache | None, model: str) -> float | None:
    if cache is None or not model:
        return None
    for share in cache.stats().models:
        if share.model == model and share.entries >= _ENOUGH and share.completion_tokens:
            return share.completion_tokens / share.entries
    return None
