//! Families as a message for OpenTelemetry, and the small parts that traces need too.
//!
//! Messages are those of OpenTelemetry's own definitions (crate `opentelemetry-proto`); a process is a resource.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Metric as OtlpMetric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::metrics::{Family, Kind, Metric, Sample, Source, Unit, Value};

/// A name with a text.
pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Any::StringValue(value.to_owned()))
}

/// A name with a number. Numbers beyond those of 63 bits become texts: attributes have no others.
pub fn number(key: &str, value: u64) -> KeyValue {
    match i64::try_from(value) {
        Ok(value) => attribute(key, Any::IntValue(value)),
        Err(_) => text(key, &value.to_string()),
    }
}

/// A name with a value.
pub fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// The instrumentation that everything is told by.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "apex".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// A process as a resource, by OpenTelemetry's names.
pub fn resource(pid: u64, program: &str, host: &str) -> Resource {
    let attributes = vec![
        text("service.name", if program.is_empty() { "apex" } else { program }),
        text("service.instance.id", &format!("{host}:{pid}")),
        text("host.name", host),
        number("process.pid", pid),
    ];
    Resource { attributes, ..Resource::default() }
}

/// A process by its namespace and number; `None` for what is of no process.
type Key = Option<(u64, u32)>;

/// A process with its metrics.
#[derive(Default)]
struct Told<'a> {
    source: Option<&'a Source>,
    metrics: Vec<OtlpMetric>,
}

/// The message with all families, as of a moment in ns since 1970.
pub fn metrics_request(families: &[Family], now_unix_ns: u64) -> ExportMetricsServiceRequest {
    let mut by_source: BTreeMap<Key, Told<'_>> = BTreeMap::new();
    for family in families {
        let mut points: BTreeMap<Key, Vec<NumberDataPoint>> = BTreeMap::new();
        for sample in &family.samples {
            let source = sample.source.as_deref();
            let key = source.map(|source| (source.foreign_namespace.unwrap_or(0), source.pid));
            by_source.entry(key).or_default().source = source;
            points.entry(key).or_default().push(point(family.metric, sample, now_unix_ns));
        }
        for (key, points) in points {
            by_source.entry(key).or_default().metrics.push(metric_of(family.metric, points));
        }
    }
    let resource_metrics = by_source.into_values().map(|Told { source, metrics }| {
        let resource = match source {
            Some(source) => resource(source.pid.into(), &source.program, &source.host),
            None => Resource { attributes: vec![text("service.name", "apex")], ..Resource::default() },
        };
        ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope()), metrics, ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        }
    });
    ExportMetricsServiceRequest { resource_metrics: resource_metrics.collect() }
}

fn metric_of(metric: &Metric, data_points: Vec<NumberDataPoint>) -> OtlpMetric {
    let data = match metric.kind {
        Kind::Gauge => metric::Data::Gauge(Gauge { data_points }),
        Kind::Counter => metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
            is_monotonic: true,
        }),
    };
    let unit = match metric.unit {
        Unit::One => "1",
        Unit::Seconds => "s",
        Unit::Bytes => "By",
    };
    OtlpMetric {
        name: name_of(metric),
        description: metric.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..OtlpMetric::default()
    }
}

/// The name for OpenTelemetry: kind and unit stand beside it, and Prometheus appends them again when it takes it in.
pub fn name_of(metric: &Metric) -> String {
    let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
    let name = match metric.unit {
        Unit::One => name,
        Unit::Seconds => name.strip_suffix("_seconds").unwrap_or(name),
        Unit::Bytes => name.strip_suffix("_bytes").unwrap_or(name),
    };
    match name.strip_prefix("apex_") {
        Some(own) => format!("apex.{own}"),
        None => name.to_owned(),
    }
}

fn point(metric: &Metric, sample: &Sample, now_unix_ns: u64) -> NumberDataPoint {
    let value = match sample.value {
        Value::Integer(value) => match i64::try_from(value) {
            Ok(value) => number_data_point::Value::AsInt(value),
            Err(_) => number_data_point::Value::AsDouble(value as f64),
        },
        Value::Real(value) => number_data_point::Value::AsDouble(value),
    };
    let labels = metric.labels.iter().zip(&sample.labels).filter(|(_, value)| !value.is_empty());
    let start = sample.source.as_ref().map_or(0, |source| source.start_unix_ns);
    NumberDataPoint {
        attributes: labels.map(|(name, value)| text(name, value)).collect(),
        start_time_unix_nano: if metric.kind == Kind::Counter { start } else { 0 },
        time_unix_nano: now_unix_ns,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{DEVICE_METRICS, METRICS};
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_say_no_unit() {
        let names: HashSet<String> = METRICS.iter().chain(DEVICE_METRICS).map(|metric| name_of(metric)).collect();
        assert_eq!(names.len(), METRICS.len() + DEVICE_METRICS.len());
        assert!(!names.iter().any(|name| ["_total", "_seconds", "_bytes"].iter().any(|end| name.ends_with(end))));
        assert!(names.contains("apex.kernel_launch") && names.contains("apex.kernel_launches"));
    }

    #[test]
    fn large_numbers_are_kept_as_texts() {
        let value = |attribute: KeyValue| attribute.value.unwrap().value.unwrap();
        assert_eq!(value(number("n", 7)), Any::IntValue(7));
        assert_eq!(value(number("n", u64::MAX)), Any::StringValue(u64::MAX.to_string()));
    }
}
