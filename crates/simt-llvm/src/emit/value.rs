//! What stands for a value of 32 lanes, and where it is kept between blocks.

use simt_ir::analysis::{SEGMENTS_MAX, Shape};
use simt_ir::{Type, Value};

use super::FunctionEmitter;
use crate::llvm::{Bin, Cast, Val};

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
    /// Lane `l` has `bases[l / length] + l % length * stride`, in segments of one length.
    Segments { bases: Bases, stride: i64, speculation: Option<Speculation> },
    /// A vector.
    Vector(Val),
    /// The elements at `place` of a vector that has `count` for each lane: those of a pack's members, as memory has them.
    Part { whole: Val, place: u32, count: u32 },
}

/// Something for each segment, in order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bases {
    list: [Val; SEGMENTS_MAX as usize],
    count: usize,
}

impl Bases {
    /// Of at least one and at most [`SEGMENTS_MAX`] segments.
    pub fn new(values: impl IntoIterator<Item = Val>) -> Self {
        let mut values = values.into_iter();
        let first = values.next().expect("there is a segment");
        let mut bases = Self { list: [first; SEGMENTS_MAX as usize], count: 1 };
        for value in values {
            bases.list[bases.count] = value;
            bases.count += 1;
        }
        bases
    }
}

impl std::ops::Deref for Bases {
    type Target = [Val];
    fn deref(&self) -> &[Val] {
        &self.list[..self.count]
    }
}

/// A progression that may turn out false.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speculation {
    /// Whether it holds: an `i1`.
    pub holds: Val,
    /// Distance of each lane from the base (that of its segment), right in any case.
    pub distances: Distances,
}

impl Speculation {
    /// Whether its distances lie at an offset of the frame.
    fn is_at(self, offset: u32) -> bool {
        matches!(self.distances, Distances::InFrame(place) if place == offset)
    }
}

/// The distances of lanes from where their progression begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Distances {
    /// A vector of the value's type.
    Are(Val),
    /// At this offset of the warp's frame, to be loaded where a progression turns out false.
    InFrame(u32),
}

/// Where what is known of a progression is kept between blocks: a slot of the test, and the distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub holds: Val,
    pub distances: Home,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    Slot(Val),
    /// An offset in the warp's frame.
    Frame(u32),
}

/// Stack slots of a value that is used in other blocks than its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variable {
    Uniform(Val),
    Affine {
        base: Val,
        stride: i64,
        speculation: Option<Kept>,
    },
    /// One base for each segment, or the first where the others follow from it by `outer`.
    Segments {
        length: u32,
        bases: Bases,
        outer: Option<i64>,
        stride: i64,
        speculation: Option<Kept>,
    },
    Vector(Val),
    /// The slot of all members of a pack.
    Part {
        whole: Val,
        place: u32,
        count: u32,
    },
}

impl Variable {
    /// What is kept of a progression that is only hoped for.
    pub fn kept(self) -> Option<Kept> {
        match self {
            Variable::Affine { speculation, .. } | Variable::Segments { speculation, .. } => speculation,
            Variable::Uniform(_) | Variable::Vector(_) | Variable::Part { .. } => None,
        }
    }
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
            Variable::Part { whole, place, count } => {
                Repr::Part { whole: self.ir.load(self.pack_type(ty, count), whole), place, count }
            }
            Variable::Affine { base, stride, speculation } => Repr::Affine {
                base: self.ir.load(scalar, base),
                stride,
                speculation: self.read_speculation(speculation, ty),
            },
            Variable::Segments { length, bases, outer, stride, speculation } => Repr::Segments {
                bases: self.all_bases(bases.iter().map(|slot| self.ir.load(scalar, *slot)), length, outer, ty),
                stride,
                speculation: self.read_speculation(speculation, ty),
            },
        }
    }

    fn read_speculation(&self, kept: Option<Kept>, ty: Type) -> Option<Speculation> {
        kept.map(|Kept { holds, distances }| Speculation {
            holds: self.ir.load(self.ir.int(1), holds),
            distances: match distances {
                Home::Slot(slot) => Distances::Are(self.ir.load(self.vector_type(ty), slot)),
                Home::Frame(offset) => Distances::InFrame(offset),
            },
        })
    }

    /// What a phi is assigned, with nothing of it in the frame, where another phi may take its place, but for what stays where it is.
    pub fn read_for(&self, phi: Value, repr: Repr) -> Repr {
        let ty = self.function.ty(phi);
        let home = self.variables[phi.0 as usize].and_then(Variable::kept).map(|kept| kept.distances);
        let stays = |distances: Distances| match (distances, home) {
            (Distances::Are(_), _) => true,
            (Distances::InFrame(offset), Some(Home::Frame(home))) => home == offset,
            (Distances::InFrame(_), _) => false,
        };
        let read = |speculation: Option<Speculation>| {
            speculation.map(|s| match stays(s.distances) {
                true => s,
                false => Speculation { holds: s.holds, distances: Distances::Are(self.loaded(s.distances, ty)) },
            })
        };
        match repr {
            Repr::Affine { base, stride, speculation } => Repr::Affine { base, stride, speculation: read(speculation) },
            Repr::Segments { bases, stride, speculation } => {
                Repr::Segments { bases, stride, speculation: read(speculation) }
            }
            Repr::Uniform(_) | Repr::Vector(_) | Repr::Part { .. } => repr,
        }
    }

    /// The distances, of a value of this type, as a vector.
    pub fn loaded(&self, distances: Distances, ty: Type) -> Val {
        match distances {
            Distances::Are(vector) => vector,
            Distances::InFrame(offset) => {
                let vector = self.ir.load_aligned(self.vector_type(ty), self.frame_at(offset), 4);
                self.ir.set_in_frame(vector);
                vector
            }
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
            Repr::Part { whole, place, count } => self.part(whole, place, count),
            Repr::Uniform(scalar) => self.ir.splat(scalar, self.lanes()),
            Repr::Affine { base, stride, speculation } => {
                let base = self.ir.splat(base, self.lanes());
                let distances =
                    speculation.map_or_else(|| self.distances(ty, stride), |s| self.loaded(s.distances, ty));
                self.ir.add(base, distances)
            }
            Repr::Segments { bases, stride, speculation } => {
                let spread = self.spread_segments(&bases);
                match speculation {
                    Some(speculation) => self.ir.add(spread, self.loaded(speculation.distances, ty)),
                    None if stride == 0 => spread,
                    None => self.ir.add(spread, self.segment_distances(ty, stride, self.segment_length(&bases))),
                }
            }
        }
    }

    /// `0, stride, 2 * stride, …`.
    pub fn distances(&self, ty: Type, stride: i64) -> Val {
        self.segment_distances(ty, stride, self.lanes())
    }

    /// `0, stride, 2 * stride, …`, beginning anew in each segment.
    pub fn segment_distances(&self, ty: Type, stride: i64, length: u32) -> Val {
        let element = self.scalar_type(ty);
        let distance = |lane: u32| i64::from(lane % length).wrapping_mul(stride) as u64;
        let list: Vec<Val> = (0..self.lanes()).map(|lane| self.ir.constant(element, distance(lane))).collect();
        self.ir.constant_vector(&list)
    }

    /// How many bases say where all segments begin.
    pub fn bases_kept(&self, length: u8, outer: Option<i64>) -> u32 {
        if outer.is_some() { 1 } else { self.lanes() / u32::from(length) }
    }

    /// The bases of all segments, from those that are kept.
    pub fn all_bases(&self, kept: impl IntoIterator<Item = Val>, length: u32, outer: Option<i64>, ty: Type) -> Bases {
        let kept = Bases::new(kept);
        let Some(outer) = outer else { return kept };
        Bases::new((0..self.lanes() / length).map(|segment| self.moved_by(kept[0], outer, segment, ty)))
    }

    /// `base + stride * steps`.
    fn moved_by(&self, base: Val, stride: i64, steps: u32, ty: Type) -> Val {
        match i64::from(steps).wrapping_mul(stride) {
            0 => base,
            distance => self.ir.add(base, self.ir.constant(self.scalar_type(ty), distance as u64)),
        }
    }

    /// Each segment's scalar in all of its lanes.
    pub fn spread_segments(&self, bases: &Bases) -> Val {
        let length = self.segment_length(bases);
        if bases.len() > 1 && self.ir.type_of(bases[0]) == self.ir.int(1) {
            return self.spread_bits(bases, length);
        }
        let parts: Vec<Val> = bases.iter().map(|base| self.ir.splat(*base, length)).collect();
        self.concatenate(&parts)
    }

    /// As [`FunctionEmitter::spread_segments`], for predicates: by one number, since LLVM would put the lanes together one by one.
    fn spread_bits(&self, bases: &Bases, length: u32) -> Val {
        let ir = self.ir;
        let (word, segment) = (ir.int(self.lanes()), ir.int(length));
        let spread = |(index, base): (usize, &Val)| {
            let bits = ir.cast(Cast::ZExt, ir.cast(Cast::SExt, *base, segment), word);
            ir.bin(Bin::Shl, bits, ir.constant(word, index as u64 * u64::from(length)))
        };
        let all = bases.iter().enumerate().map(spread).reduce(|a, b| ir.or(a, b)).expect("there are segments");
        ir.cast(Cast::BitCast, all, ir.vector(ir.int(1), self.lanes()))
    }

    fn segment_length(&self, bases: &Bases) -> u32 {
        self.lanes() / bases.len() as u32
    }

    /// What the first lane of each segment of a length has, whether or not it is active. The value is in progression within such segments.
    pub fn bases_of(&mut self, value: Value, length: u32) -> Bases {
        let ty = self.function.ty(value);
        let repr = self.get(value);
        self.bases_in(repr, ty, length)
    }

    fn bases_in(&self, repr: Repr, ty: Type, length: u32) -> Bases {
        let firsts = (0..self.lanes() / length).map(|segment| segment * length);
        let moved = |base: Val, stride: i64, lanes: u32| self.moved_by(base, stride, lanes, ty);
        match repr {
            Repr::Uniform(scalar) => Bases::new(firsts.map(|_| scalar)),
            Repr::Affine { base, stride, .. } => Bases::new(firsts.map(|lane| moved(base, stride, lane))),
            Repr::Segments { bases, stride, .. } => {
                let own = self.segment_length(&bases);
                Bases::new(firsts.map(|lane| moved(bases[(lane / own) as usize], stride, lane % own)))
            }
            Repr::Vector(_) | Repr::Part { .. } => {
                let vector = self.to_vector(repr, ty);
                Bases::new(firsts.map(|lane| self.ir.extract_at(vector, lane)))
            }
        }
    }

    /// Lane 0's value, whether or not lane 0 is active.
    pub fn lane_zero(&mut self, value: Value) -> Val {
        match self.get(value) {
            Repr::Uniform(scalar) => scalar,
            Repr::Affine { base, .. } => base,
            Repr::Segments { bases, .. } => bases[0],
            repr @ (Repr::Vector(_) | Repr::Part { .. }) => {
                self.ir.extract_at(self.to_vector(repr, self.function.ty(value)), 0)
            }
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
        self.ir.extract(vector, self.first_active_of(0, self.lanes()))
    }

    /// The first active lane of an aligned segment, an `i64`; any lane of it if none is active.
    pub fn first_active_of(&self, start: u32, length: u32) -> Val {
        let all = self.mask_bits(self.mask);
        let bits = self.ir.bin(Bin::LShr, all, self.ir.constant(self.mask_int(), start.into()));
        let first = self.ir.intrinsic("llvm.cttz", &[self.mask_int()], &[bits, self.ir.constant(self.ir.int(1), 0)]);
        let within = self.ir.and(self.lane_number(first), self.i64(u64::from(length) - 1));
        self.ir.add(within, self.i64(start.into()))
    }

    /// Makes a result known, in the representation its shape asks for, and keeps it if other blocks want it.
    pub fn define(&mut self, value: Value, repr: Repr) {
        let ty = self.function.ty(value);
        let repr = match (self.shape(value), repr) {
            (_, Repr::Part { .. }) => repr,
            (Shape::Uniform, Repr::Vector(vector)) => Repr::Uniform(self.first_active(vector)),
            (Shape::Varying, Repr::Uniform(_) | Repr::Affine { .. } | Repr::Segments { .. }) => {
                Repr::Vector(self.to_vector(repr, ty))
            }
            (Shape::Segmented { stride, length, .. }, Repr::Uniform(_) | Repr::Affine { .. } | Repr::Vector(_)) => {
                Repr::Segments { bases: self.bases_in(repr, ty, length.into()), stride, speculation: None }
            }
            (Shape::Affine { stride, .. }, Repr::Uniform(_) | Repr::Vector(_) | Repr::Segments { .. }) => {
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
                    Repr::Segments { bases, .. } => bases[0],
                    Repr::Vector(_) | Repr::Part { .. } => self.first_active(self.to_vector(repr, ty)),
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
            // The first member writes for all: what comes with the others is the rest of the same.
            Variable::Part { whole: slot, place: 0, count } => {
                let mut whole = self.whole_of(repr, count);
                if blend {
                    let old = self.ir.load(self.pack_type(ty, count), slot);
                    whole = self.ir.select(self.repeat_mask(count), whole, old);
                }
                self.ir.store(whole, slot, 0);
            }
            Variable::Part { .. } => {}
            Variable::Affine { base: base_slot, stride, speculation: kept } => {
                let (base, speculation) = match repr {
                    Repr::Affine { base, speculation, .. } => (base, speculation),
                    Repr::Uniform(base) => (base, None),
                    Repr::Vector(_) | Repr::Segments { .. } | Repr::Part { .. } => {
                        unreachable!("a value in progression is made as one")
                    }
                };
                self.ir.store(base, base_slot, 0);
                self.write_speculation(kept, speculation, ty, |this| this.distances(ty, stride));
            }
            Variable::Segments { length, bases: base_slots, stride, speculation: kept, .. } => {
                let bases = self.bases_in(repr, ty, length);
                for (slot, base) in base_slots.iter().zip(bases.iter()) {
                    self.ir.store(*base, *slot, 0);
                }
                let speculation = match repr {
                    Repr::Segments { speculation, .. } => speculation,
                    _ => None,
                };
                self.write_speculation(kept, speculation, ty, |this| this.segment_distances(ty, stride, length));
            }
        }
    }

    /// Stores what is known of a progression; of one that is certain the test is true and the distances are `certain`.
    fn write_speculation(
        &self,
        kept: Option<Kept>,
        speculation: Option<Speculation>,
        ty: Type,
        certain: impl Fn(&Self) -> Val,
    ) {
        let Some(kept) = kept else { return };
        let holds = speculation.map_or_else(|| self.ir.constant(self.ir.int(1), 1), |s| s.holds);
        self.ir.store(holds, kept.holds, 0);
        let distances = || speculation.map_or_else(|| certain(self), |s| self.loaded(s.distances, ty));
        match kept.distances {
            Home::Slot(slot) => _ = self.ir.store(distances(), slot, 0),
            Home::Frame(offset) if speculation.is_some_and(|s| s.is_at(offset)) => {}
            Home::Frame(offset) => {
                let store = self.ir.store(distances(), self.frame_at(offset), 4);
                self.ir.set_in_frame(store);
            }
        }
    }

    /// Says that nobody will read a value's slots before they are written again.
    pub fn forget_variable(&mut self, value: Value) {
        let ir = self.ir;
        let ty = self.function.ty(value);
        let forget = |slot: Val| _ = ir.store(ir.poison(self.scalar_type(ty)), slot, 0);
        match self.variables[value.0 as usize] {
            Some(Variable::Uniform(slot)) => forget(slot),
            // A blend reads the old value: it must be something.
            Some(Variable::Vector(slot)) => _ = ir.store(ir.zero(self.vector_type(ty)), slot, 0),
            Some(Variable::Part { whole, place: 0, count }) => {
                _ = ir.store(ir.zero(self.pack_type(ty, count)), whole, 0);
            }
            Some(Variable::Part { .. }) => {}
            Some(Variable::Affine { base, speculation, .. }) => {
                self.forget_speculation(speculation, ty);
                forget(base);
            }
            Some(Variable::Segments { bases, speculation, .. }) => {
                self.forget_speculation(speculation, ty);
                bases.iter().for_each(|base| forget(*base));
            }
            None => {}
        }
    }

    fn forget_speculation(&self, kept: Option<Kept>, ty: Type) {
        let Some(kept) = kept else { return };
        self.ir.store(self.ir.poison(self.ir.int(1)), kept.holds, 0);
        if let Home::Slot(slot) = kept.distances {
            self.ir.store(self.ir.poison(self.vector_type(ty)), slot, 0);
        }
    }

    /// Makes the slots of a value.
    pub fn make_variable(&mut self, value: Value) {
        let ty = self.function.ty(value);
        if let Some((pack, _)) = self.packs.place(value) {
            return self.make_pack_variable(pack, ty);
        }
        let scalar = self.scalar_type(ty);
        let speculation =
            || Kept { holds: self.slot(self.ir.int(1)), distances: Home::Slot(self.slot(self.vector_type(ty))) };
        let variable = match self.shape(value) {
            Shape::Uniform => Variable::Uniform(self.slot(scalar)),
            Shape::Affine { stride, speculative } => {
                Variable::Affine { base: self.slot(scalar), stride, speculation: speculative.then(speculation) }
            }
            Shape::Segmented { stride, length, speculative, outer } => Variable::Segments {
                length: length.into(),
                bases: Bases::new((0..self.bases_kept(length, outer)).map(|_| self.slot(scalar))),
                outer,
                stride,
                speculation: speculative.then(speculation),
            },
            // A blend reads the old value: it must be something.
            Shape::Varying => Variable::Vector(self.zeroed_slot(self.vector_type(ty))),
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
        self.ir.cast(Cast::IntToPtr, addresses, self.ir.vector(self.ir.ptr(), self.lanes()))
    }
}
