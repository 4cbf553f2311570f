//! The check accepts and refuses the instructions that NVIDIA's assembler accepts and refuses.

use ptx::ast::Module;
use ptx::lowering::lower_kernel;
use simt_ir::Op;

/// Registers of every type, which the recorded instructions use.
const DECLARATIONS: &str = ".global .u32 g; .shared .u32 sh;
.func (.param .b32 r) callee(.param .b32 a) { ret; }
.visible .entry k(.param .u64 p) {
.reg .pred %p<9>; .reg .b16 %h<9>; .reg .f16 %hf<4>; .reg .b32 %r<9>; .reg .u32 %u<4>; .reg .s32 %s<4>;
.reg .b64 %q<9>; .reg .f32 %f<9>; .reg .f64 %d<9>; .reg .b128 %b<3>; .reg .b8 %c<9>;";

/// None if the instruction is accepted, or else what is wrong with it.
fn objection(header: &str, instruction: &str) -> Option<String> {
    let text = format!("{header}\n.address_size 64\n{DECLARATIONS}\n{instruction}\n}}\n");
    let module = match Module::parse(&text) {
        Ok(module) => module,
        Err(error) => return Some(error.message),
    };
    let program = match lower_kernel(&module, "k") {
        Ok((program, _)) => program,
        Err(error) => return Some(error.to_string()),
    };
    let instructions = program.kernel().blocks.iter().flat_map(|block| &block.instructions);
    instructions.into_iter().find_map(|instruction| match &instruction.op {
        Op::Unsupported { text, .. } => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn the_check_agrees_with_the_assembler() {
    assert_agreement(".version 8.8\n.target sm_90", include_str!("verdicts.txt"), 400);
    assert_agreement(".version 9.0\n.target sm_100a", include_str!("verdicts_9_0.txt"), 190);
}

/// Compares the verdicts of a file, which has at least `least` of them.
fn assert_agreement(header: &str, verdicts: &str, least: usize) {
    let lines = verdicts.lines().filter(|line| !line.starts_with('#'));
    let mut disagreements = Vec::new();
    let mut count = 0;
    for line in lines {
        count += 1;
        let (verdict, rest) = line.split_once(' ').expect("a verdict and an instruction");
        let (instruction, reason) = match rest.split_once("//") {
            Some((instruction, reason)) => (instruction, Some(reason)),
            None => (rest, None),
        };
        let objection = objection(header, instruction);
        let agrees = objection.is_none() == (verdict == "accepted");
        match (agrees, reason) {
            (true, Some(_)) => disagreements.push(format!("{line}: agrees now, remove the reason")),
            (false, None) => disagreements.push(format!("{line}: {}", objection.as_deref().unwrap_or("accepted here"))),
            _ => {}
        }
    }
    assert!(count >= least, "the verdicts are read");
    assert!(disagreements.is_empty(), "{} of {count}:\n{}", disagreements.len(), disagreements.join("\n"));
}
