//! Loads and stores.
//!
//! An address that is uniform gives one scalar access; one in progression with the element's size as stride a plain vector access; in
//! progression within segments one for each; lanes that lie by columns are turned in registers; anything else gathers or scatters. Every access is first checked (`check.rs`) and then done
//! (`transfer.rs`).

use simt_ir::abi::{AccessKind, AccessSpace};
use simt_ir::analysis::Shape;
use simt_ir::{AddressSpace, FunctionKind, MemoryOrder, Op, Type, Value};

use super::FunctionEmitter;
use super::indexed::Indices;
use super::prefetch::Load;
use super::value::{Bases, Repr, Speculation};
use crate::llvm::{Bb, IntPredicate, Ordering, Val};

/// A load or store being emitted.
#[derive(Clone, Copy)]
pub(super) struct Access {
    pub space: AddressSpace,
    pub ty: Type,
    pub count: u32,
    pub kind: AccessKind,
    /// Whether other threads may look on: stronger than weak.
    pub strong: bool,
    /// Of a record, which the program takes by several accesses (`records.rs`), how many elements each of them takes.
    pub record: Option<Parts>,
}

/// Numbers of elements, up to the first 0.
pub(super) type Parts = [u8; 8];

impl Access {
    /// Bytes each lane accesses.
    pub fn bytes(self) -> u32 {
        self.ty.bytes() * self.count
    }

    /// What each lane's address has to be a multiple of.
    pub fn align(self) -> u32 {
        self.parts().map(|(_, part)| part.bytes()).max().unwrap_or(1)
    }

    /// The accesses that the program makes, and the first element of each.
    pub fn parts(self) -> impl Iterator<Item = (u32, Access)> {
        let counts = self.record.unwrap_or([self.count as u8, 0, 0, 0, 0, 0, 0, 0]);
        let mut first = 0;
        counts.into_iter().map(u32::from).take_while(|count| *count > 0).map(move |count| {
            first += count;
            (first - count, Access { count, record: None, ..self })
        })
    }

    /// Whether each lane's 16 bytes have to be moved at once. PTX promises that for no vector access, but programs that pass a
    /// flag and a value between blocks rely on what cards do.
    pub fn is_whole(self) -> bool {
        self.strong && self.count > 1 && self.bytes() == 16
    }

    /// Whether the address is one in the arena, and not an offset in a space of its own.
    pub fn in_arena(self) -> bool {
        matches!(self.space, AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const)
    }

    pub fn runtime_space(self) -> AccessSpace {
        match self.space {
            AddressSpace::Shared => AccessSpace::Shared,
            AddressSpace::Local => AccessSpace::Local,
            AddressSpace::Generic | AddressSpace::Global | AddressSpace::Const | AddressSpace::Param => {
                AccessSpace::Global
            }
        }
    }
}

/// How the lanes' addresses lie.
#[derive(Clone, Copy)]
pub(super) enum Pattern {
    /// All lanes at one address.
    Uniform(Val),
    /// One element behind the other from here; the vector and the test for the case that this was only hoped for.
    Contiguous { base: Val, holds: Option<Val> },
    /// Within segments of one length contiguous, or all at one address (then the stride is 0): where each begins, and what is known for the
    /// case that this was only hoped for.
    Segments { bases: Bases, stride: i64, speculation: Option<Speculation> },
    /// By columns: in each of so many segments the lanes lie `stride` bytes apart, and each segment begins an element behind the one before. So
    /// the lanes at one place of their segments are contiguous. Where the first segment begins, and whether all lanes are active.
    Columns { base: Val, stride: i64, segments: u32, full: Val },
    /// One element before the other: where the last lane is, the test for whether the lanes lie so, if that was only hoped for, and the test
    /// for whether all of them, active or not, lie within their space besides.
    Reversed { base: Val, in_order: Option<Val>, holds: Val },
    /// Anything, by indices.
    Indexed(Indices),
    /// Anything.
    Listed(Val),
}

/// Segments from which on columns are worth while.
const COLUMN_LANES_MIN: u32 = 4;

/// More bytes than shared memory has.
const COLUMN_STRIDE_MAX: i64 = 1 << 20;

/// What has been loaded.
enum Loaded {
    /// All elements of lane 0, then those of lane 1.
    Whole(Val),
    /// A vector for each element.
    Parts(Vec<Val>),
}

impl Pattern {
    /// The test for the case that the pattern was only hoped for.
    pub fn holds(&self) -> Option<Val> {
        match self {
            Pattern::Contiguous { holds, .. } => *holds,
            Pattern::Segments { speculation, .. } => speculation.map(|s| s.holds),
            Pattern::Columns { full, .. } => Some(*full),
            Pattern::Reversed { holds, .. } => Some(*holds),
            Pattern::Uniform(_) | Pattern::Indexed(_) | Pattern::Listed(_) => None,
        }
    }
}

/// Whether lanes that lie apart in their segments, `bytes` each, lie by columns that do not overlap.
pub(super) fn lies_in_columns(shape: Shape, bytes: u32, lanes: u32) -> bool {
    let Shape::Segmented { stride, length, outer: Some(outer), .. } = shape else { return false };
    let (bytes, segments) = (i64::from(bytes), lanes / u32::from(length));
    segments >= COLUMN_LANES_MIN
        && outer == bytes
        && (i64::from(segments) * bytes..COLUMN_STRIDE_MAX).contains(&stride)
        && stride % bytes == 0
}

impl FunctionEmitter<'_> {
    pub fn memory(&mut self, op: &Op, results: &[Value]) {
        let loaded = self.access_memory(op, results, None);
        for (result, repr) in results.iter().zip(loaded) {
            self.define(*result, repr);
        }
    }

    /// Loads and stores, and answers what has been loaded. `record`: see [`Access`].
    pub fn access_memory(&mut self, op: &Op, results: &[Value], record: Option<Parts>) -> Vec<Repr> {
        let (guard, order) = match op {
            Op::Load { guard, order, .. } | Op::Store { guard, order, .. } => (*guard, *order),
            _ => unreachable!("only loads and stores come here"),
        };
        if order != MemoryOrder::Weak {
            self.compiler_fence();
        }
        let strong = order != MemoryOrder::Weak;
        let outer = self.mask;
        self.guard = guard;
        // What is first read inside the guarded part would not be at hand behind it.
        for operand in op.operands() {
            self.get(operand);
        }
        let skip = guard.map(|guard| self.enter_where(guard));
        let loaded = match op {
            Op::Load { space, ty, count, address, offset, .. } => {
                let access =
                    Access { space: *space, ty: *ty, count: u32::from(*count), kind: AccessKind::Load, strong, record };
                let packed = self.packs.place(results[0]).is_some();
                let known = if record.is_some() { None } else { self.look_up(results[0], access, *address, *offset) };
                match known {
                    Some(found) => vec![Repr::Vector(found)],
                    None => {
                        self.load_being_made = Some(Load { access, address: *address, offset: *offset });
                        let loaded = self.load_access(access, *address, *offset, packed);
                        self.load_being_made = None;
                        loaded
                    }
                }
            }
            Op::Store { space, ty, address, offset, values, .. } => {
                let access = Access {
                    space: *space,
                    ty: *ty,
                    count: values.len() as u32,
                    kind: AccessKind::Store,
                    strong,
                    record,
                };
                self.store_access(access, *address, *offset, values);
                Vec::new()
            }
            _ => unreachable!("only loads and stores come here"),
        };
        let loaded = match skip {
            Some(skip) => self.leave_guard(skip, loaded, results),
            None => loaded,
        };
        (self.mask, self.guard) = (outer, None);
        if order != MemoryOrder::Weak {
            self.compiler_fence();
        }
        loaded
    }

    /// Keeps LLVM from moving memory accesses across; costs nothing at run time.
    pub fn compiler_fence(&self) {
        self.ir.compiler_fence();
    }

    /// Goes on only with lanes for which a predicate holds, as [`FunctionEmitter::enter_if_any`].
    pub fn enter_where(&mut self, guard: Value) -> (Bb, Bb) {
        if self.function.kind == FunctionKind::Lane {
            let holds = self.uniform(guard);
            return self.enter_if(holds);
        }
        self.mask = self.active_where(guard);
        self.enter_if_any()
    }

    /// Goes on only if a lane is active; returns the block that jumped over and the block where both meet.
    pub fn enter_if_any(&mut self) -> (Bb, Bb) {
        self.enter_if(self.any(self.mask))
    }

    fn enter_if(&mut self, condition: Val) -> (Bb, Bb) {
        let (inside, join) = (self.new_block("guarded"), self.new_block("join"));
        let from = self.ir.current_block();
        self.ir.cond_br(condition, inside, join);
        self.ir.position(inside);
        (from, join)
    }

    /// Ends what [`FunctionEmitter::enter_if_any`] began: lanes that did not load get 0.
    fn leave_guard(&mut self, (from, join): (Bb, Bb), loaded: Vec<Repr>, results: &[Value]) -> Vec<Repr> {
        let mut inside = Vec::new();
        for (repr, result) in loaded.iter().zip(results) {
            let ty = self.function.ty(*result);
            let scalar = matches!(repr, Repr::Uniform(_)) && self.shape(*result).is_uniform();
            inside.push(match repr {
                Repr::Uniform(value) if scalar => *value,
                other => {
                    let vector = self.to_vector(*other, ty);
                    self.ir.select(self.mask, vector, self.ir.zero(self.vector_type(ty)))
                }
            });
        }
        let end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(join);
        inside
            .into_iter()
            .map(|value| {
                let ty = self.ir.type_of(value);
                let merged = self.ir.phi(ty, &[(value, end), (self.ir.zero(ty), from)]);
                if self.ir.is_vector(ty) { Repr::Vector(merged) } else { Repr::Uniform(merged) }
            })
            .collect()
    }

    /// The addresses of an access, the constant offset added.
    fn pattern(&mut self, access: Access, address: Value, offset: i64) -> Pattern {
        let offset_scalar = self.i64(offset as u64);
        let repr = self.get(address);
        let bytes = i64::from(access.bytes());
        match repr {
            Repr::Uniform(base) if access.space != AddressSpace::Local => {
                Pattern::Uniform(self.ir.add(base, offset_scalar))
            }
            Repr::Affine { base, stride, speculation } if stride == bytes && access.space != AddressSpace::Local => {
                Pattern::Contiguous { base: self.ir.add(base, offset_scalar), holds: speculation.map(|s| s.holds) }
            }
            Repr::Segments { bases, stride, speculation }
                if (stride == 0 || stride == bytes) && access.space != AddressSpace::Local =>
            {
                let moved = |base: Val| self.ir.add(base, offset_scalar);
                let first = moved(bases[0]);
                let bases = Bases::new(bases.iter().map(|base| if *base == bases[0] { first } else { moved(*base) }));
                Pattern::Segments { bases, stride, speculation }
            }
            Repr::Segments { bases, stride, speculation: None }
                if access.space == AddressSpace::Shared
                    && access.count == 1
                    && lies_in_columns(self.shape(address), access.bytes(), self.lanes()) =>
            {
                let full = self.is_full();
                let base = self.ir.add(bases[0], offset_scalar);
                Pattern::Columns { base, stride, segments: bases.len() as u32, full }
            }
            Repr::Affine { base, stride, speculation }
                if stride == -bytes && access.space == AddressSpace::Shared && access.count == 1 =>
            {
                let span = (self.lanes() - 1) * access.bytes();
                let base = self.ir.add(base, self.i64((offset - i64::from(span)) as u64));
                let within = self.ir.not(self.is_bad(access, address, base, offset, span));
                let mut holds = speculation.map_or(within, |s| self.ir.and(s.holds, within));
                if access.kind == AccessKind::Store {
                    holds = self.ir.and(holds, self.is_full());
                }
                Pattern::Reversed { base, in_order: speculation.map(|s| s.holds), holds }
            }
            _ => match self.indices(access, address, offset) {
                Some(indices) => Pattern::Indexed(indices),
                None => Pattern::Listed(self.ir.add(self.vector(address), self.ir.splat(offset_scalar, self.lanes()))),
            },
        }
    }

    /// Loads all lanes, the last of which is at `base`.
    fn load_reversed(&self, access: Access, base: Val) -> Val {
        let pointer = self.pointer(access.space, base);
        self.reversed(self.ir.load_aligned(self.vector_type(access.ty), pointer, access.ty.bytes()))
    }

    /// The elements of a vector from the last to the first.
    fn reversed(&self, vector: Val) -> Val {
        let order: Vec<u32> = (0..self.lanes()).rev().collect();
        self.ir.shuffle(vector, vector, &order)
    }

    /// Whether all lanes are active.
    fn is_full(&self) -> Val {
        let all = self.ir.not(self.ir.zero(self.mask_int()));
        self.ir.icmp(IntPredicate::LLVMIntEQ, self.mask_bits(self.mask), all)
    }

    /// Loads; values of a pack stay together.
    fn load_access(&mut self, access: Access, address: Value, offset: i64, packed: bool) -> Vec<Repr> {
        self.observe_access(access, address, offset);
        if let Some(loaded) = self.load_rows(access, address, offset) {
            return vec![Repr::Vector(loaded)];
        }
        let pattern = self.pattern(access, address, offset);
        let often_missed = self.is_often_missed(address, &pattern);
        let loaded = if let Some(holds) = pattern.holds() {
            self.in_order_or_listed(address, offset, (holds, often_missed), |this, listed| {
                let loaded = match listed {
                    Some(addresses) if matches!(pattern, Pattern::Reversed { .. }) => {
                        Loaded::Parts(this.load_partly_reversed(access, (address, addresses), offset, &pattern))
                    }
                    Some(addresses) if often_missed => Loaded::Parts(this.load_listed(access, addresses)),
                    Some(addresses) => {
                        this.examine(access, addresses);
                        Loaded::Parts(this.gather_out_of_line(access, addresses))
                    }
                    None => {
                        this.check(access, address, offset, &pattern);
                        this.load_pattern(access, &pattern)
                    }
                };
                this.as_wanted(access, loaded, packed)
            })
        } else {
            // What need not be checked is a few instructions.
            let is_small =
                access.space == AddressSpace::Shared && access.count == 1 && self.is_proven(access, address, offset);
            let loaded = match (pattern, self.unit.outline && !is_small) {
                (Pattern::Listed(addresses), true) => {
                    self.note_outlined(access);
                    Loaded::Parts(self.call_outlined(access, addresses, &[]))
                }
                (Pattern::Uniform(at), _) => {
                    self.check(access, address, offset, &pattern);
                    return self.load_uniform(access, at);
                }
                _ => {
                    self.check(access, address, offset, &pattern);
                    self.load_pattern(access, &pattern)
                }
            };
            self.as_wanted(access, loaded, packed)
        };
        match (packed, &loaded[..]) {
            (true, &[whole]) => {
                (0..access.count).map(|place| Repr::Part { whole, place, count: access.count }).collect()
            }
            _ => loaded.into_iter().map(Repr::Vector).collect(),
        }
    }

    /// One vector as memory has it, or a vector for each element.
    fn as_wanted(&self, access: Access, loaded: Loaded, packed: bool) -> Vec<Val> {
        match loaded {
            Loaded::Whole(whole) if packed => vec![whole],
            Loaded::Parts(parts) if packed => vec![self.interleave(&parts)],
            Loaded::Whole(whole) => self.deinterleave(whole, access.count),
            Loaded::Parts(parts) => parts,
        }
    }

    /// Loads lanes that lie in reverse order where perhaps only those that are active lie within shared memory, as at the ends of what threads
    /// move along one behind the other. The others read what lies around it (`SHARED_MARGIN`), which nobody looks at.
    fn load_partly_reversed(
        &mut self,
        access: Access,
        (address, addresses): (Value, Val),
        offset: i64,
        pattern: &Pattern,
    ) -> Vec<Val> {
        let Pattern::Reversed { base, in_order, .. } = *pattern else { unreachable!("for lanes in reverse order") };
        let good = self.ir.not(self.is_bad_run_of_active(access, address, base, offset, true));
        let holds = in_order.map_or(good, |in_order| self.ir.and(in_order, good));
        self.in_order_or_listed(address, offset, (holds, false), |this, listed| match listed {
            Some(_) => {
                this.examine(access, addresses);
                this.gather_out_of_line(access, addresses)
            }
            None => vec![this.load_reversed(access, base)],
        })
    }

    /// Tests and loads what lies anywhere.
    fn load_listed(&mut self, access: Access, addresses: Val) -> Vec<Val> {
        if self.unit.outline && access.record.is_none() {
            return self.call_outlined(access, addresses, &[]);
        }
        self.check_addresses(access, addresses);
        self.gather(access, addresses)
    }

    /// As [`FunctionEmitter::load_listed`], for stores.
    fn store_listed(&mut self, access: Access, addresses: Val, vectors: &[Val]) {
        if self.unit.outline && access.record.is_none() {
            self.call_outlined(access, addresses, vectors);
            return;
        }
        self.check_addresses(access, addresses);
        self.scatter_parts(access, addresses, vectors);
    }

    /// Scatters the parts of a record one after the other: which of lanes that store to one place is seen is decided for each.
    fn scatter_parts(&mut self, access: Access, addresses: Val, vectors: &[Val]) {
        for (first, part) in access.parts() {
            let moved = self.moved(addresses, first * access.ty.bytes());
            self.scatter(part, moved, &vectors[first as usize..(first + part.count) as usize]);
        }
    }

    /// Loads what differs from lane to lane.
    fn load_pattern(&mut self, access: Access, pattern: &Pattern) -> Loaded {
        match *pattern {
            Pattern::Contiguous { base, .. } => {
                let pointer = self.pointer(access.space, base);
                Loaded::Whole(self.load_contiguous(access, pointer))
            }
            Pattern::Segments { bases, stride: 0, .. } => Loaded::Parts(self.load_segments(access, &bases)),
            Pattern::Segments { bases, .. } => Loaded::Whole(self.load_contiguous_segments(access, &bases)),
            Pattern::Columns { base, stride, segments, .. } => {
                Loaded::Parts(vec![self.load_columns(access, base, stride, segments)])
            }
            Pattern::Reversed { base, .. } => Loaded::Parts(vec![self.load_reversed(access, base)]),
            Pattern::Indexed(indices) => Loaded::Parts(self.gather_elements(access, indices)),
            Pattern::Listed(addresses) => Loaded::Parts(self.gather(access, addresses)),
            Pattern::Uniform(_) => unreachable!("a uniform value is no vector"),
        }
    }

    /// Whether lanes may often lie otherwise than the pattern hopes, so that the other way is to be quick as well: behind loops that they left
    /// apart, where a column is not whole, and where the lanes reach over an end of their space.
    fn is_often_missed(&self, address: Value, pattern: &Pattern) -> bool {
        self.expected[address.0 as usize] || matches!(pattern, Pattern::Columns { .. } | Pattern::Reversed { .. })
    }

    /// Does an access in one way if the lanes' addresses lie in order, as was hoped when the code was made, and in another if not: then
    /// `access_lanes` gets the addresses, which nobody has looked at.
    fn in_order_or_listed(
        &mut self,
        address: Value,
        offset: i64,
        (holds, often_missed): (Val, bool),
        mut access_lanes: impl FnMut(&mut Self, Option<Val>) -> Vec<Val>,
    ) -> Vec<Val> {
        let (slow, quick, join) = (self.new_block("slow"), self.new_block("quick"), self.new_block("accessed"));
        if often_missed {
            self.ir.cond_br(holds, quick, slow);
        } else {
            self.ir.unlikely_br(self.ir.not(holds), slow, quick);
        }
        self.ir.position(quick);
        let loaded = access_lanes(self, None);
        let quick_end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(slow);
        let listed = self.ir.add(self.vector(address), self.ir.splat(self.i64(offset as u64), self.lanes()));
        let gathered = access_lanes(self, Some(listed));
        let slow_end = self.ir.current_block();
        self.ir.br(join);
        self.ir.position(join);
        let both = loaded.into_iter().zip(gathered);
        both.map(|(a, b)| self.ir.phi(self.ir.type_of(a), &[(a, quick_end), (b, slow_end)])).collect()
    }

    fn store_access(&mut self, access: Access, address: Value, offset: i64, values: &[Value]) {
        self.observe_access(access, address, offset);
        let pattern = self.pattern(access, address, offset);
        if let Pattern::Uniform(at) = pattern {
            self.check(access, address, offset, &pattern);
            self.store_uniform(access, at, values);
            return;
        }
        let whole = self.common_whole(values).map(|whole| self.canonical(values[0], whole));
        let vectors: Vec<Val> = values.iter().map(|value| self.stored(*value)).collect();
        let often_missed = self.is_often_missed(address, &pattern);
        if let Some(holds) = pattern.holds() {
            self.in_order_or_listed(address, offset, (holds, often_missed), |this, listed| {
                match listed {
                    Some(addresses) if often_missed => this.store_listed(access, addresses, &vectors),
                    Some(addresses) => {
                        this.examine(access, addresses);
                        this.scatter_parts(access, addresses, &vectors);
                    }
                    None => {
                        this.check(access, address, offset, &pattern);
                        this.store_pattern(access, &pattern, &vectors, whole);
                    }
                }
                Vec::new()
            });
            return;
        }
        // Of lanes that store to one place, a scatter takes the right one.
        let pattern = match pattern {
            Pattern::Segments { bases, stride: 0, speculation } => {
                Pattern::Listed(self.to_vector(Repr::Segments { bases, stride: 0, speculation }, Type::I64))
            }
            other => other,
        };
        if let (Pattern::Listed(addresses), true) = (pattern, self.unit.outline) {
            self.note_outlined(access);
            self.call_outlined(access, addresses, &vectors);
            return;
        }
        self.check(access, address, offset, &pattern);
        self.store_pattern(access, &pattern, &vectors, whole);
    }

    /// Stores what differs from lane to lane: the vectors, which may be there as memory has them.
    fn store_pattern(&mut self, access: Access, pattern: &Pattern, vectors: &[Val], whole: Option<Val>) {
        match *pattern {
            Pattern::Contiguous { base, .. } => {
                let pointer = self.pointer(access.space, base);
                let whole = whole.unwrap_or_else(|| self.interleave(vectors));
                self.store_contiguous(access, pointer, whole);
            }
            Pattern::Segments { bases, .. } => {
                let whole = whole.unwrap_or_else(|| self.interleave(vectors));
                self.store_segments(access, &bases, whole);
            }
            Pattern::Columns { base, stride, segments, .. } => {
                self.store_columns(access, base, stride, segments, vectors[0]);
            }
            Pattern::Reversed { base, .. } => {
                let pointer = self.pointer(access.space, base);
                self.ir.store(self.reversed(vectors[0]), pointer, access.ty.bytes());
            }
            Pattern::Indexed(indices) => self.scatter_elements(access, indices, vectors),
            Pattern::Listed(addresses) => self.scatter(access, addresses, vectors),
            Pattern::Uniform(_) => unreachable!("stored as one"),
        }
    }

    /// A fence of the memory model.
    pub fn fence(&self, order: MemoryOrder) {
        match order {
            MemoryOrder::SequentiallyConsistent => self.ir.fence(Ordering::LLVMAtomicOrderingSequentiallyConsistent),
            _ => self.ir.fence(Ordering::LLVMAtomicOrderingAcquireRelease),
        }
    }
}
