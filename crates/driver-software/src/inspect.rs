//! What people see of the compiler without a device: the stages of a kernel on its way to machine code.
//!
//! No state of the driver is used, and none is made.

use jit::{Config, Module, Options, Stages};
use std::fmt::Write as _;

/// Makes the text of a stage.
type Show = fn(&Module, &str, Options) -> Result<String, jit::Error>;

/// What `apex compile` shows.
const STAGES: &[(&str, Show)] = &[
    ("ir", |module, kernel, options| Ok(module.stages(kernel, options)?.ir)),
    ("llvm", |module, kernel, options| Ok(module.stages(kernel, options)?.llvm)),
    ("optimized", |module, kernel, options| Ok(module.stages(kernel, options)?.optimized)),
    ("asm", |module, kernel, options| Ok(module.stages(kernel, options)?.assembly)),
    ("times", |module, kernel, options| Ok(times(&module.stages(kernel, options)?))),
    ("report", |module, kernel, options| Ok(jit::report_text(&module.report(kernel, options)?, module.text()))),
    ("report-json", |module, kernel, options| Ok(jit::report_json(&module.report(kernel, options)?, module.text()))),
];

/// The names of the kernels of a program in PTX, a line each.
///
/// # Errors
/// In words, with the line, when the text is not PTX.
pub fn kernels(ptx: &str) -> Result<String, String> {
    let module = Module::from_ptx(ptx, &Config::default()).map_err(|error| error.to_string())?;
    Ok(module.kernels().iter().map(|name| format!("{name}\n")).collect())
}

/// A stage of a kernel, made for blocks of `block` threads, `lanes` of them together (0: as many as
/// promise most): `ir`, `llvm`, `optimized`, `asm`, or `times`; or what was decided on the way, as `report` or `report-json`.
///
/// # Errors
/// In words, when there is no such kernel or stage, or it cannot be compiled.
pub fn stage(ptx: &str, kernel: &str, block: [u32; 3], lanes: u32, stage: &str) -> Result<String, String> {
    let Some((_, show)) = STAGES.iter().find(|(name, _)| *name == stage) else {
        let names: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no stage {stage}, only {}", names.join(", ")));
    };
    let module = Module::from_ptx(ptx, &Config::default()).map_err(|error| error.to_string())?;
    let lanes = (lanes > 0).then_some(lanes);
    let options = Options { block: Some(block), small_grid: true, lanes, ..Options::default() };
    show(&module, kernel, options).map_err(|error| error.to_string())
}

/// The processor's time of each step, and the sizes of what they make.
fn times(stages: &Stages) -> String {
    let mut text = String::new();
    for step in &stages.steps {
        let _ = writeln!(text, "{:<24}{:>10.3} ms", step.name, step.cpu.as_secs_f64() * 1e3);
    }
    let _ = writeln!(text, "{:<24}{:>10}", "lanes", stages.lanes);
    let lines = |text: &str| text.lines().count();
    let _ = writeln!(text, "{:<24}{:>10} lines", "IR", lines(&stages.ir));
    let _ = writeln!(text, "{:<24}{:>10} lines", "LLVM IR, emitted", lines(&stages.llvm));
    let _ = writeln!(text, "{:<24}{:>10} lines", "LLVM IR, optimised", lines(&stages.optimized));
    let _ = writeln!(text, "{:<24}{:>10} lines", "assembly", lines(&stages.assembly));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTX: &str = ".version 8.0\n.target sm_75\n.address_size 64\n\
        .visible .entry first() { ret; }\n.visible .entry second() { ret; }\n";

    #[test]
    fn kernels_and_stages_are_shown() {
        assert_eq!(kernels(PTX).unwrap(), "first\nsecond\n");
        assert!(stage(PTX, "second", [64, 1, 1], 0, "asm").unwrap().contains("apex_kernel"));
        assert!(stage(PTX, "first", [64, 1, 1], 0, "times").unwrap().contains("code generation"));
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert_eq!(stage(PTX, "third", [64, 1, 1], 0, "asm").unwrap_err(), "the module has no kernel third");
        assert!(stage(PTX, "first", [64, 1, 1], 0, "sass").unwrap_err().starts_with("there is no stage sass"));
        assert!(kernels("nonsense").is_err());
    }
}
