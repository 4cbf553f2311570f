//! The table that people read.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::corpus::Made;
use super::{CACHED_MS_ASKED, Compile, LIBRARY_MS_ASKED, MEDIAN_MS_ASKED};

/// How many of the slowest kernels are named.
const WORST: usize = 10;

/// All figures of the part.
pub fn text(compile: &Compile) -> String {
    let (corpus, library, other) = (&compile.corpus, &compile.library, &compile.other_stream);
    let mut text = format!(
        "{} programs loaded {} modules with {} kernels; {} were compiled quickly, for one size of block each, {} for speed, and {} came from the cache in another run.\n\n",
        corpus.programs,
        corpus.modules,
        corpus.kernels_contained,
        corpus.quick.len(),
        corpus.compiled.len(),
        corpus.cached.len()
    );
    let _ = writeln!(text, "{:<36}{:>10}{:>10}{:>10}{:>10}", "ms a kernel", "median", "p90", "max", "asked");
    let mut line = |name: &str, values: Vec<f64>, asked: Option<f64>| {
        let [median, p90, max] = [0.5, 0.9, 1.0].map(|part| quantile(&values, part));
        let asked = asked.map_or_else(|| "-".to_owned(), |asked| format!("{asked:.0}"));
        let _ = writeln!(text, "{name:<36}{median:>10.2}{p90:>10.2}{max:>10.1}{asked:>10}");
    };
    let of = |made: &[Made], time: fn(&Made) -> f64| made.iter().map(time).collect::<Vec<f64>>();
    let kinds = [
        ("before the first launch", &corpus.quick, Some(MEDIAN_MS_ASKED)),
        ("for speed, while it runs", &corpus.compiled, None),
    ];
    for (name, made, asked) in kinds {
        line(name, of(made, |made| made.wall_ms), asked);
        line("  processor time", of(made, |made| made.cpu_ms), None);
        for (step, times) in by_steps(made) {
            line(&format!("    {step}"), times, None);
        }
    }
    line("from the cache", of(&corpus.cached, |made| made.wall_ms), Some(CACHED_MS_ASKED));
    line("from the cache, processor time", of(&corpus.cached, |made| made.cpu_ms), None);

    let mut worst: Vec<&Made> = corpus.compiled.iter().collect();
    worst.sort_by(|a, b| b.cpu_ms.total_cmp(&a.cpu_ms));
    let _ = writeln!(text, "\n{:<36}{:>10}{:>14}", "most processor time, for speed", "ms", "instructions");
    for made in worst.into_iter().take(WORST) {
        let name: String = made.kernel.chars().take(60).collect();
        let instructions = made.instructions.unwrap_or_default();
        let _ = writeln!(text, "{:<36}{:>10.0}{instructions:>14}  {name}", made.program, made.cpu_ms);
    }
    let _ = writeln!(
        text,
        "\nA module of {} bytes with {} kernels: loaded in {:.1} ms, the first launch's result after {:.1} ms (at least {:.1}; asked: {LIBRARY_MS_ASKED:.0}).",
        library.bytes,
        library.kernels,
        library.load_ms.median,
        library.first_result_ms.median,
        library.first_result_ms.min
    );
    let _ = writeln!(
        text,
        "While a kernel was compiled for {:.0} ms, {} launches in another stream took {:.1} us (p99 {:.1}, at most {:.0}); before, {:.1} us (p99 {:.1}, at most {:.0}).",
        other.compilation_ms,
        other.meanwhile.count,
        other.meanwhile.median_us,
        other.meanwhile.p99_us,
        other.meanwhile.max_us,
        other.alone.median_us,
        other.alone.p99_us,
        other.alone.max_us
    );
    text
}

/// Processor time by steps, of each kernel, the longest step first.
fn by_steps(made: &[Made]) -> Vec<(&str, Vec<f64>)> {
    let mut steps: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (step, time) in made.iter().flat_map(|made| &made.steps_cpu_ms) {
        steps.entry(step).or_default().push(*time);
    }
    let mut steps: Vec<(&str, Vec<f64>)> = steps.into_iter().collect();
    steps.sort_by(|a, b| b.1.iter().sum::<f64>().total_cmp(&a.1.iter().sum()));
    steps
}

/// The value that a part of all values does not exceed.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get((part * sorted.len().saturating_sub(1) as f64) as usize).copied().unwrap_or(f64::NAN)
}
