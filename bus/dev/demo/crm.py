"""The agent of the crm: states how far a lead has come, and picks up leads that nobody holds any more."""

from __future__ import annotations

from bus.dev.demo.leads import CLAIM
from bus.dev.demo.talk import Heard, Talk, start_talking

STAGE = "leads.lead.stage.v1"


def hear(talk: Talk, heard: Heard) -> None:
    """React to a task, or to a lead that became free."""
    match heard.kind:
        case "state_stage":
            lead, stage = heard.body["lead"], heard.body["stage"]
            talk.say(STAGE, {"lead_id": lead, "stage": stage}, subject=f"lead/{lead}")
        case "ended" if heard.topic == "bus.outcomes":
            talk.say(CLAIM, {}, subject=heard.body["subject"])
        case _:
            pass


if __name__ == "__main__":
    me = start_talking("bus.outcomes")
    for something in me.listen():
        hear(me, something)
