"""Writes the figures of the committed runs into docs/performance.md, and draws its pictures.

    python -m benchmarks.page [FOLDER]

Between `<!-- name -->` and `<!-- end of name -->` of the page stands what benchmarks/results/name.json says; the
pictures are drawn from the same files. A test holds both to them.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.draw import Bar, Line, Panel, bars, panels
from benchmarks.report import Json
from benchmarks.world import STAGES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/performance.md"
RESULTS = ROOT / "benchmarks/results"
PICTURES = ROOT / "docs/pictures"
COST_TARGET = 6.0  # gate and arbiter, x bare
THROUGHPUT_TARGET = 20_000  # messages a second, two processes
LATENCY_TARGETS_MS = {"p50_ms": 5.0, "p99_ms": 25.0}  # at 500 claims a second
RESTORE_TARGET_S = 60.0  # 1,000,000 events
SERIES = {
    "bare": "bare loop",
    "claim": "claim, one process",
    "claim_apart": "claim, a process a stage",
    "governed": "to the governed topic",
}
PICTURED = {
    "cost": "CPU time of a message as a multiple of a bare consume-produce loop",
    "backlog": "Messages a second while a backlog of the mix is worked off",
    "latency": "Latency from when a message was due until its answer is read, by rate",
    "growth": "CPU time a message as a multiple of a bare loop, as more and more stands",
    "beside": "CPU time a message as a multiple of a bare loop, on a logarithmic scale",
}
COLOURS = {("bare", 4): 0, ("claim", 4): 1, ("governed", 4): 2, ("claim_apart", 4): 3}
CONTESTANTS = {
    "bare": "bare loop",
    "jsonschema": "a loop with `jsonschema`",
    "serializer": "Confluent's JSONSerializer, CEL rule, DLQ (the writer's side)",
    "deserializer": "Confluent's JSONDeserializer, CEL rule, DLQ (the reader's side)",
    "transactions": "the bare loop in Kafka transactions, one a batch",
    "gate": "our gate",
}
SHORT = {"jsonschema": "jsonschema", "serializer": "JSONSerializer + CEL", "deserializer": "JSONDeserializer + CEL"}
GROWN = {
    "resources": "resources held",
    "contests": "open contests",
    "agents": "agents",
    "partitions": "partitions of the arbiter",
}


def main() -> int:
    """Write the page and its pictures."""
    write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
    return 0


def write_all(folder: Path) -> None:
    """Write the page and its pictures from the files of this folder."""
    found = read(folder)
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    for name, drawn in pictures(found).items():
        (PICTURES / name).write_text(drawn, encoding="utf-8")


def read(folder: Path) -> dict[str, Json]:
    """What was measured, by benchmark."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def with_figures(text: str, found: dict[str, Json]) -> str:
    """The page with what the files say in its places; a benchmark without a file leaves its place empty."""
    for name, told in TOLD.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        lines = [*_shown(name), *_where(found[name]), "", *told(found[name])] if name in found else []
        text = before + begin + "".join(f"{line}\n" for line in lines) + end + after
    return text


def pictures(found: dict[str, Json]) -> dict[str, str]:
    """The pictures, by file name."""
    return {f"performance-{name}.svg": draw(found[name]) for name, draw in DRAWN.items() if name in found}


def _shown(name: str) -> Iterator[str]:
    if name in DRAWN:
        yield f"![{PICTURED[name]}](pictures/performance-{name}.svg)"
        yield ""


def _where(figures: Json) -> Iterator[str]:
    on = figures["machine"]
    size = "" if figures["size"] == "full" else ", in the quick form"
    yield (
        f"Measured on {on['day']}{size}: {on['cores']} cores, {on['memory_gib']} GiB, {on['system']}, Python "
        f"{on['python']}; the broker and the senders on the same cores (load before: {on['load_before']})."
    )


# ---- cost ----------------------------------------------------------------------------------------------------------


def _cost(figures: Json) -> Iterator[str]:
    yield f"{figures['repeats']} times {figures['messages']:,} messages of the mix; the median, and the lowest and"
    yield "highest run."
    yield ""
    yield "| | CPU a message | × bare loop | from – to |"
    yield "|---|---|---|---|"
    for name in ("bare", *STAGES, "path"):
        ratio, used_us = figures["ratio"][name], figures["cpu_us"][name]
        label = {"bare": "bare loop", "path": "**whole path**"}.get(name, name)
        span = f"{ratio['low']:.1f} – {ratio['high']:.1f}"
        yield f"| {label} | {used_us['median']:.0f} µs | {ratio['median']:.1f} | {span} |"
    yield ""
    for stage in STAGES[:2]:
        yield f"- {stage}: {_verdict(figures['ratio'][stage]['median'], COST_TARGET, '×')}"


def _draw_cost(figures: Json) -> str:
    shown = []
    for name in ("bare", *STAGES, "path"):
        ratio = figures["ratio"][name]["median"]
        label = {"bare": "bare loop", "path": "whole path"}.get(name, name)
        shown.append(Bar(label, ratio, f"{ratio:.1f} ×", 0 if name == "bare" else 1))
    return bars(PICTURED["cost"], shown, (COST_TARGET, "aim for gate and arbiter: 6 ×"))


# ---- backlog -------------------------------------------------------------------------------------------------------


def _backlog(figures: Json) -> Iterator[str]:
    yield f"A backlog of {figures['messages']:,} messages of the mix, 6 lanes, 4 partitions."
    yield ""
    yield "| Processes | Messages a second | Steady | Bare loop, same run | Ratio | CPU of the bus a message | Memory |"
    yield "|---|---|---|---|---|---|---|"
    for run in figures["runs"]:
        memory = " + ".join(f"{one} MiB" for one in run["memory_mib"])
        rates = " | ".join(f"{run[name]:,}" for name in ("per_s", "steady_per_s", "bare_per_s"))
        spent = f"{run['stages_cpu_us']:.0f} µs"
        yield f"| {run['processes']} | {rates} | 1 : {run['ratio']:.1f} | {spent} | {memory} |"
    yield ""
    two = figures["runs"][-1]
    verdict = _verdict_least(two["steady_per_s"], THROUGHPUT_TARGET, "messages a second")
    yield f"- {two['processes']} processes: {verdict}"


def _draw_backlog(figures: Json) -> str:
    shown = [
        Bar("one bare loop", figures["runs"][0]["bare_per_s"], f"{figures['runs'][0]['bare_per_s']:,} a second", 0)
    ]
    for run in figures["runs"]:
        name = f"agentbus, {run['processes']} process{'es' * (run['processes'] > 1)}"
        shown.append(Bar(name, run["steady_per_s"], f"{run['steady_per_s']:,} a second, steady"))
    return bars(PICTURED["backlog"], shown, (THROUGHPUT_TARGET, "aim for two processes: 20,000"))


# ---- latency -------------------------------------------------------------------------------------------------------


def _latency(figures: Json) -> Iterator[str]:
    yield f"{figures['seconds_each']:.0f} s at each rate, after 3 s that do not count. Latencies in milliseconds,"
    yield "CPU time a message (that of Kafka, and of whatever stands between its topics)."
    yield ""
    yield "| | Partitions | Offered a second | Achieved | p50 | p95 | p99 | worst | CPU of Kafka | of the bus |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for one in figures["series"]:
        achieved = f"{one['achieved_per_s']:,.0f}" + (" (saturated)" if one["is_saturated"] else "")
        times = " | ".join(f"{one[name]:,.1f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))
        who = f"{SERIES[one['what']]} | {one['partitions']} | {one['offered_per_s']:,.0f}"
        spent = " | ".join(f"{one['cpu_us'][part]:,} µs" for part in ("kafka", "bus")) if "cpu_us" in one else " | "
        yield f"| {who} | {achieved} | {times} | {spent} |"
    yield ""
    for one in figures["series"]:
        if one["offered_per_s"] == 500 and one["partitions"] == 4 and one["what"].startswith("claim"):
            for name, target_ms in LATENCY_TARGETS_MS.items():
                what = f"{SERIES[one['what']]}, {name.removesuffix('_ms')} at 500 a second"
                yield f"- {what}: {_verdict(one[name], target_ms, ' ms')}"


def _draw_latency(figures: Json) -> str:
    shown = []
    for name, title in (("p50_ms", "Median, ms"), ("p99_ms", "99 of 100 answers within, ms")):
        lines = []
        for what, partitions, label in _kinds(figures):
            points = [
                (one["offered_per_s"], one[name])
                for one in figures["series"]
                if (one["what"], one["partitions"]) == (what, partitions)
            ]
            colour = COLOURS.get((what, partitions), 4)
            lines.append(Line(label, colour, tuple(points), is_dashed=partitions == 6))
        aim = (500.0, LATENCY_TARGETS_MS[name])
        shown.append(Panel(title, "messages a second (◇ the aim)", tuple(lines), is_log=True, aim=aim))
    return panels(PICTURED["latency"], shown)


def _kinds(figures: Json) -> list[tuple[str, int, str]]:
    names = {"bare": "bare loop", "governed": "governed", "claim": "claim", "claim_apart": "claim, apart"}
    kinds = dict.fromkeys((one["what"], one["partitions"]) for one in figures["series"])
    return [(what, n, names[what] + (f", {n}" if what == "claim" else "")) for what, n in kinds]


# ---- growth --------------------------------------------------------------------------------------------------------


def _growth(figures: Json) -> Iterator[str]:
    yield f"{figures['messages']:,} messages of the mix at each size; CPU as a multiple of the bare loop of the same"
    yield "run, memory of the whole process."
    yield ""
    columns = [f"{stage}, ×" for stage in STAGES] + [f"{stage}, MiB" for stage in STAGES]
    yield f"| | Size | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, sizes in figures["series"].items():
        for one in sizes:
            ratios = " | ".join(f"{one['cpu_us'][stage] / one['bare_us']:.1f}" for stage in STAGES)
            memory = " | ".join(f"{one['memory_mib'][stage]:.0f}" for stage in STAGES)
            yield f"| {GROWN[name]} | {one['size']:,} | {ratios} | {memory} |"


def _draw_growth(figures: Json) -> str:
    shown = []
    for name, sizes in figures["series"].items():
        lines = tuple(
            Line(stage, number, tuple((one["size"], one["cpu_us"][stage] / one["bare_us"]) for one in sizes))
            for number, stage in enumerate(STAGES, start=1)
        )
        shown.append(Panel(f"× bare loop, by {GROWN[name]}", GROWN[name], lines))
    return panels(PICTURED["growth"], shown)


# ---- side by side --------------------------------------------------------------------------------------------------


def _beside(figures: Json) -> Iterator[str]:
    yield f"{figures['messages']:,} plain messages each ({figures['slow_messages']:,} through Confluent's); one hop at"
    yield "a fixed rate."
    yield ""
    yield "| | CPU a message | × bare loop | one hop, p50 | p99 | at a second |"
    yield "|---|---|---|---|---|---|"
    for name, used_us in figures["cpu_us"].items():
        hop = figures["latency"].get(name)
        times = f"{hop['p50_ms']:,.1f} ms | {hop['p99_ms']:,.1f} ms | {hop['offered_per_s']:,.0f}" if hop else " | | "
        yield f"| {CONTESTANTS[name]} | {used_us:,.0f} µs | {used_us / figures['cpu_us']['bare']:.1f} | {times} |"


def _draw_beside(figures: Json) -> str:
    least = figures["cpu_us"]["bare"]
    shown = []
    for name, used_us in figures["cpu_us"].items():
        label = SHORT.get(name) or CONTESTANTS[name].split(",")[0].removeprefix("the ")
        shown.append(Bar(label.replace("bare loop in Kafka transactions", "transactions"), used_us / least, "", 0))
    shown = [Bar(one.name, one.value, f"{one.value:.1f} ×", 1 if one.name == "our gate" else 0) for one in shown]
    return bars(PICTURED["beside"], shown, is_log=True)


# ---- restore -------------------------------------------------------------------------------------------------------


def _restore(figures: Json) -> Iterator[str]:
    yield f"A journal of {figures['events']:,} events about {figures['resources']:,} resources, "
    yield f"{figures['journal_bytes'] / 1e6:,.0f} MB; behind the snapshot stand {figures['tail']:,} events."
    yield ""
    yield "| | By the clock | CPU | × a bare consume (CPU) |"
    yield "|---|---|---|---|"
    rows = {
        "bare": "bare consume of the journal",
        "from_zero": "restore from 0",
        "from_snapshot": "restore from a snapshot",
    }
    rows["snapshot"] = "a snapshot, written and verified"
    for name, label in rows.items():
        clock_s, used_s, ratio = (figures[f"{name}_{kind}"] for kind in ("s", "cpu_s", "cpu_ratio"))
        yield f"| {label} | {clock_s:,.1f} s | {used_s:,.1f} s | {ratio:.1f} |"
    yield ""
    yield f"From 0 that is {figures['from_zero_events_per_s']:,.0f} events a second. The copy of the state that a"
    yield f"snapshot is made from stops the stage for {figures['copy_ms']:.2f} ms."
    if figures["events"] == 1_000_000:
        yield ""
        yield f"- 1,000,000 events from 0: {_verdict(figures['from_zero_s'], RESTORE_TARGET_S, ' s')}"


def _verdict(value: float, target: float, unit: str) -> str:
    reached = "reached" if value <= target else "**not reached**"
    return f"{value:.1f}{unit}, the aim is at most {target:g}{unit}: {reached}."


def _verdict_least(value: float, target: float, unit: str) -> str:
    reached = "reached" if value >= target else "**not reached**"
    return f"{value:,.0f} {unit}, the aim is at least {target:,.0f}: {reached}."


TOLD: dict[str, Callable[[Json], Iterator[str]]] = {
    "cost": _cost,
    "backlog": _backlog,
    "latency": _latency,
    "growth": _growth,
    "beside": _beside,
    "restore": _restore,
}
DRAWN: dict[str, Callable[[Json], str]] = {
    "cost": _draw_cost,
    "backlog": _draw_backlog,
    "latency": _draw_latency,
    "growth": _draw_growth,
    "beside": _draw_beside,
}


if __name__ == "__main__":
    sys.exit(main())
