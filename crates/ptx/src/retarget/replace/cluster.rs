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
        what: "scope `.cluster` of `ld`, `st`, `atom`, `red`, `fence`",
        by: "`.cta`, which is the cluster",
        needs: ANY,
        make: scope,
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

fn scope(site: &Site<'_>) -> Option<String> {
    if !site.has("cluster") || !matches!(site.opcode(), "ld" | "st" | "atom" | "red" | "fence") {
        return None;
    }
    let source = site.checked.resolved.source;
    let name = source.name.replace(".cluster", ".cta");
    // Nothing else of it may need a younger card.
    if name.contains("cluster") || site.lacking.len() != 1 {
        return None;
    }
    let operands: Vec<String> = source.operands.iter().map(Operand::to_string).collect();
    Some(format!("{}{name} {};", site.guard(), operands.join(", ")).replace(" ;", ";"))
}
