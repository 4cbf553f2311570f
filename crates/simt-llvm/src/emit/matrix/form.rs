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
    vectors: Vec<Vec<Source>>,
    /// How each is made when it is loaded: of which one that is kept, and by which permutation of its lanes.
    made: Vec<(usize, Option<Vec<u32>>)>,
    /// The vectors that are kept.
    pub kept: Vec<Vec<Source>>,
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

    /// Decides what is kept: every vector, or where `turn_late`, only those that others are made of by a permutation within 128 bits.
    fn keep(&mut self, lane_bytes: u32, turn_late: bool) {
        let group = (REPEATED_BITS / 8 / lane_bytes) as usize;
        let whole: Vec<Option<Vec<Source>>> =
            self.vectors.iter().map(|sources| turned_from(sources, group).filter(|_| turn_late)).collect();
        let mut distinct: Vec<&Vec<Source>> = whole.iter().flatten().collect();
        let turned = distinct.len();
        distinct.sort_unstable();
        distinct.dedup();
        let pays = distinct.len() * 2 <= turned;
        for (sources, whole) in self.vectors.iter().zip(&whole) {
            let width = sources.len() as u32;
            let (kept, order) = match whole {
                Some(whole) if pays => (whole, Some(sources.iter().map(|(_, lane)| lane % width).collect())),
                _ => (sources, None),
            };
            let number = self.kept.iter().position(|known| known == kept).unwrap_or_else(|| {
                self.kept.push(kept.clone());
                self.kept.len() - 1
            });
            self.made.push((number, order));
        }
    }

    /// Where what a vector is made of is, and by which permutation; behind the vectors come the corrections.
    pub fn made_of(&self, index: usize) -> (Kept, Option<&[u32]>) {
        match self.made.get(index) {
            Some((kept, order)) => (self.places[*kept], order.as_deref()),
            None => (self.places[self.kept.len() + index - self.made.len()], None),
        }
    }

    /// The vectors that are kept, as they are stored: one, or as many that lie one behind the other as make a whole vector, and what is stored.
    pub fn stores(&self) -> Vec<(Kept, Vec<Source>)> {
        let mut order: Vec<usize> = (0..self.kept.len()).collect();
        order.sort_by_key(|index| self.places[*index].offset_bytes);
        let mut stores = Vec::new();
        let mut rest = &order[..];
        while let Some(&first) = rest.first() {
            let place = self.places[first];
            let whole = self.kept[first].len() as u32;
            let count = (whole / place.lanes) as usize;
            let alike = |index: &usize| self.places[*index].lanes == place.lanes;
            let together = if rest.len() >= count && rest[..count].iter().all(alike) { count } else { 1 };
            let sources = |index: &usize| self.kept[*index][..place.lanes as usize].to_vec();
            let stored = match together {
                1 => self.kept[first].clone(),
                _ => rest[..together].iter().flat_map(sources).collect(),
            };
            let lanes = place.lanes * together as u32;
            stores.push((Kept { lanes, ..place }, stored));
            rest = &rest[together..];
        }
        stores
    }

    /// Gives everything a place, large vectors first, and those that are made of one register side by side.
    fn place(&mut self, lane_bytes: u32) {
        let period = |sources: &Vec<Source>| {
            let lanes = (REPEATED_BITS / 8 / lane_bytes) as usize;
            let repeats = sources.iter().zip(sources.iter().cycle().skip(lanes)).all(|(a, b)| a == b);
            if repeats { lanes as u32 } else { sources.len() as u32 }
        };
        let mut lanes: Vec<u32> = self.kept.iter().map(period).collect();
        lanes.extend(self.corrections.iter().map(|list| lanes[list[0]]).collect::<Vec<u32>>());
        self.places = lanes.iter().map(|lanes| Kept { offset_bytes: 0, lanes: *lanes, lane_bytes }).collect();
        let mut order: Vec<usize> = (0..lanes.len()).collect();
        let register = |index: usize| self.kept.get(index).map_or(u32::MAX, |sources| sources[0].0);
        order.sort_by_key(|index| (std::cmp::Reverse(lanes[*index]), register(*index)));
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
        // Corrections are made of all vectors.
        let turn_late = (target.zen4 || target.zen5) && form == Form::Single;
        for factor in [&mut plan.a, &mut plan.b] {
            factor.keep(lane_bytes, turn_late);
            factor.place(lane_bytes);
        }
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

/// The piece of one vector, in order, that a permutation makes of which is the same in all its groups of so many lanes.
fn turned_from(sources: &[Source], group: usize) -> Option<Vec<Source>> {
    let (plane, lane) = sources[0];
    let width = sources.len() as u32;
    let start = lane / width * width;
    let within = |(index, (other, lane)): (usize, &Source)| {
        let first = start + (index / group * group) as u32;
        *other == plane
            && lane.checked_sub(first) == sources[index % group].1.checked_sub(start)
            && (first..first + group as u32).contains(lane)
    };
    sources.iter().enumerate().all(within).then(|| (start..start + width).map(|lane| (plane, lane)).collect())
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
