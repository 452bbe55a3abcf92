"""What each command writes with --json: shown in its help, and the source of the reference's table.

One object a line, keys sorted. Keys are only ever added; a reader ignores those it does not know.
"""

_ANSWER = "the answer of the bus (control_set: control, kind_of, name, rev, value, value_hash, decision, …)"
_SET = f'{_ANSWER}; {{"kind": "unchanged", "kind_of", "name"}} if it was so already.'
_STATUS = '{"kind": "agent_status", "select", "status", "control", "decision", …}'
_TOPIC = (
    'a line for each difference, {"topic", "setting", "found", "wanted", "mend": "create", "alter" or "migrate",'
    ' "done"}; setting is Kafka\'s name, "partitions", "replicas" or "" for the topic itself.'
)
_ACL = (
    'a line for each difference, {"state": "missing", "too_much" or "in_the_way", "principal", "resource", "name",'
    ' "pattern", "operation", "host", "is_denial"}.'
)

# By command as it is typed. "a line for each X" means none for none.
SHAPES = {
    "demo": 'a line for each thing that happens, {"demo": "act", "exchange", "event", "count", …}; the last one is'
    ' {"demo": "end", "checks", "failed", "took_s", "evidence", "kept", "things_to_try": [{"command", "why"}]}.',
    "dev": '{"bootstrap", "operator", "domain", "gen", "partitions", "http", "data", "log", "pids": {…},'
    ' "lanes": […], "agents": […], "clients": {user: file}}, once it is ready.',
    "init": '{"created": [topics], "was_there": true or false, "genesis": {…}}.',
    "run": '{"ready": true, "stages": […], "pid", "http"}, once it is ready. The log stays on stderr.',
    "send": "a line for each answer of the bus, each an event (docs/reference/events.md); with --no-wait, or for a"
    ' message that has no answer, {"id", "src", "sent": true}.',
    "tail": 'a line for each record, {"topic", "partition", "offset", "time", "key", "headers": [[name, text], …],'
    ' "value"}; time in epoch milliseconds, value parsed if it is JSON.',
    "lanes ls": 'a line for each lane, {"lane", "principal", "agents": [ids]}.',
    "lanes set": _SET,
    "lanes rm": _SET,
    "agents ls": 'a line for each agent, {"agent", "lane", "roles": […], "owner", "suspended_by"}.',
    "agents set": _SET,
    "agents rm": _SET,
    "persons ls": 'a line for each person, {"person", "roles": […], "queues": […], "owns": [ids], "of_genesis"}.',
    "persons set": _SET,
    "persons rm": _SET,
    "contracts ls": 'a line for each contract, {"type", "revision", "topic", "resource", "guarded", "may_send"};'
    " may_send null means everybody.",
    "contracts show": 'the value in force, {"contract": {…}, "format", "schema", …}.',
    "contracts check": '{"contracts": [types], "terms": [types], "examples": number, "faults": [sentences]}.',
    "contracts apply": "a line for each value that was set, as `set` writes it.",
    "contracts rm": _SET,
    "terms ls": 'a line for each resource type, {"resource", "revision", "lease_ms", "claimants", "when"}.',
    "terms show": "the terms in force, as they were set.",
    "terms set": _SET,
    "terms rm": _SET,
    "topics plan": f"{_TOPIC} None if all is well.",
    "topics apply": f"{_TOPIC}",
    "acls print": 'a line for each thing a principal may do, {"principal", "roles": […], "resource", "name",'
    ' "pattern": "literal" or "prefixed", "operation"}.',
    "acls check": f"{_ACL} None if all is well.",
    "acls apply": f"{_ACL}",
    "suspend": f'{_STATUS}; {{"kind": "unchanged", "kind_of": "suspended", "name"}} if it was so already.',
    "resume": f"{_STATUS}.",
    "verify": '{"source", "result": "ok" or "findings", "found", "moving", "checks": [{"check", "title", "result",'
    ' "counts", "found", "findings", "not_checked", "moving"}]}.',
    "explain": 'of a decision one object, {"decision", "stage", "at", "verdict", "reason", "subject", "event": {…},'
    ' "who": {…}, "message": {…}, "rests_on": […], "why": [sentences], "violations": […], "before": {…}, "after": {…},'
    ' "followed": […], "released": {…}, "around": […], "proof": […], "again": […], "notes": […]}; of a subject a line'
    ' for each decision, {"decision", "at", "event": {…}}. See docs/reference/explanations.md.',
    "resources ls": 'a line for each resource, {"subject", "state": "held", "ending", "reserved", "cooling" or "free",'
    ' "holder", "claim", "token", "until", "since", "lease_ms", "reserved_for", "reserved_until", "cooling_until",'
    ' "facts": {…}, "awaiting_report": […], "ended_by"}; with --watch a line for each change, with "time".',
    "resources show": 'the resource as `resources ls` has it, with "decisions": [{"decision", "at", "event": {…}}].',
    "agents show": '{"agent", "lane", "principal", "roles", "owner", "suspended_by", "set", "holds": […],'
    ' "reserved": […], "messages": […], "counts": {kind: number}, "refusals": {reason: number}}.',
    "doctor": 'a line for each check, {"group", "check", "state": "ok", "note" or "wrong", "sentence", "remedy"}.',
    "completion": '{"shell", "script"}.',
}
