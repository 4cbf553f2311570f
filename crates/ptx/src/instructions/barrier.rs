//! Barriers and fences (PTX ISA 9.7.13.1 to 9.7.13.4).

use simt_ir::{BarrierKind, MemoryOrder, Op, Scope};

use super::atomic::scope;
use super::{Declaration, Guarding};
use crate::check::Checked;
use crate::lowering::{Lowering, Problem};

pub(super) const INSTRUCTIONS: &[Declaration] = &[
    Declaration {
        forms: &[
            "bar.cta?.KIND{sync} a:u32, b:u32?",
            "bar.cta?.KIND{arrive} a:u32, b:u32",
            "bar.cta?.KIND{red}.OP{popc}.u32 =d:u32, a:u32, c:pred",
            "bar.cta?.KIND{red}.OP{popc}.u32 =d:u32, a:u32, b:u32, c:pred",
            "bar.cta?.KIND{red}.OP{and or}.pred =d:pred, a:u32, c:pred",
            "bar.cta?.KIND{red}.OP{and or}.pred =d:pred, a:u32, b:u32, c:pred",
            "barrier.cta?.KIND{sync}.aligned? a:u32, b:u32? @6.0 sm_30",
            "barrier.cta?.KIND{arrive}.aligned? a:u32, b:u32 @6.0 sm_30",
            "barrier.cta?.KIND{red}.OP{popc}.aligned?.u32 =d:u32, a:u32, c:pred @6.0 sm_30",
            "barrier.cta?.KIND{red}.OP{popc}.aligned?.u32 =d:u32, a:u32, b:u32, c:pred @6.0 sm_30",
            "barrier.cta?.KIND{red}.OP{and or}.aligned?.pred =d:pred, a:u32, c:pred @6.0 sm_30",
            "barrier.cta?.KIND{red}.OP{and or}.aligned?.pred =d:pred, a:u32, b:u32, c:pred @6.0 sm_30",
        ],
        guarding: Guarding::Region,
        lower: barrier,
    },
    Declaration { forms: &["bar.warp.sync a:b32 @6.0 sm_30"], guarding: Guarding::Region, lower: warp_barrier },
    Declaration {
        forms: &[
            "barrier.cluster.KIND{arrive}.ORDER{release relaxed}?.aligned? @7.8 sm_90",
            "barrier.cluster.KIND{wait}.ORDER{acquire}?.aligned? @7.8 sm_90",
        ],
        guarding: Guarding::Region,
        lower: cluster_barrier,
    },
    Declaration {
        forms: &[
            "membar.LEVEL{cta gl sys}",
            "fence.ORDER{sc acq_rel acquire release}?.SCOPE @6.0 sm_70",
            "fence.ORDER{acquire}.sync_restrict::shared::cluster.SCOPE{cluster} @8.6 sm_90",
            "fence.ORDER{release}.sync_restrict::shared::cta.SCOPE{cluster} @8.6 sm_90",
        ],
        guarding: Guarding::Region,
        lower: fence,
    },
    Declaration {
        forms: &[
            "membar.proxy.alias @7.5 sm_70",
            "fence.proxy.KIND{alias async}.SPACE{global shared::cta shared::cluster}? @7.5 sm_70",
            "fence.proxy.tensormap::generic.release.SCOPE @8.3 sm_90",
            "fence.proxy.tensormap::generic.acquire.SCOPE [a], #size:u32 @8.3 sm_90",
            "fence.proxy.async::generic.acquire.sync_restrict::shared::cluster.cluster @8.6 sm_90",
            "fence.proxy.async::generic.release.sync_restrict::shared::cta.cluster @8.6 sm_90",
            "fence.mbarrier_init.release.cluster @8.0 sm_90",
        ],
        guarding: Guarding::Region,
        lower: proxy_fence,
    },
    Declaration {
        forms: &["griddepcontrol.ACTION{launch_dependents wait} @7.8 sm_90"],
        guarding: Guarding::Region,
        lower: dependent_launch,
    },
];

fn barrier(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let kind = match (i.slot("KIND"), i.slot("OP")) {
        (Some("arrive"), _) => BarrierKind::Arrive,
        (_, Some("popc")) => BarrierKind::ReducePopCount,
        (_, Some("and")) => BarrierKind::ReduceAnd,
        (_, Some(_)) => BarrierKind::ReduceOr,
        _ => BarrierKind::Sync,
    };
    let id = cx.source(i, "a")?;
    let threads = if i.operand("b").is_some() { Some(cx.source(i, "b")?) } else { None };
    let predicate = if i.operand("c").is_some() { Some(cx.source(i, "c")?) } else { None };
    let results = cx.builder.push(Op::Barrier { kind, id, threads, predicate });
    results.first().map_or(Ok(()), |result| cx.write(i, "d", *result))
}

fn warp_barrier(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let mask = cx.source(i, "a")?;
    cx.builder.push(Op::WarpSync { mask });
    Ok(())
}

fn cluster_barrier(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let arrive = i.slot("KIND") == Some("arrive");
    cx.builder.push(Op::ClusterBarrier { arrive, wait: !arrive });
    Ok(())
}

/// `membar` is `fence.sc` (PTX ISA 9.7.13.4).
fn fence(cx: &mut Lowering<'_>, i: &Checked<'_>) -> Result<(), Problem> {
    let (order, scope) = match i.slot("LEVEL") {
        Some("cta") => (MemoryOrder::SequentiallyConsistent, Scope::Block),
        Some("gl") => (MemoryOrder::SequentiallyConsistent, Scope::Device),
        Some(_) => (MemoryOrder::SequentiallyConsistent, Scope::System),
        None => {
            let order = match i.slot("ORDER") {
                Some("sc") => MemoryOrder::SequentiallyConsistent,
                Some("acquire") => MemoryOrder::Acquire,
                Some("release") => MemoryOrder::Release,
                _ => MemoryOrder::AcquireRelease,
            };
            (order, scope(i.slot("SCOPE")))
        }
    };
    cx.builder.push(Op::Fence { order, scope });
    Ok(())
}

/// All proxies are one here: what remains is the order.
fn proxy_fence(cx: &mut Lowering<'_>, _: &Checked<'_>) -> Result<(), Problem> {
    cx.builder.push(Op::Fence { order: MemoryOrder::AcquireRelease, scope: Scope::Device });
    Ok(())
}

/// A grid starts when those it depends on are complete, so that there is nothing to wait for and nobody to release.
fn dependent_launch(_: &mut Lowering<'_>, _: &Checked<'_>) -> Result<(), Problem> {
    Ok(())
}
