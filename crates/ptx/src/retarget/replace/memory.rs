//! Loads and stores of 256 bits (from sm_100 on), and priorities in the second-level cache that come with them.

use super::{ANY, Rule, Site};
use crate::ast::{Address, Operand};
use crate::retarget::requirement::is_wide_access;

pub(super) const RULES: &[Rule] = &[Rule {
    what: "`ld`, `st` of 256 bits (`.v8` of 32, `.v4` of 64 bits)",
    by: "two accesses of 128 bits; priorities of the second-level cache, which only these have, are left out",
    needs: ANY,
    make: halves,
}];

/// Priorities that only accesses of 256 bits may have; they change no result.
const PRIORITIES: &[&str] = &["L2::evict_last", "L2::evict_first", "L2::evict_normal"];
/// Advice to the cache that cards before sm_80 do not take; it changes no result.
const ADVICE: &[&str] = &["L2::cache_hint", "L2::256B"];

fn halves(site: &Site<'_>) -> Option<String> {
    if !is_wide_access(site.checked) {
        return None;
    }
    let vector = site.checked.slot("V")?;
    let count: usize = vector[1..].parse().ok()?;
    let is_load = site.opcode() == "ld";
    let (Operand::Vector(elements), Operand::Address(address)) =
        (site.operand(if is_load { "d" } else { "b" })?, site.operand("a")?)
    else {
        return None;
    };
    let bytes = i64::from(site.checked.ty("T").bytes()) * count as i64 / 2;
    let takes_advice = site.card.sm >= 80;
    let narrower = format!(".v{}", count / 2);
    let name: String = site
        .checked
        .resolved
        .source
        .modifiers()
        .filter(|modifier| !PRIORITIES.contains(modifier) && (takes_advice || !ADVICE.contains(modifier)))
        .map(|modifier| if modifier == vector { narrower.clone() } else { format!(".{modifier}") })
        .collect();
    let policy =
        site.operand("policy").filter(|_| takes_advice).map(|policy| format!(", {policy}")).unwrap_or_default();
    let access = |half: usize| {
        let part = &elements[half * count / 2..(half + 1) * count / 2];
        // A half that nobody wants is not loaded.
        if part.iter().all(|element| *element == Operand::Sink) {
            return String::new();
        }
        let list = Operand::Vector(part.to_vec());
        let place = Address { offset: address.offset + half as i64 * bytes, ..(**address).clone() };
        let operands = if is_load { format!("{list}, {place}") } else { format!("{place}, {list}") };
        format!("{}{}{name} {operands}{policy};\n", site.guard(), site.opcode())
    };
    // A load may overwrite the register with its own address, or its guard's: that half comes last.
    let overwrites =
        |half: usize| is_load && elements[half * count / 2..(half + 1) * count / 2].contains(&address.base);
    let order = if overwrites(0) { [1, 0] } else { [0, 1] };
    Some(order.map(access).concat())
}
