//! Clusters, on cards that have none (before sm_90): a kernel that asks for no cluster runs as clusters of one block each.

use super::{ANY, Rule, Site};
use crate::ast::Operand;

pub(super) const RULES: &[Rule] = &[
    Rule {
        what: "`mov` of `%clusterid`, `%nclusterid`, `%cluster_ctaid`, `%cluster_nctaid`, `%cluster_ctarank`, `%cluster_nctarank`",
        by: "what they are for clusters of one block: `%ctaid`, `%nctaid`, 0, 1, 0, 1",
        needs: ANY,
        make: registers,
    },
    Rule {
        what: "`mov` of `%is_explicit_cluster`, `getctarank`, `mapa`",
        by: "false, 0, and the address itself",
        needs: ANY,
        make: own_block,
    },
    Rule {
        what: "scope `.cluster` and space `.shared::cluster` of `ld`, `st`, `atom`, `red`, `fence`, `isspacep`, `cvta`",
        by: "`.cta`, which is the cluster, and `.shared`",
        needs: ANY,
        make: scope,
    },
    Rule {
        what: "`fence.mbarrier_init.release.cluster`",
        by: "`fence.acq_rel.cta`, which orders more",
        needs: ANY,
        make: fence,
    },
    Rule {
        what: "`griddepcontrol`",
        by: "nothing: no grid is launched before another has ended",
        needs: ANY,
        make: dependency,
    },
];

fn registers(site: &Site<'_>) -> Option<String> {
    if site.opcode() != "mov" || site.lacking.len() != 1 {
        return None;
    }
    let value = match site.checked.resolved.source.operands.get(1)? {
        Operand::Component(name, part) => match (name.as_str(), part.as_str()) {
            ("%clusterid", part) => format!("%ctaid.{part}"),
            ("%nclusterid", part) => format!("%nctaid.{part}"),
            ("%cluster_ctaid", _) => "0".to_owned(),
            // The fourth element reads 0, of any such register.
            ("%cluster_nctaid", part) => if part == "w" { "0" } else { "1" }.to_owned(),
            _ => return None,
        },
        Operand::Name(name) => match name.as_str() {
            "%cluster_ctarank" => "0".to_owned(),
            "%cluster_nctarank" => "1".to_owned(),
            _ => return None,
        },
        _ => return None,
    };
    let source = &site.checked.resolved.source;
    Some(format!("{}{} {}, {value};", site.guard(), source.name, source.operands.first()?))
}

/// What is asked of the only block of a cluster.
fn own_block(site: &Site<'_>) -> Option<String> {
    let (guard, operands) = (site.guard(), &site.checked.resolved.source.operands);
    match (site.opcode(), operands.as_slice()) {
        ("mov", [to, Operand::Name(name)]) if name.as_str() == "%is_explicit_cluster" => {
            Some(format!("{guard}setp.ne.u32 {to}, 0, 0;"))
        }
        ("getctarank", [to, _]) => Some(format!("{guard}mov.u32 {to}, 0;")),
        ("mapa", [to, address, _]) => Some(format!("{guard}mov.{} {to}, {address};", site.checked.slot("T")?)),
        _ => None,
    }
}

fn fence(site: &Site<'_>) -> Option<String> {
    let is_it = site.checked.resolved.source.name.as_str() == "fence.mbarrier_init.release.cluster";
    is_it.then(|| format!("{}fence.acq_rel.cta;", site.guard()))
}

fn dependency(site: &Site<'_>) -> Option<String> {
    (site.opcode() == "griddepcontrol").then(String::new)
}

fn scope(site: &Site<'_>) -> Option<String> {
    const OPERATIONS: &[&str] = &["ld", "st", "atom", "red", "fence", "isspacep", "cvta"];
    if !OPERATIONS.contains(&site.opcode()) || !site.lacks_only(&[".cluster", ".shared::cluster"]) {
        return None;
    }
    let source = site.checked.resolved.source;
    let own = |modifier| match modifier {
        "cluster" => "cta",
        "shared::cluster" => "shared",
        other => other,
    };
    let modifiers: String = source.modifiers().map(|modifier| format!(".{}", own(modifier))).collect();
    // Nothing else of it may need a younger card.
    if modifiers.contains("cluster") {
        return None;
    }
    let operands: Vec<String> = source.operands.iter().map(Operand::to_string).collect();
    Some(format!("{}{}{modifiers} {};", site.guard(), site.opcode(), operands.join(", ")).replace(" ;", ";"))
}
