"""A collector of OpenTelemetry's metrics, with its official definitions.

Prints its address, takes messages until a process has launched a kernel so often, and then prints what that message said as JSON.
Arguments: the process, the kernel, the number of launches.
"""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE

# Whoever waits for this must not wait for ever.
signal.alarm(300)

process, kernel, launches = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
found = []


def attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def unknown(message):
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type:
            count += sum(unknown(part) for part in (value if field.is_repeated else [value]))
    return count


def points(metric):
    kind = metric.WhichOneof("data")
    assert kind in ("sum", "gauge"), kind
    if kind == "sum":
        assert metric.sum.is_monotonic and metric.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    for point in getattr(metric, kind).data_points:
        assert point.time_unix_nano > 1 << 60
        assert kind == "gauge" or 1 << 60 < point.start_time_unix_nano <= point.time_unix_nano
        value = getattr(point, point.WhichOneof("value"))
        yield {"name": metric.name, "unit": metric.unit, "kind": kind, "labels": attributes(point.attributes), "value": value}


def take(body):
    request = ExportMetricsServiceRequest()
    request.ParseFromString(body)
    assert unknown(request) == 0, "fields that OpenTelemetry does not know"
    for resource in request.resource_metrics:
        about = attributes(resource.resource.attributes)
        if about.get("process.pid") != process:
            continue
        metrics = [point for scope in resource.scope_metrics for metric in scope.metrics for point in points(metric)]
        series = [tuple([point["name"], *sorted(point["labels"].items())]) for point in metrics]
        assert len(series) == len(set(series)), "a series twice"
        counts = [point for point in metrics if point["name"] == "apex.kernel_launches"]
        if any(point["labels"].get("kernel") == kernel and point["value"] == launches for point in counts):
            found.append({"resource": about, "metrics": metrics})


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/metrics" and self.headers["Content-Type"] == "application/x-protobuf"
        take(self.rfile.read(int(self.headers["Content-Length"])))
        answer = ExportMetricsServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
while not found:
    server.handle_request()
print(json.dumps(found[0]))
