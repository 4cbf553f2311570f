//! Whether all lanes agree about a condition.

use simt_ir::{IntCondition, Op, Value};

use super::FunctionEmitter;
use super::integer::predicate;
use super::value::Repr;
use crate::llvm::{IntPredicate, Val};

impl FunctionEmitter<'_> {
    pub fn agree(&mut self, condition: Value, on: bool, result: Value) {
        let whole = self.mask == self.all_lanes();
        let ends = if whole { self.agree_at_ends(condition, on) } else { None };
        let agreed = ends.unwrap_or_else(|| {
            let ir = self.ir;
            let vector = self.vector(condition);
            let lanes = if on { vector } else { ir.not(vector) };
            let lanes = if whole { lanes } else { ir.and(self.mask, lanes) };
            let all = self.mask_bits(self.all_lanes());
            ir.icmp(IntPredicate::LLVMIntEQ, self.mask_bits(lanes), all)
        });
        self.define(result, Repr::Uniform(agreed));
    }

    /// The same for numbers in order beside one that is the same in all lanes: what holds for the first and the last holds for those between them, if
    /// the order does not wrap.
    fn agree_at_ends(&mut self, condition: Value, on: bool) -> Option<Val> {
        use IntCondition::{Eq, GeSigned, GtSigned, LeSigned, LtSigned, Ne};
        // What a comparison elsewhere looked at need not be there any more.
        let mut here = self.function.block(self.block).instructions.iter();
        let compare = here.find(|instruction| instruction.results.contains(&condition))?;
        let Op::IntCompare { condition, ty, a, b } = compare.op else { return None };
        let is_uniform = |value: Value| self.shape(value).is_uniform();
        if matches!(condition, Eq | Ne) || is_uniform(a) == is_uniform(b) {
            return None;
        }
        let (ordered, bound) = if is_uniform(b) { (a, b) } else { (b, a) };
        let Repr::Affine { base, stride, speculation: None } = self.get(ordered) else { return None };
        let ir = self.ir;
        let bound = self.uniform(bound);
        let reach = stride.checked_mul(i64::from(self.lanes()) - 1)?;
        let is_signed = matches!(condition, LtSigned | LeSigned | GtSigned | GeSigned);
        if reach.unsigned_abs() >= 1 << (ty.bits() - 1) {
            return None;
        }
        let last = ir.add(base, ir.constant(self.scalar_type(ty), reach as u64));
        let in_order = match (stride > 0, is_signed) {
            (true, true) => IntPredicate::LLVMIntSLE,
            (true, false) => IntPredicate::LLVMIntULE,
            (false, true) => IntPredicate::LLVMIntSGE,
            (false, false) => IntPredicate::LLVMIntUGE,
        };
        let mut agreed = ir.icmp(in_order, base, last);
        for end in [base, last] {
            let (left, right) = if ordered == a { (end, bound) } else { (bound, end) };
            let holds = ir.icmp(predicate(condition), left, right);
            agreed = ir.and(agreed, if on { holds } else { ir.not(holds) });
        }
        Some(agreed)
    }
}
