//! A kernel's [`Report`] as a table for people, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};
use simt_ir::abi::{AccessKind, Status};
use simt_ir::analysis::Cause;
use simt_llvm::{AccessWay, Bounds, FunctionNotes, Report};

/// The text of a line, counted from 1.
fn text_of<'a>(lines: &[&'a str], line: u32) -> &'a str {
    lines.get((line as usize).wrapping_sub(1)).map_or("", |text| text.trim())
}

/// The report as text. `program` is the text of the module.
pub fn text(report: &Report, program: &str) -> String {
    let lines: Vec<&str> = program.lines().collect();
    let line = |line| text_of(&lines, line);
    let mut out = String::new();
    let Some(kernel) = report.functions.last() else { return out };
    let size = report.block.map_or("any".to_owned(), |[x, y, z]| format!("{x}x{y}x{z}"));
    let _ = writeln!(out, "kernel {} for blocks of {size}", kernel.name);
    let mut row = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<10}{text}");
    };
    row("vectors", format!("{} lanes a function, registers of {} bits", kernel.lanes, report.register_bits));
    row("calls", way_of_calling(report));
    row("memory", format!("{} bytes shared, {} bytes local a lane", report.shared_bytes, report.local_bytes));
    let reduced = if report.reduced_passes { ": so many that LLVM's passes were reduced" } else { "" };
    let sliced = if report.sliced { "; ordered by slices of the warp" } else { "" };
    row("LLVM", format!("{} instructions emitted{reduced}{sliced}", report.llvm_instructions));
    for function in report.functions.iter().rev() {
        if function.name != kernel.name {
            let _ = writeln!(out, "function {}", function.name);
        }
        write_function(&mut out, function, &line);
    }
    out
}

fn way_of_calling(report: &Report) -> String {
    if report.suspendable {
        return format!("warp by warp, since they may wait; a frame of {} bytes", report.frame_bytes);
    }
    "a range of blocks at a time: nothing in it waits".to_owned()
}

fn write_function<'a>(out: &mut String, notes: &FunctionNotes, line: &impl Fn(u32) -> &'a str) {
    let counts = notes.shapes;
    let all = counts.uniform + counts.affine + counts.segmented + counts.varying;
    let share = |count: u32| format!("{:.0} %", 100.0 * f64::from(count) / f64::from(all.max(1)));
    let _ = writeln!(
        out,
        "  values    {all}: uniform {}, affine {}, segmented {}, varying {}",
        share(counts.uniform),
        share(counts.affine),
        share(counts.segmented),
        share(counts.varying)
    );
    if notes.irregular {
        let _ = writeln!(out, "  lanes     may fall behind each other: values are kept lane by lane");
    }
    if !notes.accesses.is_empty() {
        let _ = writeln!(
            out,
            "\n  memory accesses\n    line  what        space    way                                   bounds"
        );
    }
    for access in &notes.accesses {
        let what = format!("{} {}", kind_name(access.kind), access.bytes);
        let way = format!("{}{}", way_name(access.way), if access.outlined { ", called" } else { "" });
        let space = format!("{:?}", access.space).to_lowercase();
        let bounds = bounds_name(access.bounds);
        let text = line(access.line);
        let _ = writeln!(out, "  {:>6}  {what:<10}  {space:<7}  {way:<36}  {bounds:<6}  {text}", access.line);
    }
    if !notes.branches.is_empty() {
        let _ = writeln!(out, "\n  divergent branches");
    }
    for branch in &notes.branches {
        let _ = writeln!(out, "  {:>6}  {}", branch.line, line(branch.line));
        for (index, cause) in branch.causes.iter().enumerate() {
            let why = if index == 0 { "since" } else { "of" };
            let _ = writeln!(out, "          {why:>5} {}", cause_text(cause));
        }
    }
    if !notes.waits.is_empty() {
        let _ = writeln!(out, "\n  barriers and other waits\n    line  waits for  saved     restored");
    }
    for wait in &notes.waits {
        let (saved, restored) = (wait.saved_bytes, wait.restored_bytes);
        let _ = writeln!(
            out,
            "  {:>6}  {:<9}  {saved:>5} B   {restored:>5} B   {}",
            wait.line,
            wait_name(wait.status),
            line(wait.line)
        );
    }
    if !notes.calls.is_empty() {
        let _ = writeln!(out, "\n  calls not inlined");
    }
    for call in &notes.calls {
        let callee = call.callee.as_deref().unwrap_or("through a pointer");
        let _ = writeln!(out, "  {:>6}  {callee}", call.line);
    }
    if !notes.loops.is_empty() {
        let _ = writeln!(out, "\n  loops");
    }
    for info in &notes.loops {
        let alone = format!("from the second turn on up to {} lanes end it one by one", info.lanes_alone);
        let facts = [
            (info.counts_turns, "turns are counted, to let others run"),
            (info.divergent_exit, "lanes leave after different numbers of turns"),
            (info.lanes_alone > 0, &alone),
            (info.lanes_apart, "lanes may be at different turns"),
            (info.irreducible, "several entries"),
        ];
        let facts: Vec<&str> = facts.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text).collect();
        let facts = if facts.is_empty() { "plain".to_owned() } else { facts.join("; ") };
        let (first, last) = info.lines;
        let _ = writeln!(out, "    lines {first} to {last}, depth {}: {facts}", info.depth);
    }
    out.push('\n');
}

/// The report as JSON; the fields are documented in `docs/counters.md`.
pub fn json(report: &Report, program: &str) -> String {
    let lines: Vec<&str> = program.lines().collect();
    let line = |line| text_of(&lines, line);
    let functions: Vec<Value> = report.functions.iter().rev().map(|notes| function_json(notes, &line)).collect();
    let value = json!({
        "kernel": report.functions.last().map(|kernel| kernel.name.as_str()),
        "block": report.block,
        "register_bits": report.register_bits,
        "suspendable": report.suspendable,
        "frame_bytes": report.frame_bytes,
        "local_bytes": report.local_bytes,
        "shared_bytes": report.shared_bytes,
        "llvm_instructions": report.llvm_instructions,
        "reduced_passes": report.reduced_passes,
        "sliced": report.sliced,
        "functions": functions,
    });
    format!("{value:#}\n")
}

fn function_json<'a>(notes: &FunctionNotes, line: &impl Fn(u32) -> &'a str) -> Value {
    let counts = notes.shapes;
    let accesses = notes.accesses.iter().map(|access| {
        json!({
            "line": access.line,
            "text": line(access.line),
            "kind": kind_name(access.kind),
            "space": format!("{:?}", access.space).to_lowercase(),
            "bytes": access.bytes,
            "way": way_name(access.way),
            "bounds": bounds_name(access.bounds),
            "outlined": access.outlined,
        })
    });
    let branches = notes.branches.iter().map(|branch| {
        let causes: Vec<String> = branch.causes.iter().map(cause_text).collect();
        json!({ "line": branch.line, "text": line(branch.line), "causes": causes })
    });
    let waits = notes.waits.iter().map(|wait| {
        json!({
            "line": wait.line,
            "text": line(wait.line),
            "for": wait_name(wait.status),
            "saved_bytes": wait.saved_bytes,
            "restored_bytes": wait.restored_bytes,
        })
    });
    let calls = notes.calls.iter().map(|call| json!({ "line": call.line, "callee": call.callee }));
    let loops = notes.loops.iter().map(|info| {
        json!({
            "first_line": info.lines.0,
            "last_line": info.lines.1,
            "depth": info.depth,
            "counts_turns": info.counts_turns,
            "divergent_exit": info.divergent_exit,
            "lanes_alone": info.lanes_alone,
            "lanes_apart": info.lanes_apart,
            "irreducible": info.irreducible,
        })
    });
    json!({
        "name": notes.name,
        "lanes": notes.lanes,
        "irregular": notes.irregular,
        "values": {
            "uniform": counts.uniform,
            "affine": counts.affine,
            "segmented": counts.segmented,
            "varying": counts.varying,
        },
        "accesses": accesses.collect::<Vec<_>>(),
        "divergent_branches": branches.collect::<Vec<_>>(),
        "waits": waits.collect::<Vec<_>>(),
        "calls": calls.collect::<Vec<_>>(),
        "loops": loops.collect::<Vec<_>>(),
    })
}

fn kind_name(kind: AccessKind) -> &'static str {
    match kind {
        AccessKind::Load => "load",
        AccessKind::Store => "store",
        AccessKind::Atomic => "atomic",
    }
}

fn way_name(way: AccessWay) -> String {
    match way {
        AccessWay::Uniform => "uniform".to_owned(),
        AccessWay::Contiguous => "contiguous".to_owned(),
        AccessWay::ContiguousIfInOrder => "contiguous if in order".to_owned(),
        AccessWay::Segmented { lanes, contiguous, if_in_order } => {
            let within = if contiguous { "contiguous" } else { "uniform" };
            format!("segments of {lanes}, {within}{}", if if_in_order { " if in order" } else { "" })
        }
        AccessWay::Columns(count) => format!("{count} columns"),
        AccessWay::Reversed => "reversed".to_owned(),
        AccessWay::Record(elements) => format!("one of {elements} elements moved together"),
        AccessWay::Strided(words) => format!("{words} words a lane"),
        AccessWay::Table => "small table".to_owned(),
        AccessWay::Gather => "gather".to_owned(),
        AccessWay::Scatter => "scatter".to_owned(),
        AccessWay::AtomicOnce => "once for the warp".to_owned(),
        AccessWay::AtomicSum => "once, with prefix sums".to_owned(),
        AccessWay::AtomicLanes => "lane by lane".to_owned(),
    }
}

fn bounds_name(bounds: Bounds) -> &'static str {
    match bounds {
        Bounds::Proven => "proven",
        Bounds::Merged => "merged",
        Bounds::Tested => "tested",
    }
}

fn wait_name(status: Option<Status>) -> &'static str {
    match status {
        None => "nobody",
        Some(Status::Barrier) => "block",
        Some(Status::ClusterBarrier) => "cluster",
        Some(_) => "others",
    }
}

fn cause_text(cause: &Cause) -> String {
    match cause {
        Cause::Operation { line, name } => format!("{name} (line {line})"),
        Cause::Path { line } => format!("what comes by the branch at line {line}"),
        Cause::Branch { line } => format!("the paths that part at line {line}"),
        Cause::Turns => "the turns of a loop that lanes leave at different times".to_owned(),
        Cause::Register(register) => format!("the register {register:?}"),
        Cause::Result { line, name } => format!("the result of {name} (line {line})"),
        Cause::Parameter { index } => format!("parameter {index} of the function"),
    }
}
