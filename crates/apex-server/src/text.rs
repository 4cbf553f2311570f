//! Families as text: in Prometheus's format (0.0.4) and in that of OpenMetrics (1.0.0).
//!
//! Written here and not taken from a crate because the crates that write it (`prometheus`, `prometheus-client`) write one of the two, and
//! from registries of counters that count; here both are made, of counts that others have made.

use std::fmt::Write;

use crate::metrics::{Family, Kind, Sample, Unit, Value};

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's own.
    Prometheus,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// What an HTTP answer in this format says of itself.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that a request wants by its `Accept` header. OpenMetrics where it is asked for, and not less than everything else.
    pub fn wanted(accept: &str) -> Format {
        let (mut open, mut plain) = (0.0_f64, 0.0_f64);
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
            match kind {
                "application/openmetrics-text" => open = open.max(quality),
                "text/plain" | "text/*" | "*/*" => plain = plain.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= plain { Format::OpenMetrics } else { Format::Prometheus }
    }
}

/// The text of families.
pub fn text(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    for family in families {
        write_family(family, format, &mut out).expect("a string takes everything");
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn write_family(family: &Family, format: Format, out: &mut String) -> std::fmt::Result {
    let metric = family.metric;
    let kind = match metric.kind {
        // In OpenMetrics, what has no name of a counter is none.
        Kind::Counter if format == Format::OpenMetrics && !metric.name.ends_with("_total") => "unknown",
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    // In OpenMetrics the suffix belongs to the samples alone.
    let name = match format {
        Format::Prometheus => metric.name,
        Format::OpenMetrics => metric.name.strip_suffix("_total").unwrap_or(metric.name),
    };
    writeln!(out, "# HELP {name} {}", metric.help)?;
    writeln!(out, "# TYPE {name} {kind}")?;
    let unit = match metric.unit {
        Unit::One => None,
        Unit::Seconds => Some("seconds"),
        Unit::Bytes => Some("bytes"),
    };
    if let (Format::OpenMetrics, Some(unit)) = (format, unit) {
        writeln!(out, "# UNIT {name} {unit}")?;
    }
    family.samples.iter().try_for_each(|sample| write_sample(metric.name, metric.labels, sample, out))
}

fn write_sample(name: &str, names: &[&str], sample: &Sample, out: &mut String) -> std::fmt::Result {
    out.push_str(name);
    let numbers = sample.source.as_ref().map(|source| {
        [source.pid.to_string(), source.foreign_namespace.map_or(String::new(), |namespace| namespace.to_string())]
    });
    let source = sample.source.iter().zip(&numbers).flat_map(|(source, [pid, namespace])| {
        [("pid", &**pid), ("pid_namespace", &**namespace), ("program", &*source.program)]
    });
    let labels = names.iter().copied().zip(sample.labels.iter().map(String::as_str));
    let mut separator = '{';
    for (label, value) in source.chain(labels).filter(|(_, value)| !value.is_empty()) {
        write!(out, "{separator}{label}=\"{}\"", escaped(value))?;
        separator = ',';
    }
    if separator == ',' {
        out.push('}');
    }
    match sample.value {
        Value::Integer(value) => writeln!(out, " {value}"),
        Value::Real(value) => writeln!(out, " {value}"),
    }
}

/// A text with what the formats give a meaning to written otherwise.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{self, Families, Source};
    use expect_test::expect;
    use std::sync::Arc;

    fn families() -> Vec<Family> {
        let source = Arc::new(Source {
            pid: 7,
            foreign_namespace: None,
            program: "a \"b\"".to_owned(),
            host: "h".to_owned(),
            version: "1".to_owned(),
            start_unix_ns: 0,
        });
        let mut families = Families::default();
        families.add(&metrics::PROCESSES, None, &[], Value::Integer(1));
        families.add(&metrics::KERNEL_LAUNCHES, Some(&source), &["f(\\\n)", "0"], Value::Integer(u64::MAX));
        families.add(&metrics::KERNEL_LAUNCHES, Some(&source), &["other", ""], Value::Integer(0));
        families.add(&metrics::KERNEL_LAUNCH, Some(&source), &["other", ""], Value::seconds(1_500_000));
        families.add(&metrics::GPU_ENERGY, None, &["0", "", "", "", "", ""], Value::Integer(5));
        families.sorted()
    }

    #[test]
    fn prometheus() {
        expect![[r#"
            # HELP apex_kernel_launches_total Launches of kernels by the process, those of graphs not among them.
            # TYPE apex_kernel_launches_total counter
            apex_kernel_launches_total{pid="7",program="a \"b\"",kernel="f(\\\n)",device="0"} 18446744073709551615
            apex_kernel_launches_total{pid="7",program="a \"b\"",kernel="other"} 0
            # HELP apex_kernel_launch_seconds_total Time of the calls that launched them, on the host.
            # TYPE apex_kernel_launch_seconds_total counter
            apex_kernel_launch_seconds_total{pid="7",program="a \"b\"",kernel="other"} 0.0015
            # HELP apex_processes Processes that publish and run.
            # TYPE apex_processes gauge
            apex_processes 1
            # HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Energy since the driver was loaded in mJ.
            # TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter
            DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 5
        "#]]
        .assert_eq(&text(&families(), Format::Prometheus));
    }

    #[test]
    fn open_metrics() {
        expect![[r#"
            # HELP apex_kernel_launches Launches of kernels by the process, those of graphs not among them.
            # TYPE apex_kernel_launches counter
            apex_kernel_launches_total{pid="7",program="a \"b\"",kernel="f(\\\n)",device="0"} 18446744073709551615
            apex_kernel_launches_total{pid="7",program="a \"b\"",kernel="other"} 0
            # HELP apex_kernel_launch_seconds Time of the calls that launched them, on the host.
            # TYPE apex_kernel_launch_seconds counter
            # UNIT apex_kernel_launch_seconds seconds
            apex_kernel_launch_seconds_total{pid="7",program="a \"b\"",kernel="other"} 0.0015
            # HELP apex_processes Processes that publish and run.
            # TYPE apex_processes gauge
            apex_processes 1
            # HELP DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION Energy since the driver was loaded in mJ.
            # TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION unknown
            DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0"} 5
            # EOF
        "#]]
        .assert_eq(&text(&families(), Format::OpenMetrics));
    }

    #[test]
    fn the_format_is_the_one_that_is_asked_for() {
        let open = Format::OpenMetrics;
        let plain = Format::Prometheus;
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            (prometheus, open),
            ("", plain),
            ("*/*", plain),
            ("text/plain, application/openmetrics-text;q=0.4", plain),
            ("application/openmetrics-text;q=0", plain),
            ("text/html", plain),
        ] {
            assert_eq!(Format::wanted(accept), format, "{accept}");
        }
    }
}
