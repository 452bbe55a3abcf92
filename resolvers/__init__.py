"""Strategies that settle a contest, one file per rung, each a pure function of the contest and now.

The table is static: which strategy a rung's name means is part of the engine, and ``RESOLVERS_VERSION`` of the basis of
every decision. Whoever changes what a resolver answers raises it. How to write one: docs/write-a-resolver.md.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bus.core.contest.contest import Resolver
from resolvers.first_come import FIRST_COME
from resolvers.negotiate import NEGOTIATE
from resolvers.priority import PRIORITY
from resolvers.vote import VOTE

RESOLVERS_VERSION = 1
RESOLVERS: Mapping[str, Resolver] = MappingProxyType(
    {resolver.name: resolver for resolver in (PRIORITY, FIRST_COME, VOTE, NEGOTIATE)}
)
