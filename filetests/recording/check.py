"""Reads what `apex export` wrote with the libraries of others, and compares it with what program.py does.

Arguments: the number of launches of the first kernel, and the files: Perfetto, Parquet, CSV, JSON, the report as JSON.

Perfetto's own protobuf definitions decode every packet here. What its trace processor finds in the same trace, tests/perfetto.rs asks it.
"""

import csv
import json
import pathlib
import sys
from collections import Counter

import duckdb
import jsonschema
import pyarrow.parquet
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs/schemas"
FIRST, SECOND = "first(float*)", "second"


def expected(launches):
    kernels = {FIRST: launches, SECOND: launches // 2}
    counts = Counter({(kind, name): count for name, count in kernels.items() for kind in ("launch", "execution")})
    counts.update([("copy", "host to device"), ("allocation", "device"), ("free", "device"), ("load", "module")])
    counts.update([("synchronisation", "context")])
    return counts


def unknown(message):
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type:
            count += sum(unknown(part) for part in (value if field.is_repeated else [value]))
    return count


def perfetto(path, launches):
    trace = Trace()
    with open(path, "rb") as file:
        trace.ParseFromString(file.read())
    assert sum(unknown(packet) for packet in trace.packet) == 0, "fields that Perfetto does not know"
    names, categories, counts, tracks, depth = {}, {}, Counter(), {}, Counter()
    flows, memory = {}, []
    for packet in trace.packet:
        for table, entries in ((names, packet.interned_data.event_names), (categories, packet.interned_data.event_categories)):
            for entry in entries:
                assert entry.iid not in table, "a name is written twice"
                table[entry.iid] = entry.name
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor
        if not packet.HasField("track_event"):
            continue
        event = packet.track_event
        assert event.track_uuid in tracks, "a track is used before it is described"
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            counts[categories[event.category_iids[0]], names[event.name_iid]] += 1
            for flow in event.flow_ids:
                flows.setdefault(flow, []).append(categories[event.category_iids[0]])
            depth[event.track_uuid] += 1
        elif event.type == TrackEvent.TYPE_SLICE_END:
            depth[event.track_uuid] -= 1
        else:
            memory.append(event.counter_value)
    assert counts == expected(launches), counts
    arrows = Counter(frozenset(ends) for ends in flows.values() if len(ends) > 1)
    assert arrows == {frozenset(["launch", "execution"]): launches + launches // 2}, arrows
    assert not any(depth.values()), "slices that do not end"
    assert memory == [1 << 20, 0], memory


def rows(found, launches):
    counts = Counter((row["kind"], row["name"]) for row in found)
    assert counts == expected(launches), counts
    launch = next(row for row in found if row["kind"] == "launch" and row["name"] == FIRST)
    assert int(launch["registers"]) > 0 and float(launch["occupancy"]) > 0 and launch["limited_by"]
    assert int(launch["dynamic_shared_bytes"]) == 256 and int(launch["duration_ns"]) > 0
    times = {}
    for row in found:
        if row["kind"] in ("launch", "execution"):
            times.setdefault(int(row["correlation"]), {})[row["kind"]] = int(row["start_ns"])
    # A device begins after the program has asked.
    assert all(pair["launch"] < pair["execution"] for pair in times.values())
    return launch


def validator(name):
    schema = json.loads((SCHEMAS / name).read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


def valid(value, judge, spoilt):
    """Holds a value against its schema, and sees that the schema can refuse one."""
    judge.validate(value)
    assert not judge.is_valid({**value, **spoilt}), "the schema takes anything"


def queried(path, reader, launches):
    """The same counts by DuckDB, whose reader is another one."""
    counts = duckdb.sql(f"SELECT kind, name, count(*) FROM {reader}('{path}') GROUP BY ALL").fetchall()
    assert Counter({(kind, name): count for kind, name, count in counts}) == expected(launches), counts
    overlap = duckdb.sql(f"""
        SELECT count(*) FROM {reader}('{path}') launch JOIN {reader}('{path}') execution USING (correlation)
        WHERE launch.kind = 'launch' AND execution.kind = 'execution' AND launch.start_ns < execution.start_ns
          AND launch.grid_x = execution.grid_x AND launch.active_blocks > 0
    """).fetchone()
    assert overlap == (launches + launches // 2,), overlap


def main():
    launches = int(sys.argv[1])
    trace, table, text, lines, report = sys.argv[2:]
    perfetto(trace, launches)
    launch = rows(pyarrow.parquet.read_table(table).to_pylist(), launches)
    assert (launch["grid_x"], launch["grid_y"], launch["block_x"]) == (3, 2, 64)
    with open(text, newline="") as file:
        launch = rows(list(csv.DictReader(file)), launches)
    assert (launch["grid_x"], launch["grid_y"], launch["block_x"]) == ("3", "2", "64")
    queried(table, "read_parquet", launches)
    queried(text, "read_csv_auto", launches)
    with open(lines) as file:
        first, *objects = [json.loads(line) for line in file]
    judge = validator("export.json")
    # One of each kind, and some of the many that are alike.
    each = list({value["kind"]: value for value in objects}.values())
    for value in [first, *each, *objects[::25]]:
        valid(value, judge, {"kind": "nonsense"})
    with open(report) as file:
        valid(json.load(file), validator("report.json"), {"launches": -1})
    assert first["kind"] == "process" and first["facts"]["process"]
    assert rows(objects, launches)["grid"] == [3, 2, 1]


main()
