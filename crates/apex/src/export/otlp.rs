//! A trace of OpenTelemetry, in its format for files: JSON, a line for each batch of spans.
//!
//! A recording is one trace. The program is the span at its root, calls are spans below that, and what the device did for a call is below
//! the call's span. Numbers of spans follow from those of calls, so that nothing has to be remembered.

use std::io::Write;

use anyhow::Result;
use apex_server::otlp::{attribute, number, resource, scope, text};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use telemetry::records::{Fact, flags};

use super::Exporter;
use super::event::{Event, LaunchInfo};

/// Most spans of a line.
const SPANS_MAX: usize = 1000;
/// The number of the root; those of calls are their own plus 1, those of what devices did have the top bit.
const ROOT: u64 = u64::MAX;
const ON_DEVICE: u64 = 1 << 63;

/// Writes a trace.
#[derive(Default)]
pub struct Otlp {
    trace: [u8; 16],
    resource: Resource,
    program: String,
    /// What is added to times to make them count from 1970.
    to_unix_ns: u64,
    start_ns: u64,
    end_ns: u64,
    /// What devices did, so far.
    on_device: u64,
    batch: Vec<Span>,
}

impl Exporter for Otlp {
    fn begin(&mut self, facts: &[Fact], _out: &mut dyn Write) -> Result<()> {
        let fact = |name| facts.iter().find(|fact| fact.name == name).map_or("", |fact| &fact.value);
        let (pid, host) = (fact("process").parse().unwrap_or(0), fact("host"));
        self.start_ns = fact("start_ns").parse().unwrap_or(0);
        self.end_ns = self.start_ns;
        let start_unix_ns: u64 = fact("start_unix_ns").parse().unwrap_or(0);
        self.to_unix_ns = start_unix_ns.wrapping_sub(self.start_ns);
        self.program = apex_server::names::program_label(fact("program"));
        self.resource = resource(pid, &self.program, host);
        // Of the same recording always the same, of another one another.
        let whose = u64::from(apex_server::names::hash(host)) << 32 | pid & 0xffff_ffff;
        self.trace[..8].copy_from_slice(&start_unix_ns.to_be_bytes());
        self.trace[8..].copy_from_slice(&whose.to_be_bytes());
        // A trace's number is not 0.
        self.trace[0] |= 0x80;
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, out: &mut dyn Write) -> Result<()> {
        self.end_ns = self.end_ns.max(event.start.saturating_add(event.duration));
        // Where nobody knows the call, it is below the program.
        let call = event.correlation.map_or(ROOT, |correlation| correlation.wrapping_add(1));
        // What was done on a device has no thread that called.
        let (id, parent) = match event.thread {
            Some(_) => (call, ROOT),
            None => {
                self.on_device += 1;
                (ON_DEVICE | self.on_device, call)
            }
        };
        let mut span = self.span(id, parent, event.name, event.start, event.duration);
        if span.name.is_empty() {
            span.name = event.kind.to_owned();
        }
        span.attributes = attributes(event);
        if event.result != 0 {
            let message = format!("the driver answered {}", event.result);
            span.status = Some(Status { message, code: StatusCode::Error.into() });
        }
        self.put(span, out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<()> {
        let duration = self.end_ns - self.start_ns;
        let mut root = self.span(ROOT, 0, &self.program, self.start_ns, duration);
        root.parent_span_id = Vec::new();
        self.put(root, out)?;
        self.write_batch(out)
    }
}

impl Otlp {
    fn span(&self, id: u64, parent: u64, name: &str, start: u64, duration: u64) -> Span {
        let start = start.wrapping_add(self.to_unix_ns);
        Span {
            trace_id: self.trace.to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            parent_span_id: parent.to_be_bytes().to_vec(),
            name: name.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: start.wrapping_add(duration),
            ..Span::default()
        }
    }

    fn put(&mut self, span: Span, out: &mut dyn Write) -> Result<()> {
        self.batch.push(span);
        if self.batch.len() < SPANS_MAX { Ok(()) } else { self.write_batch(out) }
    }

    fn write_batch(&mut self, out: &mut dyn Write) -> Result<()> {
        let spans = std::mem::take(&mut self.batch);
        if spans.is_empty() {
            return Ok(());
        }
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
        let resource_spans =
            ResourceSpans { resource: Some(self.resource.clone()), scope_spans, ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource_spans] };
        serde_json::to_writer(&mut *out, &request)?;
        Ok(out.write_all(b"\n")?)
    }
}

fn attributes(event: &Event<'_>) -> Vec<KeyValue> {
    let mut attributes =
        vec![text("apex.kind", event.kind), number("apex.context", event.context), number("apex.stream", event.stream)];
    let optional = [
        ("apex.correlation", event.correlation),
        ("thread.id", event.thread),
        ("apex.device", event.device),
        ("apex.bytes", event.bytes),
        ("apex.address", event.address),
        ("apex.graph", event.graph),
    ];
    attributes.extend(optional.into_iter().filter_map(|(name, value)| Some(number(name, value?))));
    if event.result != 0 {
        attributes.push(number("apex.result", event.result));
    }
    let set = flags::NAMES.into_iter().filter(|(bit, _)| event.flags & bit != 0);
    attributes.extend(set.map(|(_, name)| attribute(&format!("apex.{name}"), Any::BoolValue(true))));
    if let Some(launch) = event.launch {
        add_launch(launch, &mut attributes);
    }
    attributes
}

fn add_launch(launch: &LaunchInfo, attributes: &mut Vec<KeyValue>) {
    let sizes = |sizes: [u64; 3]| {
        let values = sizes.map(|size| AnyValue { value: Some(Any::IntValue(size as i64)) });
        Any::ArrayValue(ArrayValue { values: values.to_vec() })
    };
    attributes.push(attribute("apex.grid", sizes(launch.grid)));
    attributes.push(attribute("apex.block", sizes(launch.block)));
    let numbers = [
        ("apex.cluster_blocks", launch.cluster),
        ("apex.dynamic_shared_bytes", launch.dynamic_shared),
        ("apex.static_shared_bytes", launch.static_shared),
        ("apex.registers", launch.registers),
        ("apex.local_bytes", launch.local),
    ];
    attributes.extend(numbers.map(|(name, value)| number(name, value)));
    if let Some((share, limits)) = &launch.occupancy {
        attributes.push(attribute("apex.occupancy", Any::DoubleValue(*share)));
        attributes.push(text("apex.limited_by", limits));
    }
}
