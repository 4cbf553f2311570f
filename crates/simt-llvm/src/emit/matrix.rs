//! Products of matrices that a warp holds together.
//!
//! Each kind of product is a function of its own, shared by all its uses: registers in, registers out. For every lane of a
//! register of sums the elements that it needs at one step come from other lanes, always the same ones: permutations
//! with constant patterns, most of them within 128 bits or the same for all groups of lanes, and a multiplication with addition
//! for each. All of it is emitted in vectors of the machine's width, because LLVM takes long to split permutations.

use simt_ir::{Combine, Element, Factor, MatrixProduct, Place, Sum, Type, Value};

use super::{FunctionEmitter, LANES};
use crate::llvm::{Bin, Cast, Fun, IntPredicate, Ty, Val};

/// A vector of 32 lanes in pieces of the machine's width.
type Pieces = Vec<Val>;

/// Vectors that hold a matrix, in the form that is computed with.
struct Planes {
    vectors: Vec<Pieces>,
    /// Vectors for each register.
    in_register: u32,
    /// What has been permuted already, in this step.
    permuted: Vec<(Vec<Source>, Val)>,
}

/// Where a lane comes from: which vector, and which of its lanes.
type Source = (u32, u32);

impl FunctionEmitter<'_> {
    /// Calls the function of a product.
    pub fn matrix_product(&mut self, product: &MatrixProduct, operands: [&[Value]; 3], results: &[Value]) {
        let values: Vec<Value> = operands.concat();
        let arguments: Vec<Val> = values.iter().map(|value| self.vector(*value)).collect();
        let helper = self.product_function(product);
        let returned = match self.unit.target.avx512 {
            true => self.ir.call_in_registers(helper, &arguments),
            false => self.ir.call(helper, &arguments),
        };
        for (index, result) in results.iter().enumerate() {
            let vector = self.ir.extract_field(returned, index as u32);
            self.define_vector(*result, vector);
        }
    }

    /// The function `(registers of A…, of B…, of C…) -> {registers of D…}`.
    fn product_function(&mut self, product: &MatrixProduct) -> Fun {
        let name = product.to_string();
        if let Some(known) = self.unit.helpers.borrow().get(&name) {
            return *known;
        }
        let ir = self.ir;
        let counts = [product.a_registers(), product.b_registers(), product.sum_registers(product.c)];
        let types = [product.a.register(), product.b.register(), product.c.register()];
        let parameters: Vec<Ty> = counts
            .iter()
            .zip(types)
            .flat_map(|(count, ty)| std::iter::repeat_n(self.vector_type(ty), *count))
            .collect();
        let fields = vec![self.vector_type(product.d.register()); product.sum_registers(product.d)];
        let result = ir.structure(&fields);
        let fun = ir.add_function(&name, ir.function_type(result, &parameters), true);
        super::kernel::describe(ir, fun);
        ir.add_attribute(fun, u32::MAX, "noinline");
        // With half as many registers of half the size, LLVM would run out of them and end the process.
        if self.unit.target.avx512 {
            ir.pass_in_registers(fun);
        }

        let here = ir.current_block();
        ir.position(ir.append_block(fun, "entry"));
        let mut next = 0;
        let [a, b, c] = counts.map(|count| {
            let list: Vec<Val> = (0..count as u32).map(|index| ir.parameter(fun, next + index)).collect();
            next += count as u32;
            list
        });
        let sums = self.product_of(product, &a, &b, &c);
        let returned = sums
            .into_iter()
            .enumerate()
            .fold(ir.poison(result), |whole, (index, sum)| ir.insert_field(whole, sum, index as u32));
        ir.ret(returned);
        ir.position(here);
        self.unit.helpers.borrow_mut().insert(name, fun);
        fun
    }

    /// The registers of sums.
    fn product_of(&mut self, product: &MatrixProduct, a: &[Val], b: &[Val], c: &[Val]) -> Vec<Val> {
        let mut a = self.factor_planes(product.a, a);
        let mut b = self.factor_planes(product.b, b);
        let places = sum_places(product);
        let old: Vec<Pieces> = places.iter().map(|place| self.old_sum(product, c, *place)).collect();
        let is_integer = product.d == Sum::I32;
        let mut sums = old.clone();
        if is_integer {
            // What was there is added at the end, where the sum may have to be clamped.
            for piece in sums.iter_mut().flatten() {
                *piece = self.ir.zero(self.ir.type_of(*piece));
            }
        }
        // Elements of a register of integers are multiplied together.
        let step = if is_integer { product.a.in_register() } else { 1 };
        for k in (0..product.k).step_by(step as usize) {
            (a.permuted, b.permuted) = (Vec::new(), Vec::new());
            for plane in 0..if is_integer { a.in_register } else { 1 } {
                for (sum, place) in sums.iter_mut().zip(&places) {
                    self.add_products(product, sum, *place, k, plane, &mut a, &mut b);
                }
            }
        }
        self.finish_sums(product, &sums, &old)
    }

    /// Adds one product to each lane of a part of a register.
    #[allow(clippy::too_many_arguments, reason = "the operands and the place in the three nested loops")]
    fn add_products(
        &self,
        product: &MatrixProduct,
        sum: &mut Pieces,
        place: Place,
        k: u32,
        plane: u32,
        a: &mut Planes,
        b: &mut Planes,
    ) {
        let elements = lanes_of(product, place);
        let width = LANES as usize / sum.len();
        for (piece, elements) in sum.iter_mut().zip(elements.chunks(width)) {
            let of_a = elements.iter().map(|element| product.a_place(element.product, element.row, k));
            let left = self.permuted(a, of_a, plane);
            let of_b = elements.iter().map(|element| product.b_place(element.product, k, element.column));
            let right = self.permuted(b, of_b, plane);
            *piece = self.multiply_elements(product, left, right, *piece);
        }
    }

    /// A vector in pieces of the machine's width.
    fn pieces(&self, vector: Val) -> Pieces {
        let ir = self.ir;
        let machine_bits = if self.unit.target.avx512 { 512 } else { 256 };
        let width = machine_bits / ir.bits(ir.element(ir.type_of(vector)));
        (0..LANES)
            .step_by(width as usize)
            .map(|from| ir.shuffle(vector, vector, &(from..from + width).collect::<Vec<_>>()))
            .collect()
    }

    /// Takes the registers of a factor apart: floats into one vector for each element, in the precision of the sums; integers
    /// into vectors of two 16-bit numbers in each lane; bits stay as they are.
    fn factor_planes(&self, factor: Factor, registers: &[Val]) -> Planes {
        let vectors: Vec<Vec<Val>> = registers
            .iter()
            .map(|register| match factor {
                Factor::F64 => vec![*register],
                Factor::B1 => vec![*register],
                Factor::S8 | Factor::U8 => self.bytes_as_pairs(factor.is_signed(), *register).to_vec(),
                Factor::S4 | Factor::U4 => {
                    let nibbles = self.nibbles_as_bytes(factor.is_signed(), *register);
                    nibbles.iter().flat_map(|bytes| self.bytes_as_pairs(factor.is_signed(), *bytes)).collect()
                }
                _ => (0..factor.in_register()).map(|part| self.single_of(factor, *register, part)).collect(),
            })
            .collect();
        let in_register = vectors.first().map_or(1, Vec::len) as u32;
        let vectors = vectors.concat().into_iter().map(|vector| self.pieces(vector)).collect();
        Planes { vectors, in_register, permuted: Vec::new() }
    }

    /// Element `part` of a register of floats, as singles.
    fn single_of(&self, factor: Factor, register: Val, part: u32) -> Val {
        let ir = self.ir;
        let word = self.vector_type(Type::I32);
        let single = self.vector_type(Type::F32);
        let shifted = |left: i64| match left {
            0 => register,
            1.. => ir.bin(Bin::Shl, register, ir.constant(word, left as u64)),
            _ => ir.bin(Bin::LShr, register, ir.constant(word, -left as u64)),
        };
        // The number of bits that bring the part's highest bit to bit 31, or its lowest to bit 0.
        let up = i64::from(32 - (part + 1) * factor.bits());
        let down = -i64::from(part * factor.bits());
        match factor {
            Factor::F16 => {
                let half = ir.cast(Cast::Trunc, shifted(down), self.vector_type(Type::I16));
                self.widen(Type::F16, half)
            }
            Factor::BF16 => {
                let bits = ir.and(shifted(up), ir.constant(word, 0xffff_0000));
                ir.cast(Cast::BitCast, bits, single)
            }
            Factor::TF32 => ir.cast(Cast::BitCast, ir.and(register, ir.constant(word, !0x1fff & 0xffff_ffff)), single),
            Factor::E5M2 => {
                let bits = ir.and(shifted(up - 16), ir.constant(word, 0xff00));
                self.widen(Type::F16, ir.cast(Cast::Trunc, bits, self.vector_type(Type::I16)))
            }
            Factor::E3M2 => self.small_float(shifted(up), 2, 3, 2),
            Factor::E2M3 => self.small_float(shifted(up), 2, 2, 3),
            Factor::E2M1 => self.small_float(shifted(up), 2, 2, 1),
            _ => {
                let value = self.small_float(shifted(up), 0, 4, 3);
                let magnitude = ir.and(shifted(up), ir.constant(word, 0x7f00_0000));
                let nan = ir.icmp(IntPredicate::LLVMIntEQ, magnitude, ir.constant(word, 0x7f00_0000));
                let canonical = ir.cast(Cast::BitCast, ir.constant(word, 0x7fff_ffff), single);
                ir.select(nan, canonical, value)
            }
        }
    }

    /// A float without infinities in the byte at the top of each word, behind `unused` bits: its exponent is brought to that of a
    /// single, which is then off by the difference of the biases.
    fn small_float(&self, word: Val, unused: u32, exponent_bits: u32, fraction_bits: u32) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(word);
        // For e2m1 the number lies in bits 2 to 5 of its byte.
        let width = 1 + exponent_bits + fraction_bits;
        let word = if unused > 0 { ir.bin(Bin::Shl, word, ir.constant(ty, u64::from(unused))) } else { word };
        let sign = ir.and(word, ir.constant(ty, 0x8000_0000));
        let magnitude_mask = ((1u64 << (width - 1)) - 1) << (32 - width);
        let magnitude = ir.and(word, ir.constant(ty, magnitude_mask));
        // The lowest bit of the exponent comes to bit 23.
        let place = 32 - width + fraction_bits;
        let bits = ir.bin(Bin::LShr, magnitude, ir.constant(ty, u64::from(place - 23)));
        let single = self.vector_type(Type::F32);
        let bias = (1 << (exponent_bits - 1)) - 1;
        let scale = ir.cast(Cast::BitCast, ir.constant(ty, (127 + 127 - bias) << 23), single);
        let scaled = ir.bin(Bin::FMul, ir.cast(Cast::BitCast, bits, single), scale);
        let signed = ir.or(ir.cast(Cast::BitCast, scaled, ty), sign);
        ir.cast(Cast::BitCast, signed, single)
    }

    /// The even and the odd nibbles as bytes.
    fn nibbles_as_bytes(&self, signed: bool, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let word = ir.type_of(register);
        let bytes = ir.vector(ir.int(8), LANES * 4);
        [0, 4].map(|shift| {
            let nibbles = ir.and(ir.bin(Bin::LShr, register, ir.constant(word, shift)), ir.constant(word, 0x0f0f_0f0f));
            if !signed {
                return nibbles;
            }
            let nibbles = ir.cast(Cast::BitCast, nibbles, bytes);
            let flipped = ir.xor(nibbles, ir.constant(bytes, 8));
            ir.cast(Cast::BitCast, ir.sub(flipped, ir.constant(bytes, 8)), word)
        })
    }

    /// The even and the odd bytes, each as two 16-bit numbers in a lane.
    fn bytes_as_pairs(&self, signed: bool, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let pairs = ir.vector(ir.int(16), LANES * 2);
        let (word, eight) = (ir.type_of(register), ir.constant(pairs, 8));
        let halves = ir.cast(Cast::BitCast, register, pairs);
        let shift = if signed { Bin::AShr } else { Bin::LShr };
        let even = ir.bin(shift, ir.bin(Bin::Shl, halves, eight), eight);
        let odd = ir.bin(shift, halves, eight);
        [even, odd].map(|pairs| ir.cast(Cast::BitCast, pairs, word))
    }

    /// A piece of a vector whose lanes come from these places.
    fn permuted(&self, planes: &mut Planes, places: impl Iterator<Item = Place>, plane: u32) -> Val {
        let key: Vec<Source> =
            places.map(|place| (place.register * planes.in_register + place.part + plane, place.lane)).collect();
        if let Some((_, known)) = planes.permuted.iter().find(|(known, _)| *known == key) {
            return *known;
        }
        let value = self.gather_planes(&planes.vectors, &key);
        planes.permuted.push((key, value));
        value
    }

    /// A piece of a vector whose lanes are those of other vectors.
    fn gather_planes(&self, vectors: &[Pieces], sources: &[Source]) -> Val {
        let width = sources.len() as u32;
        // Which piece of which vector, and which lane of it.
        let sources: Vec<(Source, u32)> =
            sources.iter().map(|(vector, lane)| ((*vector, lane / width), lane % width)).collect();
        let mut pieces: Vec<Source> = sources.iter().map(|(piece, _)| *piece).collect();
        pieces.sort_unstable();
        pieces.dedup();
        let piece = |(vector, index): Source| vectors[vector as usize][index as usize];
        let (first, second) = (pieces[0], *pieces.get(1).unwrap_or(&pieces[0]));
        let from_two =
            |(source, lane): &(Source, u32)| if *source == second && second != first { width + lane } else { *lane };
        let order: Vec<u32> = sources.iter().map(from_two).collect();
        let mut result = self.ir.shuffle(piece(first), piece(second), &order);
        for other in pieces.into_iter().skip(2) {
            let own = |(index, (source, lane)): (usize, &(Source, u32))| {
                if *source == other { width + lane } else { index as u32 }
            };
            let order: Vec<u32> = sources.iter().enumerate().map(own).collect();
            result = self.ir.shuffle(result, piece(other), &order);
        }
        result
    }

    fn multiply_elements(&self, product: &MatrixProduct, a: Val, b: Val, sum: Val) -> Val {
        let ir = self.ir;
        match (product.combine, product.d) {
            (Combine::Multiply, Sum::I32) => ir.add(sum, self.dot_of_pairs(a, b)),
            (Combine::Multiply, _) => ir.intrinsic("llvm.fma", &[ir.type_of(sum)], &[a, b, sum]),
            (combine, _) => {
                let bits = if combine == Combine::AndPopCount { ir.and(a, b) } else { ir.xor(a, b) };
                ir.add(sum, ir.intrinsic("llvm.ctpop", &[ir.type_of(bits)], &[bits]))
            }
        }
    }

    /// In each lane the sum of the products of two 16-bit numbers.
    fn dot_of_pairs(&self, a: Val, b: Val) -> Val {
        let ir = self.ir;
        let ty = ir.type_of(a);
        if self.unit.target.avx512 {
            let pairs = ir.vector(ir.int(16), 2 * ir.lanes(ty));
            let [a, b] = [a, b].map(|piece| ir.cast(Cast::BitCast, piece, pairs));
            return ir.intrinsic("llvm.x86.avx512.pmaddw.d.512", &[], &[a, b]);
        }
        let sixteen = ir.constant(ty, 16);
        let low = |word: Val| ir.bin(Bin::AShr, ir.bin(Bin::Shl, word, sixteen), sixteen);
        let high = |word: Val| ir.bin(Bin::AShr, word, sixteen);
        ir.add(ir.mul(low(a), low(b)), ir.mul(high(a), high(b)))
    }

    /// The sums that lanes begin with, for a register (or, with two in a register, a part of one) of results.
    fn old_sum(&self, product: &MatrixProduct, c: &[Val], place: Place) -> Pieces {
        let vectors: Vec<Pieces> = match product.c {
            Sum::F16 => c.iter().flat_map(|register| self.halves_as_singles(*register)).collect(),
            _ => c.to_vec(),
        }
        .into_iter()
        .map(|vector| self.pieces(vector))
        .collect();
        let sources: Vec<Source> =
            lanes_of(product, place).iter().map(|element| find_sum(product, vectors.len() as u32, *element)).collect();
        let width = LANES as usize / vectors[0].len();
        sources.chunks(width).map(|sources| self.gather_planes(&vectors, sources)).collect()
    }

    fn halves_as_singles(&self, register: Val) -> [Val; 2] {
        let ir = self.ir;
        let word = ir.type_of(register);
        [0, 16].map(|shift| {
            let bits = ir.bin(Bin::LShr, register, ir.constant(word, shift));
            self.widen(Type::F16, ir.cast(Cast::Trunc, bits, self.vector_type(Type::I16)))
        })
    }

    /// The registers of results, from sums that lie in one vector for each part of a register.
    fn finish_sums(&self, product: &MatrixProduct, sums: &[Pieces], old: &[Pieces]) -> Vec<Val> {
        let ir = self.ir;
        let whole = |pieces: &Pieces| self.concatenate(pieces);
        match product.d {
            Sum::F64 => sums.iter().map(whole).collect(),
            Sum::F32 => sums.iter().map(|sum| self.canonical_single(whole(sum))).collect(),
            Sum::I32 => {
                let add = |(sum, old): (&Pieces, &Pieces)| {
                    let (sum, old) = (whole(sum), whole(old));
                    match product.saturate {
                        true => ir.intrinsic("llvm.sadd.sat", &[ir.type_of(old)], &[old, sum]),
                        false => ir.add(old, sum),
                    }
                };
                sums.iter().zip(old).map(add).collect()
            }
            Sum::F16 => {
                let word = self.vector_type(Type::I32);
                let half = |sum: &Pieces| ir.cast(Cast::ZExt, self.narrow(Type::F16, whole(sum)), word);
                let pack =
                    |pair: &[Pieces]| ir.or(half(&pair[0]), ir.bin(Bin::Shl, half(&pair[1]), ir.constant(word, 16)));
                sums.chunks(2).map(pack).collect()
            }
        }
    }
}

/// Every part of every register of results, for lane 0.
fn sum_places(product: &MatrixProduct) -> Vec<Place> {
    let parts = product.d.in_register();
    let registers = product.sum_registers(product.d) as u32;
    (0..registers * parts).map(|index| Place { register: index / parts, part: index % parts, lane: 0 }).collect()
}

/// What each lane holds of a part of a register of results.
fn lanes_of(product: &MatrixProduct, place: Place) -> Vec<Element> {
    (0..LANES).map(|lane| product.sum_at(product.d, Place { lane, ..place })).collect()
}

/// Where an element of C is: in which of the vectors that have one part of a register each, and in which lane.
fn find_sum(product: &MatrixProduct, vectors: u32, element: Element) -> (u32, u32) {
    let parts = product.c.in_register();
    let all = (0..vectors).flat_map(|vector| (0..LANES).map(move |lane| (vector, lane)));
    let place = |(vector, lane): &(u32, u32)| Place { register: vector / parts, part: vector % parts, lane: *lane };
    all.into_iter().find(|at| product.sum_at(product.c, place(at)) == element).unwrap_or_default()
}
