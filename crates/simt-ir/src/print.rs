//! Text form of programs, for people and for tests.

use std::fmt;

use crate::{Block, Function, FunctionKind, Instruction, Op, Program, RuntimeFunction, Terminator, Value};

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for crate::BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, symbol) in self.symbols.iter().enumerate() {
            writeln!(
                f,
                "symbol @{index} {:?} {:?} offset {} size {}",
                symbol.name, symbol.space, symbol.offset, symbol.size
            )?;
        }
        if self.shared_bytes > 0 {
            writeln!(f, "shared {} bytes, align {}", self.shared_bytes, self.shared_align)?;
        }
        for (index, function) in self.functions.iter().enumerate() {
            write!(f, "f{index}: {function}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FunctionKind::Kernel => "kernel",
            FunctionKind::Device => "function",
            FunctionKind::Lane => "lane",
        };
        write!(f, "{kind} {}(", self.name)?;
        for (index, ty) in self.parameters.iter().enumerate() {
            write!(f, "{}%{index}: {ty}", if index > 0 { ", " } else { "" })?;
        }
        write!(f, ")")?;
        for (index, ty) in self.returns.iter().enumerate() {
            write!(f, "{}{ty}", if index > 0 { ", " } else { " -> " })?;
        }
        if self.param_bytes > 0 {
            write!(f, " params {}", self.param_bytes)?;
        }
        if self.local_bytes > 0 {
            write!(f, " local {}", self.local_bytes)?;
        }
        writeln!(f, " {{")?;
        for id in self.block_ids() {
            writeln!(f, "{id}:")?;
            self.write_block(self.block(id), f)?;
        }
        writeln!(f, "}}")
    }
}

impl Function {
    fn write_block(&self, block: &Block, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phi in &block.phis {
            write!(f, "  {}: {} = phi", phi.result, self.ty(phi.result))?;
            for (index, (from, value)) in phi.incoming.iter().enumerate() {
                write!(f, "{} {from}: {value}", if index > 0 { "," } else { "" })?;
            }
            writeln!(f)?;
        }
        for instruction in &block.instructions {
            self.write_instruction(instruction, f)?;
        }
        writeln!(f, "  {}", block.terminator)
    }

    fn write_instruction(&self, instruction: &Instruction, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  ")?;
        for (index, result) in instruction.results.iter().enumerate() {
            write!(f, "{}{result}: {}", if index > 0 { ", " } else { "" }, self.ty(*result))?;
        }
        if !instruction.results.is_empty() {
            write!(f, " = ")?;
        }
        writeln!(f, "{}", instruction.op)
    }
}

/// The name of an enum's variant, from its `Debug` form, in snake case.
fn snake(value: &impl fmt::Debug) -> String {
    let mut text = String::new();
    for c in format!("{value:?}").chars() {
        if c.is_ascii_uppercase() {
            if !text.is_empty() {
                text.push('_');
            }
            text.push(c.to_ascii_lowercase());
        } else {
            text.push(c);
        }
    }
    text
}

impl fmt::Display for Op {
    /// Operations print as their name, their attributes in brackets, then their operands in the order of
    /// [`Op::operands`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Const { ty, bits } => return write!(f, "const {ty} {bits:#x}"),
            Op::Special(register) => return write!(f, "special {}", snake(register)),
            Op::LoadParam { ty, offset } => return write!(f, "load_param {ty} [{offset}]"),
            Op::SymbolAddress(symbol) => return write!(f, "symbol_address @{}", symbol.0),
            Op::FunctionAddress(function) => return write!(f, "function_address f{}", function.0),
            Op::Unsupported { text, .. } => return write!(f, "unsupported {text:?}"),
            _ => write!(f, "{}", self.mnemonic())?,
        }
        for (index, operand) in self.operands().iter().enumerate() {
            write!(f, "{}{operand}", if index > 0 { ", " } else { " " })?;
        }
        Ok(())
    }
}

impl Op {
    /// Name and attributes.
    pub fn mnemonic(&self) -> String {
        let flags = |list: &[(bool, &str)]| -> String {
            list.iter().filter(|(set, _)| *set).map(|(_, name)| format!(" {name}")).collect()
        };
        match self {
            Op::Unary { op, ty, .. } => format!("{} {ty}", snake(op)),
            Op::Binary { op, ty, .. } => format!("{} {ty}", snake(op)),
            Op::IntCompare { condition, ty, .. } => format!("compare {} {ty}", snake(condition)),
            Op::Select { ty, .. } => format!("select {ty}"),
            Op::Lop3 { table, .. } => format!("lop3 {table:#04x}"),
            Op::Permute { mode, .. } => format!("permute {}", snake(mode)),
            Op::BitFieldExtract { ty, signed, .. } => {
                format!("bit_field_extract {ty}{}", flags(&[(*signed, "signed")]))
            }
            Op::BitFieldInsert { ty, .. } => format!("bit_field_insert {ty}"),
            Op::FunnelShift { left, clamp, .. } => {
                format!(
                    "funnel_shift {} {}",
                    if *left { "left" } else { "right" },
                    if *clamp { "clamp" } else { "wrap" }
                )
            }
            Op::DotProduct4 { a_signed, b_signed, .. } => {
                format!("dot_product4{}", flags(&[(*a_signed, "a_signed"), (*b_signed, "b_signed")]))
            }
            Op::DotProduct2 { a_signed, b_signed, high, .. } => {
                format!("dot_product2{}", flags(&[(*a_signed, "a_signed"), (*b_signed, "b_signed"), (*high, "high")]))
            }
            Op::Halves { op, .. } => format!("halves {}", snake(op)),
            Op::FindNthSet { .. } => "find_nth_set".into(),
            Op::Extend { signed, from, to, .. } => {
                format!("extend {} {from} to {to}", if *signed { "signed" } else { "zero" })
            }
            Op::Truncate { from, to, .. } => format!("truncate {from} to {to}"),
            Op::Expect { ty, stride, .. } => format!("expect {ty} stride {stride}"),
            Op::Bitcast { from, to, .. } => format!("bitcast {from} to {to}"),
            Op::Concat { ty, .. } => format!("concat {ty}"),
            Op::FloatUnary { op, ty, rounding, flush, saturate, .. } => {
                format!("float_{} {ty} {}{}", snake(op), snake(rounding), flags(&[(*flush, "ftz"), (*saturate, "sat")]))
            }
            Op::FloatBinary { op, ty, rounding, flush, saturate, .. } => {
                format!("float_{} {ty} {}{}", snake(op), snake(rounding), flags(&[(*flush, "ftz"), (*saturate, "sat")]))
            }
            Op::Fma { ty, rounding, flush, saturate, relu, .. } => {
                format!(
                    "fma {ty} {}{}",
                    snake(rounding),
                    flags(&[(*flush, "ftz"), (*saturate, "sat"), (*relu, "relu")])
                )
            }
            Op::FloatCompare { condition, ty, flush, .. } => {
                format!("float_compare {} {ty}{}", snake(condition), flags(&[(*flush, "ftz")]))
            }
            Op::IntToFloat { signed, rounding, from, to, .. } => {
                format!("int_to_float {from} to {to} {}{}", snake(rounding), flags(&[(*signed, "signed")]))
            }
            Op::FloatToInt { signed, rounding, flush, from, to, .. } => {
                format!(
                    "float_to_int {from} to {to} {}{}",
                    snake(rounding),
                    flags(&[(*signed, "signed"), (*flush, "ftz")])
                )
            }
            Op::FloatToFloat { rounding, flush, saturate, relu, from, to, .. } => format!(
                "float_to_float {from} to {to} {}{}",
                snake(rounding),
                flags(&[(*flush, "ftz"), (*saturate, "sat"), (*relu, "relu")])
            ),
            Op::Load { space, ty, count, order, offset, guard, .. } => format!(
                "load {} {ty} x{count} {} offset {offset}{}",
                snake(space),
                snake(order),
                flags(&[(guard.is_some(), "guarded")])
            ),
            Op::Store { space, ty, order, offset, guard, .. } => {
                format!(
                    "store {} {ty} {} offset {offset}{}",
                    snake(space),
                    snake(order),
                    flags(&[(guard.is_some(), "guarded")])
                )
            }
            Op::Atomic { op, space, ty, order, scope, offset, guard, returns, .. } => format!(
                "atomic {} {} {ty} {} {} offset {offset}{}",
                snake(op),
                snake(space),
                snake(order),
                snake(scope),
                flags(&[(guard.is_some(), "guarded"), (!*returns, "no_result")])
            ),
            Op::Fence { order, scope } => format!("fence {} {}", snake(order), snake(scope)),
            Op::ToGeneric { space, .. } => format!("to_generic {}", snake(space)),
            Op::FromGeneric { space, .. } => format!("from_generic {}", snake(space)),
            Op::MapToRank { .. } => "map_to_rank".into(),
            Op::RankOf { .. } => "rank_of".into(),
            Op::IsInSpace { space, .. } => format!("is_in_space {}", snake(space)),
            Op::StackAlloc { align, .. } => format!("stack_alloc align {align}"),
            Op::StackSave => "stack_save".into(),
            Op::Mark { class } => format!("mark {}", class.name()),
            Op::StackRestore { .. } => "stack_restore".into(),
            Op::Barrier { kind, threads, .. } => {
                format!("barrier {}{}", snake(kind), flags(&[(threads.is_some(), "counted")]))
            }
            Op::ClusterBarrier { arrive, wait } => {
                format!("cluster_barrier{}", flags(&[(*arrive, "arrive"), (*wait, "wait")]))
            }
            Op::WarpSync { .. } => "warp_sync".into(),
            Op::Shuffle { mode, .. } => format!("shuffle {}", snake(mode)),
            Op::Vote { mode, .. } => format!("vote {}", snake(mode)),
            Op::Match { kind, ty, .. } => format!("match {} {ty}", snake(kind)),
            Op::Reduce { op, .. } => format!("reduce {}", snake(op)),
            Op::Agree { on, .. } => format!("agree {on}"),
            Op::ActiveMask => "active_mask".into(),
            Op::Elect { .. } => "elect".into(),
            Op::MatrixProduct { product, .. } => product.to_string(),
            Op::Texture { op, .. } => op.to_string(),
            Op::Tensor { op, .. } => op.to_string(),
            Op::Call { function, .. } => format!("call f{}", function.0),
            Op::CallIndirect { .. } => "call_indirect".into(),
            Op::RuntimeCall { function: RuntimeFunction::Device(call), .. } => format!("runtime {}", snake(call)),
            Op::RuntimeCall { function, .. } => format!("runtime {}", snake(function)),
            Op::Const { .. }
            | Op::Special(_)
            | Op::LoadParam { .. }
            | Op::SymbolAddress(_)
            | Op::FunctionAddress(_)
            | Op::Unsupported { .. } => unreachable!("printed by `Display`"),
        }
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Terminator::Branch(target) => write!(f, "branch {target}"),
            Terminator::CondBranch { condition, then, otherwise } => {
                write!(f, "branch_if {condition} {then} else {otherwise}")
            }
            Terminator::Switch { index, targets } => {
                write!(f, "switch {index}")?;
                targets.iter().try_for_each(|target| write!(f, " {target}"))
            }
            Terminator::Return(values) => {
                write!(f, "return")?;
                values.iter().enumerate().try_for_each(|(i, v)| write!(f, "{}{v}", if i > 0 { ", " } else { " " }))
            }
            Terminator::Exit => write!(f, "exit"),
            Terminator::Trap => write!(f, "trap"),
            Terminator::Unreachable => write!(f, "unreachable"),
        }
    }
}
