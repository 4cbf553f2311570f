//! What stands for a value of 32 lanes, and where it is kept between blocks.

use simt_ir::analysis::Shape;
use simt_ir::{Type, Value};

use super::{FunctionEmitter, LANES};
use crate::llvm::{Cast, Val};

/// A value of 32 lanes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Repr {
    /// The same in all active lanes.
    Uniform(Val),
    /// Lane `l` has `base + l * stride`.
    Affine {
        base: Val,
        stride: i64,
        /// If the progression is only hoped for: the test, and what lane `l` really has beyond `base`.
        speculation: Option<Speculation>,
    },
    /// A vector.
    Vector(Val),
}

/// A progression that may turn out false.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speculation {
    /// Whether it holds: an `i1`.
    pub holds: Val,
    /// Distance of each lane from the base, right in any case: a vector of the value's type.
    pub distances: Val,
}

/// Stack slots of a value that is used in other blocks than its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variable {
    Uniform(Val),
    Affine { base: Val, stride: i64, speculation: Option<(Val, Val)> },
    Vector(Val),
}

impl FunctionEmitter<'_> {
    /// What stands for a value here.
    pub fn get(&mut self, value: Value) -> Repr {
        if let Some(repr) = self.at_hand.get(&value) {
            return *repr;
        }
        if let Some(bits) = self.shapes.fact(value).constant {
            return Repr::Uniform(self.constant_of(self.function.ty(value), bits));
        }
        if let Some(op) = self.made_anew[value.0 as usize] {
            self.pure(op, value).expect("its first making succeeded");
            return self.at_hand[&value];
        }
        let repr = match self.variables[value.0 as usize] {
            Some(variable) => self.read_variable(variable, self.function.ty(value)),
            // Defined nowhere on a path that is taken.
            None => Repr::Vector(self.ir.poison(self.vector_type(self.function.ty(value)))),
        };
        self.at_hand.insert(value, repr);
        repr
    }

    fn read_variable(&self, variable: Variable, ty: Type) -> Repr {
        let scalar = self.scalar_type(ty);
        match variable {
            Variable::Uniform(slot) => Repr::Uniform(self.ir.load(scalar, slot)),
            Variable::Vector(slot) => Repr::Vector(self.ir.load(self.vector_type(ty), slot)),
            Variable::Affine { base, stride, speculation } => Repr::Affine {
                base: self.ir.load(scalar, base),
                stride,
                speculation: speculation.map(|(holds, distances)| Speculation {
                    holds: self.ir.load(self.ir.int(1), holds),
                    distances: self.ir.load(self.vector_type(ty), distances),
                }),
            },
        }
    }

    /// The value as a vector.
    pub fn vector(&mut self, value: Value) -> Val {
        let repr = self.get(value);
        self.to_vector(repr, self.function.ty(value))
    }

    pub fn to_vector(&self, repr: Repr, ty: Type) -> Val {
        match repr {
            Repr::Vector(vector) => vector,
            Repr::Uniform(scalar) => self.ir.splat(scalar, LANES),
            Repr::Affine { base, stride, speculation } => {
                let base = self.ir.splat(base, LANES);
                let distances = speculation.map_or_else(|| self.distances(ty, stride), |s| s.distances);
                self.ir.add(base, distances)
            }
        }
    }

    /// `0, stride, 2 * stride, …`.
    pub fn distances(&self, ty: Type, stride: i64) -> Val {
        let element = self.scalar_type(ty);
        let list: Vec<Val> =
            (0..i64::from(LANES)).map(|lane| self.ir.constant(element, lane.wrapping_mul(stride) as u64)).collect();
        self.ir.constant_vector(&list)
    }

    /// Lane 0's value, whether or not lane 0 is active.
    pub fn lane_zero(&mut self, value: Value) -> Val {
        match self.get(value) {
            Repr::Uniform(scalar) => scalar,
            Repr::Affine { base, .. } => base,
            Repr::Vector(vector) => self.ir.extract_at(vector, 0),
        }
    }

    /// The value that all active lanes have.
    pub fn uniform(&mut self, value: Value) -> Val {
        match self.get(value) {
            Repr::Uniform(scalar) => scalar,
            other => {
                let vector = self.to_vector(other, self.function.ty(value));
                self.first_active(vector)
            }
        }
    }

    /// The element of the first active lane.
    pub fn first_active(&self, vector: Val) -> Val {
        let bits = self.mask_bits(self.mask);
        let lane = self.ir.intrinsic("llvm.cttz", &[self.ir.int(32)], &[bits, self.ir.constant(self.ir.int(1), 0)]);
        let lane = self.ir.and(lane, self.i32(LANES - 1));
        self.ir.extract(vector, lane)
    }

    /// Makes a result known, in the representation its shape asks for, and keeps it if other blocks want it.
    pub fn define(&mut self, value: Value, repr: Repr) {
        let ty = self.function.ty(value);
        let repr = match (self.shape(value), repr) {
            (Shape::Uniform, Repr::Vector(vector)) => Repr::Uniform(self.first_active(vector)),
            (Shape::Varying | Shape::Segmented { .. }, Repr::Uniform(_) | Repr::Affine { .. }) => {
                Repr::Vector(self.to_vector(repr, ty))
            }
            (Shape::Affine { stride, .. }, Repr::Uniform(_) | Repr::Vector(_)) => {
                unreachable!("a value in progression with stride {stride} is made as one")
            }
            _ => repr,
        };
        self.at_hand.insert(value, repr);
        if self.variables[value.0 as usize].is_some() {
            let blend = self.shapes.schedule.runs_apart(self.block);
            self.write_variable(value, repr, blend);
        }
    }

    pub fn define_vector(&mut self, value: Value, vector: Val) {
        self.define(value, Repr::Vector(vector));
    }

    /// Stores to a value's slots; with `blend`, only for the lanes that are active.
    pub fn write_variable(&mut self, value: Value, repr: Repr, blend: bool) {
        self.write_slots(value, repr, blend);
        self.keep(value);
    }

    fn write_slots(&mut self, value: Value, repr: Repr, blend: bool) {
        let ty = self.function.ty(value);
        let Some(variable) = self.variables[value.0 as usize] else { return };
        match variable {
            Variable::Uniform(slot) => {
                let scalar = match repr {
                    Repr::Uniform(scalar) => scalar,
                    Repr::Affine { base, .. } => base,
                    Repr::Vector(vector) => self.first_active(vector),
                };
                self.ir.store(scalar, slot, 0);
            }
            Variable::Vector(slot) => {
                let mut vector = self.to_vector(repr, ty);
                if blend {
                    let old = self.ir.load(self.vector_type(ty), slot);
                    vector = self.ir.select(self.mask, vector, old);
                }
                self.ir.store(vector, slot, 0);
            }
            Variable::Affine { base: base_slot, stride, speculation: slots } => {
                let (base, speculation) = match repr {
                    Repr::Affine { base, speculation, .. } => (base, speculation),
                    Repr::Uniform(base) => (base, None),
                    Repr::Vector(_) => unreachable!("a value in progression is made as one"),
                };
                self.ir.store(base, base_slot, 0);
                if let Some((holds_slot, distances_slot)) = slots {
                    let holds = speculation.map_or_else(|| self.ir.constant(self.ir.int(1), 1), |s| s.holds);
                    let distances = speculation.map_or_else(|| self.distances(ty, stride), |s| s.distances);
                    self.ir.store(holds, holds_slot, 0);
                    self.ir.store(distances, distances_slot, 0);
                }
            }
        }
    }

    /// Says that nobody will read a value's slots before they are written again.
    pub fn forget_variable(&mut self, value: Value) {
        let ir = self.ir;
        let ty = self.function.ty(value);
        match self.variables[value.0 as usize] {
            Some(Variable::Uniform(slot)) => ir.store(ir.poison(self.scalar_type(ty)), slot, 0),
            // A blend reads the old value: it must be something.
            Some(Variable::Vector(slot)) => ir.store(ir.zero(self.vector_type(ty)), slot, 0),
            Some(Variable::Affine { base, speculation, .. }) => {
                if let Some((holds, distances)) = speculation {
                    ir.store(ir.poison(ir.int(1)), holds, 0);
                    ir.store(ir.poison(self.vector_type(ty)), distances, 0);
                }
                ir.store(ir.poison(self.scalar_type(ty)), base, 0)
            }
            None => return,
        };
    }

    /// Makes the slots of a value.
    pub fn make_variable(&mut self, value: Value) {
        let ty = self.function.ty(value);
        let scalar = self.scalar_type(ty);
        let variable = match self.shape(value) {
            Shape::Uniform => Variable::Uniform(self.slot(scalar)),
            Shape::Affine { stride, speculative } => Variable::Affine {
                base: self.slot(scalar),
                stride,
                speculation: speculative.then(|| (self.slot(self.ir.int(1)), self.slot(self.vector_type(ty)))),
            },
            // A blend reads the old value: it must be something.
            Shape::Segmented { .. } | Shape::Varying => Variable::Vector(self.zeroed_slot(self.vector_type(ty))),
        };
        self.variables[value.0 as usize] = Some(variable);
    }

    /// An `i1` as a mask of the active lanes for which it is true.
    pub fn active_where(&mut self, condition: Value) -> Val {
        let vector = self.vector(condition);
        self.ir.and(self.mask, vector)
    }

    /// A vector of `i64` addresses as a vector of pointers.
    pub fn pointers(&self, addresses: Val) -> Val {
        self.ir.cast(Cast::IntToPtr, addresses, self.ir.vector(self.ir.ptr(), LANES))
    }
}
