//! What is multiplied by what, and how a prepared factor lies in memory: computed from who holds which element, before any
//! code is made.

use simt_ir::{Combine, Factor, MatrixProduct, Place};

use super::Source;
use super::sums::{lanes_of, sum_places};
use crate::emit::{LANES, Target};

/// Bits of which a vector is made by repetition without cost when it is loaded.
const REPEATED_BITS: u32 = 128;

/// One of the two factors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    A,
    B,
}

/// What a lane of a prepared vector holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// One element in the precision of the sums, or 32 bits.
    Single,
    /// Two integers of 16 bits.
    Pairs,
    /// Four bytes: of A without a sign and of B with one, or, `swapped`, the other way round.
    Bytes { swapped: bool },
}

/// Where a prepared vector is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub offset_bytes: u32,
    /// Lanes after which it repeats itself.
    pub lanes: u32,
    lane_bytes: u32,
}

impl Kept {
    fn bytes(self) -> u32 {
        self.lanes * self.lane_bytes
    }

    /// The place is a multiple of its size.
    pub fn align_bytes(self) -> u32 {
        self.bytes()
    }
}

/// The vectors of a prepared factor.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// Where the lanes of each come from.
    pub vectors: Vec<Vec<Source>>,
    /// Behind them: for each what is added up over these.
    pub corrections: Vec<Vec<usize>>,
    /// Where all of them are.
    pub places: Vec<Kept>,
    size_bytes: u32,
}

impl Prepared {
    /// The number of a vector, which may be new.
    fn number(&mut self, sources: Vec<Source>) -> usize {
        self.vectors.iter().position(|known| *known == sources).unwrap_or_else(|| {
            self.vectors.push(sources);
            self.vectors.len() - 1
        })
    }

    /// Gives everything a place, large vectors first.
    fn place(&mut self, lane_bytes: u32) {
        let period = |sources: &Vec<Source>| {
            let lanes = (REPEATED_BITS / 8 / lane_bytes) as usize;
            let repeats = sources.iter().zip(sources.iter().cycle().skip(lanes)).all(|(a, b)| a == b);
            if repeats { lanes as u32 } else { sources.len() as u32 }
        };
        let mut lanes: Vec<u32> = self.vectors.iter().map(period).collect();
        lanes.extend(self.corrections.iter().map(|list| lanes[list[0]]).collect::<Vec<u32>>());
        self.places = lanes.iter().map(|lanes| Kept { offset_bytes: 0, lanes: *lanes, lane_bytes }).collect();
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        order.sort_by_key(|index| std::cmp::Reverse(lanes[*index]));
        for index in order {
            self.places[index].offset_bytes = self.size_bytes;
            self.size_bytes += self.places[index].bytes();
        }
    }
}

/// How a product is computed.
#[derive(Debug)]
pub(super) struct Plan {
    pub form: Form,
    /// The type of A's elements.
    pub factor: Factor,
    /// Lanes of a machine's vector of sums.
    pub width: u32,
    /// For each step, and in it for each piece of a vector of sums, the vectors of A and B that are multiplied.
    pub steps: Vec<Vec<(usize, usize)>>,
    pub a: Prepared,
    pub b: Prepared,
    /// The factor whose bytes are flipped by their highest bit, because they have a sign where none is wanted, or none where one is.
    flipped: Option<Side>,
    /// What flipping adds to a byte, or takes from it.
    pub bias: u8,
    /// For each piece of a vector of sums, which correction it begins with.
    corrections: Vec<usize>,
}

impl Plan {
    /// Plans a product for a machine.
    pub fn new(product: &MatrixProduct, target: Target) -> Self {
        let lane_bytes = if product.a == Factor::F64 { 8 } else { 4 };
        let width = if target.avx512 { 64 } else { 32 } / lane_bytes;
        let is_integer = !product.a.is_float() && product.a != Factor::B1;
        let (form, flipped) = match (product.combine, is_integer) {
            (Combine::Multiply, true) if target.vnni => bytes_form(product),
            (Combine::Multiply, true) => (Form::Pairs, None),
            _ => (Form::Single, None),
        };
        let planes = form.planes(product.a);
        // Elements of a register of integers are multiplied together, in as many steps as it has vectors.
        let (step, turns) = match form {
            Form::Single if product.a == Factor::B1 => (product.a.in_register(), 1),
            Form::Single => (1, 1),
            Form::Pairs | Form::Bytes { .. } => (product.a.in_register(), planes),
        };
        let (mut a, mut b) = (Prepared::default(), Prepared::default());
        let mut steps = Vec::new();
        let places = sum_places(product);
        for k in (0..product.k).step_by(step as usize) {
            for plane in 0..turns {
                let source = |place: Place| (place.register * planes + place.part + plane, place.lane);
                let mut pieces = Vec::new();
                for place in &places {
                    for elements in lanes_of(product, *place).chunks(width as usize) {
                        let lefts = elements.iter().map(|of| source(product.a_place(of.product, of.row, k)));
                        let rights = elements.iter().map(|of| source(product.b_place(of.product, k, of.column)));
                        pieces.push((a.number(lefts.collect()), b.number(rights.collect())));
                    }
                }
                steps.push(pieces);
            }
        }
        let bias = if flipped.is_some() { 1 << (product.a.bits() - 1) } else { 0 };
        let mut plan = Self { form, factor: product.a, width, steps, a, b, flipped, bias, corrections: Vec::new() };
        plan.plan_corrections();
        plan.a.place(lane_bytes);
        plan.b.place(lane_bytes);
        plan
    }

    /// The sums that make up for flipped bytes: of the other factor, for every piece along its steps.
    fn plan_corrections(&mut self) {
        let Some(flipped) = self.flipped else { return };
        let pieces = self.steps[0].len();
        for piece in 0..pieces {
            let step = |step: &Vec<(usize, usize)>| match flipped {
                Side::A => step[piece].1,
                Side::B => step[piece].0,
            };
            let list: Vec<usize> = self.steps.iter().map(step).collect();
            let other = if flipped == Side::A { &mut self.b } else { &mut self.a };
            let known = other.corrections.iter().position(|known| *known == list).unwrap_or_else(|| {
                other.corrections.push(list);
                other.corrections.len() - 1
            });
            self.corrections.push(known);
        }
    }

    /// What a piece of a vector of sums begins with, if not with zero: a vector of a prepared factor.
    pub fn correction_of(&self, piece: usize) -> Option<(Side, usize)> {
        let index = *self.corrections.get(piece)?;
        Some(match self.flipped? {
            Side::A => (Side::B, self.b.vectors.len() + index),
            Side::B => (Side::A, self.a.vectors.len() + index),
        })
    }

    /// The vectors of a factor.
    pub fn prepared(&self, side: Side) -> &Prepared {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// Whether the bytes of a factor are flipped.
    pub fn flips(&self, side: Side) -> bool {
        self.flipped == Some(side)
    }

    /// Bytes that a prepared factor takes.
    pub fn size_bytes(&self, side: Side) -> u32 {
        self.prepared(side).size_bytes
    }
}

impl Form {
    /// Vectors that a register of a factor becomes.
    pub fn planes(self, factor: Factor) -> u32 {
        let bytes_of = if factor.bits() == 4 { 2 } else { 1 };
        match self {
            Form::Single if factor == Factor::B1 => 1,
            Form::Single => factor.in_register(),
            Form::Pairs => 2 * bytes_of,
            Form::Bytes { .. } => bytes_of,
        }
    }
}

/// How bytes are multiplied by an instruction that wants those of one factor without a sign and those of the other with one, and which factor
/// has to be flipped for it. Four bits fit both ways.
fn bytes_form(product: &MatrixProduct) -> (Form, Option<Side>) {
    match (product.a.is_signed(), product.b.is_signed()) {
        (true, false) => (Form::Bytes { swapped: true }, None),
        (true, true) => (Form::Bytes { swapped: false }, Some(Side::A)),
        (false, false) if product.b == Factor::U8 => (Form::Bytes { swapped: false }, Some(Side::B)),
        _ => (Form::Bytes { swapped: false }, None),
    }
}

/// Lanes of a warp come in whole vectors.
const _: () = assert!(LANES % 16 == 0);
