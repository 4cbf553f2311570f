//! Products of small matrices that the lanes of a warp hold together (PTX ISA 9.7.14), and which lane holds what.

use std::fmt;

use crate::Type;

/// The type of the elements of a factor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Factor {
    F16,
    BF16,
    /// The 19 high bits of an `f32`.
    TF32,
    F64,
    E4M3,
    E5M2,
    /// One in the low bits of each byte.
    E3M2,
    /// One in the low bits of each byte.
    E2M3,
    /// One in bits 2 to 5 of each byte.
    E2M1,
    S8,
    U8,
    S4,
    U4,
    B1,
}

impl Factor {
    /// Bits between the beginnings of two elements.
    pub const fn bits(self) -> u32 {
        match self {
            Factor::F64 => 64,
            Factor::TF32 => 32,
            Factor::F16 | Factor::BF16 => 16,
            Factor::E4M3 | Factor::E5M2 | Factor::E3M2 | Factor::E2M3 | Factor::E2M1 | Factor::S8 | Factor::U8 => 8,
            Factor::S4 | Factor::U4 => 4,
            Factor::B1 => 1,
        }
    }

    /// The type of the values that hold elements.
    pub const fn register(self) -> Type {
        match self {
            Factor::F64 => Type::F64,
            _ => Type::I32,
        }
    }

    /// Elements of a register.
    pub const fn in_register(self) -> u32 {
        self.register().bits() / self.bits()
    }

    /// Whether the elements are floating-point numbers.
    pub const fn is_float(self) -> bool {
        !matches!(self, Factor::S8 | Factor::U8 | Factor::S4 | Factor::U4 | Factor::B1)
    }

    /// Whether the elements are signed integers.
    pub const fn is_signed(self) -> bool {
        matches!(self, Factor::S8 | Factor::S4)
    }
}

/// The type of sums.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names are PTX's")]
pub enum Sum {
    /// Two in a register; added up in single precision, and rounded at the end.
    F16,
    F32,
    F64,
    I32,
}

impl Sum {
    /// The type of the values that hold sums.
    pub const fn register(self) -> Type {
        match self {
            Sum::F16 | Sum::I32 => Type::I32,
            Sum::F32 => Type::F32,
            Sum::F64 => Type::F64,
        }
    }

    /// Sums in a register.
    pub const fn in_register(self) -> u32 {
        if matches!(self, Sum::F16) { 2 } else { 1 }
    }
}

/// How two elements are combined before they are added up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Combine {
    /// Their product.
    Multiply,
    /// Bits of 32 elements that both have.
    AndPopCount,
    /// Bits of 32 elements that differ.
    XorPopCount,
}

/// Which lane holds which element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arrangement {
    /// That of all `mma` but one: eight groups of four lanes. A group has a row (two where there are 16 rows) of the first factor
    /// and of the sums, and a column of the second factor.
    Groups,
    /// `mma.m8n8k4` of f16: four products at once, each of the lanes `4q..4q+4` and `4q+16..4q+20`.
    QuadPairs {
        /// Whether the first factor is stored by rows.
        a_by_rows: bool,
        /// Whether the second factor is stored by rows.
        b_by_rows: bool,
    },
}

/// `D = A * B + C`: what kind of product, and its size. A has `m` rows and `k` columns, B has `n` columns.
///
/// Float products are exact, and are added to C one after the other in the order of `k`, each sum rounded to single
/// precision (f64: double). PTX leaves the order open, and asks for no more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MatrixProduct {
    /// Rows of A, C and D: 8 or 16.
    pub m: u32,
    /// Columns of B, C and D: 8.
    pub n: u32,
    /// Columns of A, rows of B.
    pub k: u32,
    /// Elements of A.
    pub a: Factor,
    /// Elements of B.
    pub b: Factor,
    /// Elements of C.
    pub c: Sum,
    /// Elements of D.
    pub d: Sum,
    /// How elements are combined.
    pub combine: Combine,
    /// Whether integer sums are clamped to their range instead of wrapping around.
    pub saturate: bool,
    /// Who holds what.
    pub arrangement: Arrangement,
}

/// Where an element is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which of the operand's registers.
    pub register: u32,
    /// Which element in the register, the lowest first.
    pub part: u32,
    /// Which lane.
    pub lane: u32,
}

/// An element of D or C: of which of the products, in which row and column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
    /// Which of the products that are computed at once.
    pub product: u32,
    /// Row.
    pub row: u32,
    /// Column.
    pub column: u32,
}

impl MatrixProduct {
    /// Products that are computed at once.
    pub const fn products(&self) -> u32 {
        match self.arrangement {
            Arrangement::Groups => 1,
            Arrangement::QuadPairs { .. } => 4,
        }
    }

    /// Registers that hold A.
    pub const fn a_registers(&self) -> usize {
        (self.products() * self.m * self.k / self.a.in_register() / crate::WARP_SIZE) as usize
    }

    /// Registers that hold B.
    pub const fn b_registers(&self) -> usize {
        (self.products() * self.n * self.k / self.b.in_register() / crate::WARP_SIZE) as usize
    }

    /// Registers that hold sums of a type.
    pub const fn sum_registers(&self, sum: Sum) -> usize {
        (self.products() * self.m * self.n / sum.in_register() / crate::WARP_SIZE) as usize
    }

    /// Where an element of A is.
    pub fn a_place(&self, product: u32, row: u32, k: u32) -> Place {
        match self.arrangement {
            Arrangement::Groups => {
                let place = in_groups(self.a, row % 8, k);
                Place { register: place.register * (self.m / 8) + row / 8, ..place }
            }
            Arrangement::QuadPairs { a_by_rows, .. } => in_quad_pairs(product, row, k, a_by_rows),
        }
    }

    /// Where an element of B is.
    pub fn b_place(&self, product: u32, k: u32, column: u32) -> Place {
        match self.arrangement {
            Arrangement::Groups => in_groups(self.b, column, k),
            Arrangement::QuadPairs { b_by_rows, .. } => in_quad_pairs(product, column, k, !b_by_rows),
        }
    }

    /// Which sum a lane holds in a part of a register, where the sums have a type.
    pub fn sum_at(&self, sum: Sum, place: Place) -> Element {
        let Place { register, part, lane } = place;
        match (self.arrangement, sum) {
            (Arrangement::Groups, Sum::F16) => {
                Element { product: 0, row: lane / 4 + 8 * register, column: lane % 4 * 2 + part }
            }
            (Arrangement::Groups, _) => {
                Element { product: 0, row: lane / 4 + 8 * (register / 2), column: lane % 4 * 2 + register % 2 }
            }
            (Arrangement::QuadPairs { .. }, Sum::F16) => {
                Element { product: lane % 16 / 4, row: lane % 4 + 4 * (lane / 16), column: register * 2 + part }
            }
            (Arrangement::QuadPairs { .. }, _) => Element {
                product: lane % 16 / 4,
                row: (lane & 1) + (register & 2) + 4 * (lane / 16),
                column: (register & 4) + (lane & 2) + (register & 1),
            },
        }
    }
}

impl fmt::Display for MatrixProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { m, n, k, a, b, c, d, .. } = self;
        write!(f, "matrix_product m{m}n{n}k{k} {d:?} {a:?} {b:?} {c:?}")?;
        match self.combine {
            Combine::Multiply => {}
            Combine::AndPopCount => f.write_str(" and_popc")?,
            Combine::XorPopCount => f.write_str(" xor_popc")?,
        }
        if self.saturate {
            f.write_str(" saturate")?;
        }
        match self.arrangement {
            Arrangement::Groups => Ok(()),
            Arrangement::QuadPairs { a_by_rows, b_by_rows } => {
                let order = |by_rows: bool| if by_rows { "row" } else { "col" };
                write!(f, " quad_pairs {} {}", order(a_by_rows), order(b_by_rows))
            }
        }
    }
}

/// Where element `k` of a row of A, or of a column of B, is: of eight, each held by four lanes.
fn in_groups(factor: Factor, row: u32, k: u32) -> Place {
    let (in_register, in_group) = (factor.in_register(), 4 * factor.in_register());
    Place { register: k / in_group, part: k % in_register, lane: row * 4 + k % in_group / in_register }
}

/// Where element `k` of a row of A, or of a column of B, is for [`Arrangement::QuadPairs`]. `by_row`: a lane has a whole one.
fn in_quad_pairs(product: u32, row: u32, k: u32, by_row: bool) -> Place {
    let (lane, index) = if by_row { (row % 4, k) } else { (k, row % 4) };
    Place { register: index / 2, part: index % 2, lane: product * 4 + 16 * (row / 4) + lane }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: MatrixProduct = MatrixProduct {
        m: 16,
        n: 8,
        k: 16,
        a: Factor::F16,
        b: Factor::F16,
        c: Sum::F32,
        d: Sum::F32,
        combine: Combine::Multiply,
        saturate: false,
        arrangement: Arrangement::Groups,
    };

    /// Every place holds exactly one element.
    fn check(product: &MatrixProduct) {
        let products = 0..product.products();
        let (mut a, mut b, mut d) = (Vec::new(), Vec::new(), Vec::new());
        for which in products {
            for k in 0..product.k {
                a.extend((0..product.m).map(|row| product.a_place(which, row, k)));
                b.extend((0..product.n).map(|column| product.b_place(which, k, column)));
            }
        }
        for register in 0..product.sum_registers(product.d) as u32 {
            for part in 0..product.d.in_register() {
                d.extend((0..32).map(|lane| product.sum_at(product.d, Place { register, part, lane })));
            }
        }
        let distinct = |places: &[Place], registers: usize, parts: u32| {
            let mut numbers: Vec<u32> =
                places.iter().map(|place| (place.register * parts + place.part) * 32 + place.lane).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..registers as u32 * parts * 32).collect::<Vec<_>>(), "{product:?}");
        };
        distinct(&a, product.a_registers(), product.a.in_register());
        distinct(&b, product.b_registers(), product.b.in_register());
        let mut sums: Vec<u32> =
            d.iter().map(|sum| (sum.product * product.m + sum.row) * product.n + sum.column).collect();
        sums.sort_unstable();
        assert_eq!(sums, (0..product.products() * product.m * product.n).collect::<Vec<_>>(), "{product:?}");
    }

    #[test]
    fn every_place_holds_one_element() {
        check(&SHAPE);
        check(&MatrixProduct { d: Sum::F16, k: 8, ..SHAPE });
        check(&MatrixProduct { k: 256, a: Factor::B1, b: Factor::B1, d: Sum::I32, ..SHAPE });
        check(&MatrixProduct { m: 8, k: 32, a: Factor::S4, b: Factor::U4, d: Sum::I32, ..SHAPE });
        check(&MatrixProduct { k: 16, a: Factor::F64, b: Factor::F64, d: Sum::F64, ..SHAPE });
        for (a_by_rows, b_by_rows, d) in
            [(true, true, Sum::F16), (false, true, Sum::F32), (true, false, Sum::F32), (false, false, Sum::F16)]
        {
            let arrangement = Arrangement::QuadPairs { a_by_rows, b_by_rows };
            check(&MatrixProduct { m: 8, k: 4, d, arrangement, ..SHAPE });
        }
    }
}
