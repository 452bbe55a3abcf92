"""A negotiation told from its transcript alone: the oracle that the resolver and the turns are held against.

Written from the rules, without the core: who speaks is counted off the transcript, and an offer is agreed when as many
acceptances follow it in a row as there are other parties.
"""

from itertools import takewhile

Said = tuple[str, str]  # ("offer", outcome), ("accept", ""), ("quit", "")


def speaker(parties: list[str], transcript: list[Said]) -> str:
    """Whose turn it is."""
    return parties[len(transcript) % len(parties)]


def may_say(outcomes: list[str], transcript: list[Said]) -> set[Said]:
    """All that may be said next."""
    repeated = {what for kind, what in transcript if kind == "offer"}
    allowed: set[Said] = {("quit", "")} | {("offer", one) for one in outcomes if one not in repeated}
    return allowed | {("accept", "")} if repeated else allowed


def ended(parties: list[str], outcomes: list[str], turns_max: int, transcript: list[Said]) -> str:
    """How it ended: an outcome, "no deal", or "" while it goes on."""
    if transcript and transcript[-1][0] == "quit":
        return "no deal"
    in_a_row = len(list(takewhile(lambda said: said[0] == "accept", reversed(transcript))))
    if transcript and in_a_row == len(parties) - 1:
        return transcript[-1 - in_a_row][1]
    return "no deal" if len(transcript) >= turns_max else ""
