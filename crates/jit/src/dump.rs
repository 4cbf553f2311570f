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
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Stage; 4] = [Stage::Ptx, Stage::Ir, Stage::Llvm, Stage::Asm];

    /// Name, as in `APEX_DUMP=ptx,ir,llvm,asm`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Ptx => "ptx",
            Stage::Ir => "ir",
            Stage::Llvm => "llvm",
            Stage::Asm => "asm",
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

/// Writes `apex-dump/<kernel>[.XxYxZ].<stage>` in the working directory. Failures are told on stderr; the run goes on.
pub(crate) fn dump(stages: &[Stage], compiler: &Compiler, ptx: &str, program: &Program, options: &Options) {
    if stages.is_empty() {
        return;
    }
    let folder = PathBuf::from("apex-dump");
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
    if stages == [Stage::Ptx] {
        return;
    }
    match compiler.stages(program, options) {
        Ok(texts) => {
            for stage in stages {
                match stage {
                    Stage::Ptx => {}
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
