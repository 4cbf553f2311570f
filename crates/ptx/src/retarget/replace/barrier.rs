//! Barriers in shared memory (`mbarrier`), on cards of before sm_90.

use super::{Rule, Site};
use crate::ast::{Operand, Version};
use crate::retarget::requirement::{COUNT, is_counted_arrival};

/// The first card with such barriers.
const FIRST: (u32, Version) = (80, Version { major: 7, minor: 1 });

pub(super) const RULES: &[Rule] = &[
    Rule {
        what: "`mbarrier.try_wait`",
        by: "`mbarrier.test_wait`, which does not wait for long either",
        needs: FIRST,
        make: wait,
    },
    Rule {
        what: "`mbarrier.arrive`, `mbarrier.arrive_drop` with a count, in texts without `mbarrier.pending_count`",
        by: "an arrival of all but one, which completes nothing, and of that one",
        needs: FIRST,
        make: arrive,
    },
];

/// The name with what older cards call otherwise: a block is its own cluster, and their order is the strongest anyway.
fn older_name(site: &Site<'_>, action: &str) -> String {
    let kept = ["parity", "shared", "shared::cta", "shared::cluster", "b64"];
    let modifiers = site.checked.resolved.source.modifiers().filter(|modifier| kept.contains(modifier));
    let own = |modifier| if modifier == "shared::cluster" { "shared" } else { modifier };
    format!("mbarrier.{action}{}", modifiers.map(|modifier| format!(".{}", own(modifier))).collect::<String>())
}

fn wait(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "mbarrier" || !site.has("try_wait") || !site.lacks_only(&[".try_wait", ".cluster"]) {
        return None;
    }
    let name = older_name(site, "test_wait");
    // The hint, how long to wait, is left out.
    let state = if site.has("parity") { "phase" } else { "state" };
    Some(format!("{}{name} {}, {}, {};", site.guard(), site.text("p"), site.text("a"), site.text(state)))
}

fn arrive(site: &Site<'_>) -> Option<String> {
    // The state of an arrival says how many were pending, if somebody asks: that would be another number.
    let is_asked = site.text_of_module.contains("mbarrier.pending_count");
    if !is_counted_arrival(site.checked) || !site.lacks_only(&[COUNT, ".cluster", ".shared::cluster"]) || is_asked {
        return None;
    }
    let action = if site.has("arrive_drop") { "arrive_drop" } else { "arrive" };
    let (most, last) = (older_name(site, &format!("{action}.noComplete")), older_name(site, action));
    let (guard, place) = (site.guard(), site.text("a"));
    let mut text =
        String::from(".reg .b64 %apexu_s<2>; .reg .b32 %apexu_n; .reg .pred %apexu_p; .reg .pred %apexu_g;\n");
    text += &format!("sub.u32 %apexu_n, {}, 1; setp.ne.u32 %apexu_p, %apexu_n, 0;\n", site.text("count"));
    if !guard.is_empty() {
        text += "setp.ne.u32 %apexu_g, %apexu_n, %apexu_n;\n";
        text += &format!("{guard}setp.eq.u32 %apexu_g, %apexu_n, %apexu_n; and.pred %apexu_p, %apexu_p, %apexu_g;\n");
    }
    text += &format!("@%apexu_p {most} %apexu_s0, {place}, %apexu_n;\n{guard}{last} %apexu_s1, {place};\n");
    if site.operand("s") != Some(&Operand::Sink) {
        text += &format!("{guard}selp.b64 {}, %apexu_s0, %apexu_s1, %apexu_p;\n", site.text("s"));
    }
    Some(text)
}
