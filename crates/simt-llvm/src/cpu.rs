//! Which instructions machine code may use.

use std::fmt;
use std::str::FromStr;

use crate::emit::Target;
use crate::llvm::Machine;

/// The instructions that machine code may use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CpuLevel {
    /// All that this machine has.
    #[default]
    Host,
    /// x86-64-v2: SSE 4.2.
    V2,
    /// x86-64-v3: AVX2 and FMA.
    V3,
    /// x86-64-v4: AVX-512.
    V4,
}

impl CpuLevel {
    const NAMES: [(&'static str, CpuLevel); 4] = [
        ("host", CpuLevel::Host),
        ("x86-64-v2", CpuLevel::V2),
        ("x86-64-v3", CpuLevel::V3),
        ("x86-64-v4", CpuLevel::V4),
    ];

    /// A feature that machines below the level lack.
    fn marker(self) -> Option<&'static str> {
        match self {
            CpuLevel::Host => None,
            CpuLevel::V2 => Some("+sse4.2"),
            CpuLevel::V3 => Some("+avx2"),
            CpuLevel::V4 => Some("+avx512vl"),
        }
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMES.iter().find(|(_, level)| level == self);
        f.write_str(known.map_or("host", |(name, _)| name))
    }
}

impl FromStr for CpuLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::NAMES.iter().find(|(name, _)| *name == text);
        let names = Self::NAMES.map(|(name, _)| name).join(", ");
        known.map(|(_, level)| *level).ok_or_else(|| format!("{text} is no level of instructions; there are: {names}"))
    }
}

/// What LLVM is told of the processor.
pub(crate) struct Cpu {
    /// LLVM's name.
    pub name: String,
    /// LLVM's features, `+a,-b`.
    pub features: String,
    /// What code generation asks for.
    pub target: Target,
}

/// What LLVM is told that the processor lacks. LLVM 19 may exchange the operands of a masked comparison of half precision and
/// leave the condition as it is (LLVM's issue 159723); halves are computed with in single precision anyway.
const NOT_USED: &str = "avx512fp16";

impl Cpu {
    /// The processor of a level; the machine's own if it does not reach the level.
    pub fn of(level: CpuLevel) -> Self {
        let (name, features) = Machine::host();
        let features = features.replace(&format!("+{NOT_USED}"), &format!("-{NOT_USED}"));
        let has = |feature: &str| features.split(',').any(|known| known == feature);
        let avx512 = ["+avx512f", "+avx512vl", "+avx512bw", "+avx512dq"].iter().all(|feature| has(feature));
        let avx2 = has("+avx2") && has("+fma");
        match level.marker() {
            Some(marker) if has(marker) => {
                let avx512 = level == CpuLevel::V4 && avx512;
                let avx2 = avx512 || (level == CpuLevel::V3 && avx2);
                let target = Target { avx512, avx2, ..Target::default() };
                Self { name: level.to_string(), features: String::new(), target }
            }
            _ => {
                let vnni = avx512 && has("+avx512vnni");
                let vbmi = avx512 && has("+avx512vbmi");
                let gfni = avx512 && has("+gfni");
                let vaes = avx512 && has("+vaes");
                let zen4 = avx512 && name == "znver4";
                let zen5 = avx512 && name == "znver5";
                let target = Target { avx512, avx2, vnni, vbmi, gfni, vaes, zen4, zen5 };
                Self { name, features, target }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_llvm_gets_wrong_is_not_used() {
        let cpu = Cpu::of(CpuLevel::Host);
        assert!(!cpu.features.contains(&format!("+{NOT_USED}")), "{}", cpu.features);
    }

    #[test]
    fn levels_are_read_as_they_are_written() {
        for (name, level) in CpuLevel::NAMES {
            assert_eq!(name.parse(), Ok(level));
            assert_eq!(level.to_string(), name);
        }
        assert!("pentium".parse::<CpuLevel>().is_err());
    }
}
