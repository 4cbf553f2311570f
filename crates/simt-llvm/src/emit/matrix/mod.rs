//! Products of matrices that a warp holds together.
//!
//! For every lane of a register of sums the elements that it needs at one step come from other lanes, always the same ones:
//! permutations with constant patterns, most of them within 128 bits or the same for all groups of lanes, and a multiplication
//! with addition for each. A factor is prepared first, on the stack: its elements in the precision of the sums, permuted into
//! the vectors that are multiplied. Programs multiply the same factor by several others, so that it is prepared once for
//! all products that follow each other, and nothing but loads and multiplications is left for each of them. Where storing whole vectors
//! takes longer than a permutation beside multiplications, vectors that differ in the order within 128 bits are kept once.
//!
//! Each kind of preparation and of product is a function of its own, shared by all its uses. All of it is emitted in vectors of
//! the machine's width, because LLVM takes long to split permutations.

mod factor;
mod form;
mod sums;

use std::collections::HashMap;
use std::rc::Rc;

use simt_ir::{Combine, Factor, MatrixProduct, Op, Sum, Value};

use super::FunctionEmitter;
use crate::llvm::{Bb, Fun, Ty, Val};
use form::{Form, Kept, Plan, Prepared, Side};

/// A vector of 32 lanes in pieces of the machine's width.
type Pieces = Vec<Val>;

/// Where a lane comes from: which vector, and which of its lanes.
type Source = (u32, u32);

/// Factors that are kept prepared at a time, of each side of each kind of product.
const PREPARED_MAX: usize = 8;

/// What a place on the stack is aligned to.
const LINE_BYTES: u32 = 64;

/// What a function has of products.
#[derive(Default)]
pub(super) struct Matrices {
    plans: HashMap<MatrixProduct, Rc<Plan>>,
    /// Factors on the stack.
    slots: Vec<PreparedSlot>,
    /// How often one was asked for.
    uses: u64,
}

/// A place on the stack for a prepared factor.
struct PreparedSlot {
    /// The function that prepares what is there.
    prepare: String,
    slot: Val,
    /// The registers that are there now.
    registers: Vec<Value>,
    /// Where they were prepared: nothing is known behind the end of this block.
    block: Bb,
    /// How many products will yet ask for them.
    uses_left: usize,
    /// When they were last asked for.
    last_use: u64,
}

impl FunctionEmitter<'_> {
    /// Prepares the factors and calls the function of a product.
    pub fn matrix_product(&mut self, product: &MatrixProduct, [a, b, c]: [&[Value]; 3], results: &[Value]) {
        let target = self.unit.target;
        let plan = self.matrices.plans.entry(*product).or_insert_with(|| Rc::new(Plan::new(product, target))).clone();
        let left = self.prepared(product, &plan, Side::A, a);
        let right = self.prepared(product, &plan, Side::B, b);
        self.fetch_sums(|value, _| c.contains(&value));
        let mut arguments: Vec<Val> = c.iter().map(|value| self.vector(*value)).collect();
        arguments.extend([left, right]);
        let helper = self.product_function(product, &plan);
        let returned = self.call_with_vectors(helper, &arguments);
        for (index, result) in results.iter().enumerate() {
            let vector = self.ir.extract_field(returned, index as u32);
            self.define_vector(*result, vector);
            self.store_sum(*result);
        }
    }

    /// Where a factor is prepared.
    fn prepared(&mut self, product: &MatrixProduct, plan: &Plan, side: Side, registers: &[Value]) -> Val {
        let prepare = format!("prepare {side:?} of {product}");
        let here = self.ir.current_block();
        self.matrices.uses += 1;
        let last_use = self.matrices.uses;
        let of_kind = |slot: &&mut PreparedSlot| slot.prepare == prepare;
        let mut alike = self.matrices.slots.iter_mut().filter(of_kind);
        if let Some(known) = alike.find(|slot| slot.block == here && slot.uses_left > 0 && slot.registers == registers)
        {
            known.uses_left -= 1;
            known.last_use = last_use;
            return known.slot;
        }
        // Of free ones the one that was used last is the likeliest to be in the nearest cache.
        let alike = || self.matrices.slots.iter().enumerate().filter(|(_, slot)| slot.prepare == prepare);
        let free = alike().filter(|(_, slot)| slot.block != here || slot.uses_left == 0);
        let oldest = || alike().filter(|_| alike().count() >= PREPARED_MAX).min_by_key(|(_, slot)| slot.last_use);
        let index = free.max_by_key(|(_, slot)| slot.last_use).or_else(oldest).map(|(index, _)| index);
        let slot = match index {
            Some(index) => self.matrices.slots.swap_remove(index).slot,
            None => {
                let line = self.ir.vector(self.ir.int(8), LINE_BYTES);
                self.slot(self.ir.structure(&vec![line; plan.size_bytes(side).div_ceil(LINE_BYTES) as usize]))
            }
        };
        let arguments: Vec<Val> = registers.iter().map(|value| self.vector(*value)).collect();
        let function = self.prepare_function(&prepare, product, plan, side);
        self.call_with_vectors(function, &[arguments, vec![slot]].concat());
        let uses_left = self.uses_in_block(product, side, registers).saturating_sub(1);
        self.matrices.slots.push(PreparedSlot {
            prepare,
            slot,
            registers: registers.to_vec(),
            block: here,
            uses_left,
            last_use,
        });
        slot
    }

    /// How many products of the block that is emitted have a factor.
    fn uses_in_block(&self, product: &MatrixProduct, side: Side, registers: &[Value]) -> usize {
        let uses = |op: &Op| match op {
            Op::MatrixProduct { product: other, a, b, .. } => {
                other == product && *(if side == Side::A { a } else { b }) == registers
            }
            _ => false,
        };
        self.function.block(self.block).instructions.iter().filter(|instruction| uses(&instruction.op)).count()
    }

    fn call_with_vectors(&self, function: Fun, arguments: &[Val]) -> Val {
        match self.unit.target.avx512 {
            true => self.ir.call_in_registers(function, arguments),
            false => self.ir.call(function, arguments),
        }
    }

    /// A function for [`FunctionEmitter::call_with_vectors`], made by `body` of its parameters once for the whole program.
    fn vector_function(
        &mut self,
        name: &str,
        parameters: &[Ty],
        result: Ty,
        body: impl FnOnce(&mut Self, Vec<Val>) -> Option<Val>,
    ) -> Fun {
        if let Some(known) = self.unit.helpers.borrow().get(name) {
            return *known;
        }
        let ir = self.ir;
        let fun = ir.add_function(name, ir.function_type(result, parameters), true);
        super::kernel::describe(ir, fun);
        ir.add_attribute(fun, u32::MAX, "noinline");
        // With half as many registers of half the size, LLVM would run out of them and end the process.
        if self.unit.target.avx512 {
            ir.pass_in_registers(fun);
        }
        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        match body(self, (0..parameters.len() as u32).map(|index| ir.parameter(fun, index)).collect()) {
            Some(value) => ir.ret(value),
            None => ir.ret_void(),
        };
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name.to_owned(), fun);
        fun
    }

    /// The function `(registers of a factor…, where to)`.
    fn prepare_function(&mut self, name: &str, product: &MatrixProduct, plan: &Plan, side: Side) -> Fun {
        let (factor, count) = match side {
            Side::A => (product.a, product.a_registers()),
            Side::B => (product.b, product.b_registers()),
        };
        let mut parameters = vec![self.vector_type(factor.register()); count];
        parameters.push(self.ir.ptr());
        self.vector_function(name, &parameters, self.ir.void(), |this, mut values| {
            let to = values.pop().expect("the place is the last parameter");
            let vectors = this.factor_planes(factor, plan.form, plan.flips(side), &values);
            let prepared = plan.prepared(side);
            for (place, sources) in prepared.stores() {
                let vector = this.gather_planes(&vectors, &sources);
                this.keep_prepared(place, vector, to);
            }
            // Corrections are made of all vectors, which LLVM makes once.
            let makes = |sources: &Vec<Source>| this.gather_planes(&vectors, sources);
            let made: Vec<Val> = match prepared.corrections.is_empty() {
                true => Vec::new(),
                false => prepared.kept.iter().map(makes).collect(),
            };
            for (index, list) in prepared.corrections.iter().enumerate() {
                let vectors: Vec<Val> = list.iter().map(|index| made[*index]).collect();
                let correction = this.correction(plan, side, &vectors);
                this.keep_prepared(prepared.places[made.len() + index], correction, to);
            }
            None
        })
    }

    /// Stores a prepared vector, once where it repeats itself.
    fn keep_prepared(&self, place: Kept, vector: Val, to: Val) {
        let part = self.ir.shuffle(vector, vector, &(0..place.lanes).collect::<Vec<_>>());
        self.ir.store(part, self.ir.offset(to, self.i64(place.offset_bytes.into())), place.align_bytes());
    }

    /// Loads a prepared vector.
    fn load_prepared(&self, plan: &Plan, prepared: &Prepared, index: usize, from: Val) -> Val {
        let (place, order) = prepared.made_of(index);
        let element = scalar_of(self.ir, plan);
        let pointer = self.ir.offset(from, self.i64(place.offset_bytes.into()));
        let part = self.ir.load_aligned(self.ir.vector(element, place.lanes), pointer, place.align_bytes());
        if let Some(order) = order {
            return self.ir.shuffle(part, part, order);
        }
        if place.lanes == plan.width {
            return part;
        }
        self.ir.shuffle(part, part, &(0..plan.width).map(|lane| lane % place.lanes).collect::<Vec<_>>())
    }

    /// The function `(registers of C…, prepared A, prepared B) -> {registers of D…}`.
    fn product_function(&mut self, product: &MatrixProduct, plan: &Plan) -> Fun {
        let mut parameters = vec![self.vector_type(product.c.register()); product.sum_registers(product.c)];
        parameters.extend([self.ir.ptr(), self.ir.ptr()]);
        let fields = vec![self.vector_type(product.d.register()); product.sum_registers(product.d)];
        let result = self.ir.structure(&fields);
        self.vector_function(&product.to_string(), &parameters, result, |this, values| {
            let (c, factors) = values.split_at(values.len() - 2);
            let sums = this.product_of(product, plan, c, factors[0], factors[1]);
            let fields = sums.into_iter().enumerate();
            Some(
                fields
                    .fold(this.ir.poison(result), |whole, (index, sum)| this.ir.insert_field(whole, sum, index as u32)),
            )
        })
    }

    /// The registers of sums.
    fn product_of(&mut self, product: &MatrixProduct, plan: &Plan, c: &[Val], a: Val, b: Val) -> Vec<Val> {
        let places = sums::sum_places(product);
        let old: Vec<Pieces> = places.iter().map(|place| self.old_sum(product, c, *place)).collect();
        let mut sums = old.clone();
        if product.d == Sum::I32 {
            // What was there is added at the end, where the sum may have to be clamped.
            for (piece, sum) in sums.iter_mut().flatten().enumerate() {
                *sum = match plan.correction_of(piece) {
                    Some((Side::A, index)) => self.load_prepared(plan, &plan.a, index, a),
                    Some((Side::B, index)) => self.load_prepared(plan, &plan.b, index, b),
                    None => self.ir.zero(self.ir.type_of(*sum)),
                };
            }
        }
        for step in &plan.steps {
            // What several pieces multiply at one step is loaded once.
            let (mut lefts, mut rights) = (Vec::new(), Vec::new());
            for (sum, (left, right)) in sums.iter_mut().flatten().zip(step) {
                let left = loaded_once(&mut lefts, *left, || self.load_prepared(plan, &plan.a, *left, a));
                let right = loaded_once(&mut rights, *right, || self.load_prepared(plan, &plan.b, *right, b));
                *sum = self.multiply_elements(product, plan.form, left, right, *sum);
            }
        }
        self.finish_sums(product, &sums, &old)
    }

    fn multiply_elements(&self, product: &MatrixProduct, form: Form, a: Val, b: Val, sum: Val) -> Val {
        let ir = self.ir;
        match (form, product.combine) {
            (Form::Pairs, _) => ir.add(sum, self.dot_of_pairs(a, b)),
            (Form::Bytes { swapped }, _) => {
                let (unsigned, signed) = if swapped { (b, a) } else { (a, b) };
                self.dot_of_bytes(sum, unsigned, signed)
            }
            (Form::Single, Combine::Multiply) => ir.intrinsic("llvm.fma", &[ir.type_of(sum)], &[a, b, sum]),
            (Form::Single, combine) => {
                let bits = if combine == Combine::AndPopCount { ir.and(a, b) } else { ir.xor(a, b) };
                ir.add(sum, ir.intrinsic("llvm.ctpop", &[ir.type_of(bits)], &[bits]))
            }
        }
    }

    /// What has to be added to a sum for the bytes of the other factor that were flipped: `bias` times the sum of this one's.
    fn correction(&self, plan: &Plan, side: Side, vectors: &[Val]) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(vectors[0]);
        let bias = ir.constant(ty, u64::from(plan.bias) * 0x0101_0101);
        let total = vectors.iter().fold(ir.zero(ty), |sum, vector| match side {
            // -128 as a signed byte, and 128 as an unsigned one.
            Side::A => self.dot_of_bytes(sum, *vector, bias),
            Side::B => self.dot_of_bytes(sum, bias, *vector),
        });
        // The bytes of a B without a sign were made less by flipping, those of an A with a sign more.
        ir.sub(ir.zero(ty), total)
    }
}

/// What was loaded before under this index, or what `load` does.
fn loaded_once(known: &mut Vec<(usize, Val)>, index: usize, load: impl FnOnce() -> Val) -> Val {
    if let Some((_, value)) = known.iter().find(|(loaded, _)| *loaded == index) {
        return *value;
    }
    let value = load();
    known.push((index, value));
    value
}

/// The type of the elements that are multiplied, in LLVM's words.
fn scalar_of(ir: &crate::llvm::Ir, plan: &Plan) -> Ty {
    match (plan.form, plan.factor) {
        (Form::Single, Factor::F64) => ir.f64(),
        (Form::Single, Factor::B1) | (Form::Pairs | Form::Bytes { .. }, _) => ir.int(32),
        _ => ir.f32(),
    }
}
