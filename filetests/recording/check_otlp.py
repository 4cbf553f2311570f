"""Reads the trace that `apex export --to otlp` wrote with OpenTelemetry's official definitions, and compares it with what program.py does.

Arguments: the number of launches of the first kernel, and the file.
"""

import base64
import json
import sys
from collections import Counter

from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FIRST, SECOND = "first(float*)", "second"


def with_bytes(value):
    """OpenTelemetry's JSON has numbers of traces and spans in hexadecimal, protobuf's has bytes in base64."""
    if isinstance(value, list):
        return [with_bytes(part) for part in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    encode = lambda text: base64.b64encode(bytes.fromhex(text)).decode()
    return {name: encode(part) if name in ids else with_bytes(part) for name, part in value.items()}


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def main(launches, path):
    spans, resources = [], []
    with open(path) as file:
        for line in file:
            # Fields that OpenTelemetry does not know are an error.
            request = Parse(json.dumps(with_bytes(json.loads(line))), ExportTraceServiceRequest())
            for resource in request.resource_spans:
                resources.append(attributes(resource.resource.attributes))
                for scope in resource.scope_spans:
                    assert len(scope.spans) <= 1000
                    spans.extend(scope.spans)
    assert all(about == resources[0] for about in resources) and resources[0]["service.name"] == "python3 program.py"
    assert {span.trace_id for span in spans} == {spans[0].trace_id} and len(spans[0].trace_id) == 16
    by_id = {span.span_id: span for span in spans}
    assert len(by_id) == len(spans) and all(len(number) == 8 and any(number) for number in by_id)
    roots = [span for span in spans if not span.parent_span_id]
    assert len(roots) == 1 and roots[0].name == "python3 program.py"
    counts, parents = Counter(), Counter()
    for span in spans:
        assert 1 << 60 < span.start_time_unix_nano <= span.end_time_unix_nano
        if span is roots[0]:
            continue
        about, parent = attributes(span.attributes), by_id[span.parent_span_id]
        counts[about["apex.kind"], span.name] += 1
        if about["apex.kind"] == "execution":
            assert parent.name == span.name and attributes(parent.attributes)["apex.kind"] == "launch"
        else:
            assert parent is roots[0] and about["thread.id"] == 0
        if about["apex.kind"] in ("launch", "execution"):
            assert [size.int_value for size in about["apex.grid"].values] == [3, 2, 1]
            assert about["apex.dynamic_shared_bytes"] == 256 and 0 < about["apex.occupancy"] <= 1
        assert roots[0].start_time_unix_nano <= span.start_time_unix_nano
        assert span.end_time_unix_nano <= roots[0].end_time_unix_nano
    for kernel, count in ((FIRST, launches), (SECOND, launches // 2)):
        assert counts["launch", kernel] == counts["execution", kernel] == count, counts
    assert counts["copy", "host to device"] == counts["allocation", "device"] == counts["free", "device"] == 1, counts


main(int(sys.argv[1]), sys.argv[2])
