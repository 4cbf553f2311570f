//! Values in progression, and what arithmetic makes of them.

use super::Shape;

/// Most segments that a value may have.
pub const SEGMENTS_MAX: u32 = 16;

/// Lanes of the smallest segment that is worth while.
const SEGMENT_LANES_MIN: u32 = 4;

/// Length of a segment that is all lanes.
pub(super) const WHOLE: u8 = u8::MAX;

impl Shape {
    pub(super) fn progression(self) -> Option<Progression> {
        let whole = |stride, speculative| Progression { stride, length: WHOLE, speculative, outer: None };
        match self {
            Shape::Uniform => Some(whole(0, false)),
            Shape::Affine { stride, speculative } => Some(whole(stride, speculative)),
            Shape::Segmented { stride, length, speculative, outer } => {
                Some(Progression { stride, length, speculative, outer })
            }
            Shape::Varying => None,
        }
    }

    /// The shape, which from now on is only hoped for if not `proven`.
    pub(super) fn if_proven(self, proven: bool) -> Shape {
        match self.progression() {
            Some(p) if proven => p.shape(),
            Some(p) => Progression { speculative: true, outer: None, ..p }.shape(),
            None => Shape::Varying,
        }
    }
}

/// What [`Shape::Uniform`], [`Shape::Affine`] and [`Shape::Segmented`] have in common.
#[derive(Clone, Copy)]
pub(super) struct Progression {
    pub(super) stride: i64,
    pub(super) length: u8,
    pub(super) speculative: bool,
    /// Of segments shorter than all lanes.
    pub(super) outer: Option<i64>,
}

impl Progression {
    pub(super) fn shape(self) -> Shape {
        let Progression { stride, mut length, speculative, outer } = self;
        // Segments that go on where the one before ends are none.
        if !speculative && outer.is_some() && outer == stride.checked_mul(length.into()) {
            length = WHOLE;
        }
        match (stride, length) {
            (0, WHOLE) if !speculative => Shape::Uniform,
            (0, _) if speculative => Shape::Varying,
            (stride, WHOLE) => Shape::Affine { stride, speculative },
            (stride, length) => Shape::Segmented { stride, length, speculative, outer },
        }
    }

    pub(super) fn is_uniform(self) -> bool {
        self.stride == 0 && self.length == WHOLE
    }

    /// Distance between neighbouring segments of a length, if it is known.
    fn outer_at(self, length: u8) -> Option<i64> {
        match self.length {
            _ if length == WHOLE => None,
            WHOLE if self.speculative => None,
            WHOLE => self.stride.checked_mul(length.into()),
            own if own == length => self.outer,
            _ => None,
        }
    }

    /// Of a result for two operands: `combine` makes one stride of two. `None` where one is only hoped for, and they have segments of
    /// different lengths.
    pub(super) fn zip(self, other: Self, combine: impl Fn(i64, i64) -> i64) -> Option<Self> {
        let speculative = self.speculative || other.speculative;
        let length = self.length.min(other.length);
        if speculative && self.length != other.length && !self.is_uniform() && !other.is_uniform() {
            return None;
        }
        let outer = self.outer_at(length).zip(other.outer_at(length)).map(|(a, b)| combine(a, b));
        Some(Self { stride: combine(self.stride, other.stride), length, speculative, outer })
    }
}

pub(super) fn shape_of(progression: Option<Progression>) -> Shape {
    progression.map_or(Shape::Varying, Progression::shape)
}

/// An operation on values that are constant within segments is constant within segments.
pub(super) fn segment_uniform(a: Progression, b: Shape) -> Shape {
    let flat = |p: Progression| p.stride == 0 && !p.speculative;
    match b.progression() {
        Some(b) if flat(a) && flat(b) => {
            Progression { stride: 0, length: a.length.min(b.length), speculative: false, outer: None }.shape()
        }
        _ => Shape::Varying,
    }
}

pub(super) fn scaled(p: Progression, factor: i64) -> Shape {
    match p.stride.checked_mul(factor) {
        Some(0) if p.speculative => Shape::Varying,
        Some(stride) => Progression { stride, outer: p.outer.and_then(|outer| outer.checked_mul(factor)), ..p }.shape(),
        None => Shape::Varying,
    }
}

/// Whether what the lanes add to lane 0 stays below bit `bits`, and lane 0 has zeros wherever that reaches.
pub(super) fn lanes_fit(lanes: u32, p: Progression, align: u8, bits: u64) -> bool {
    let steps = |stride: i64, count: u32| stride.saturating_mul(i64::from(count) - 1);
    let last = match (p.length, p.outer) {
        (WHOLE, _) => steps(p.stride, lanes),
        (length, Some(outer)) if outer >= 0 => {
            steps(p.stride, length.into()).saturating_add(steps(outer, lanes / u32::from(length)))
        }
        _ => return false,
    };
    !p.speculative && bits < 63 && p.stride >= 0 && last < 1i64 << bits.min(align.into()).min(62)
}

/// Lanes of a segment, where the values of all lanes are in progression, or are so by segments with one value each, and their low `bits` begin anew
/// after so many.
pub(super) fn parts(lanes: u32, p: Progression, align: u8, bits: u64) -> Option<u8> {
    let (stride, alike) = match (p.length, p.stride) {
        (WHOLE, stride) => (stride, 1),
        (length, 0) => (p.outer?, u32::from(length)),
        _ => return None,
    };
    let turns_over = !p.speculative && u64::from(align) >= bits && bits < 16;
    let stride = u32::try_from(stride).ok().filter(|stride| turns_over && stride.is_power_of_two())?;
    let length = (1u32 << bits) / stride * alike;
    let useful = length >= SEGMENT_LANES_MIN && length < lanes && lanes / length <= SEGMENTS_MAX;
    useful.then_some(length as u8)
}

/// The weaker of two shapes; speculation in either makes the result speculative.
pub(super) fn meet(a: Shape, b: Shape) -> Shape {
    match (a.progression(), b.progression()) {
        (Some(p), Some(q)) if p.stride == q.stride => {
            let alike = p.zip(q, |p, _| p);
            shape_of(alike.map(|both| Progression {
                outer: both.outer.filter(|_| p.outer_at(both.length) == q.outer_at(both.length)),
                ..both
            }))
        }
        _ => Shape::Varying,
    }
}
