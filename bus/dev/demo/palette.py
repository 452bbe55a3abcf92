"""The colours of the demo: one for each agent, one for each kind of verdict; never without the word."""

from __future__ import annotations

GOOD, BAD, WAIT, NEWS = "good", "bad", "wait", "news"

# In the narration: middle tones that can be read on a dark and on a light terminal.
NARRATED = {
    GOOD: "green",
    BAD: "red",
    WAIT: "yellow",
    NEWS: "cyan",
    "procurement": "#b07a1e",
    "logistics": "#1a9a86",
    "sales": "#8f6ae0",
    "support": "#d0702a",
    "crm": "#3f86d8",
    "person": "#c2549b",
}
# On the split screen, which brings its own dark paper: the desk's tokens.
PAPER = "#e9ecef on #0d1013"
INK2, INK3, LINE, ACCENT, TRACK = "#bac3cc", "#98a3af", "#3b444e", "#9db8ff", "#4a545f"
SCREEN = {
    GOOD: "#83d7a3",
    BAD: "#ff9ba6",
    WAIT: "#f4c56e",
    NEWS: "#86d6ec",
    "procurement": "#e3c878",
    "logistics": "#7fd3c2",
    "sales": "#c4abff",
    "support": "#f2ab7f",
    "crm": "#9db8ff",
    "person": "#f5a6d0",
}


def hue(palette: dict[str, str], name: str) -> str:
    """The colour of an agent or person, by its name."""
    return palette.get(name.rpartition("-")[0], palette["person"])
