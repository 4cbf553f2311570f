//! Writes the stages of a kernel to files, for people (`APEX_DUMP`).

use std::path::PathBuf;

use simt_ir::Program;
use simt_llvm::{Compiler, Options};

/// A stage on the way from PTX to machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The module's text.
    Ptx,
    /// simt-ir after its passes.
    Ir,
    /// LLVM IR, as emitted and optimised.
    Llvm,
    /// Assembly.
    Asm,
    /// How long the steps take, as lines of JSON for all modules and kernels of a program; see `times.rs`.
    Times,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Stage; 5] = [Stage::Ptx, Stage::Ir, Stage::Llvm, Stage::Asm, Stage::Times];

    /// Name, as in `APEX_DUMP=ptx,ir,llvm,asm,times`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ptx => "ptx",
            Stage::Ir => "ir",
            Stage::Llvm => "llvm",
            Stage::Asm => "asm",
            Stage::Times => "times",
        }
    }

    /// The stages of a comma-separated list; `all` is all of them. An unknown name is the error.
    pub fn parse_list(text: &str) -> Result<Vec<Stage>, String> {
        let mut list = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if name == "all" {
                list.extend(Self::ALL);
            } else {
                let stage = Self::ALL.into_iter().find(|stage| stage.name() == name);
                list.push(stage.ok_or_else(|| name.to_string())?);
            }
        }
        Ok(list)
    }
}

/// Where everything is written to, in the working directory.
pub(crate) const FOLDER: &str = "apex-dump";

/// Whether texts are wanted of each kernel, which only a compilation has.
pub(crate) fn has_texts(stages: &[Stage]) -> bool {
    stages.iter().any(|stage| *stage != Stage::Times)
}

/// Writes `apex-dump/<kernel>[.XxYxZ].<stage>` in the working directory. Failures are told on stderr; the run goes on.
pub(crate) fn dump(stages: &[Stage], compiler: &Compiler, ptx: &str, program: &Program, options: &Options) {
    if !has_texts(stages) {
        return;
    }
    let folder = PathBuf::from(FOLDER);
    let size = options.block.map_or_else(String::new, |[x, y, z]| format!(".{x}x{y}x{z}"));
    let name: String = program.kernel().name.chars().take(120).collect();
    let write = |stage: &str, text: &str| {
        let path = folder.join(format!("{name}{size}.{stage}"));
        let result = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = result {
            eprintln!("apex: cannot write {}: {error}", path.display());
        }
    };
    if stages.contains(&Stage::Ptx) {
        write("ptx", ptx);
    }
    if stages.iter().all(|stage| matches!(stage, Stage::Ptx | Stage::Times)) {
        return;
    }
    match compiler.stages(program, options) {
        Ok(texts) => {
            for stage in stages {
                match stage {
                    Stage::Ptx | Stage::Times => {}
                    Stage::Ir => write("ir", &texts.ir),
                    Stage::Llvm => {
                        write("ll", &texts.llvm);
                        write("opt.ll", &texts.optimized);
                    }
                    Stage::Asm => write("s", &texts.assembly),
                }
            }
        }
        Err(error) => eprintln!("apex: {}: nothing to dump: {error}", program.kernel().name),
    }
}
