//! Operations of the lanes of a warp together, and barriers.

mod support;

use simt_interp::{FaultKind, Launch};
use simt_ir::{
    AddressSpace, BarrierKind, MatchKind, Op, Program, ReduceOp, ShuffleMode, SpecialRegister, Symbol, SymbolId, Type,
    Value, VoteMode,
};
use support::{Builder, program, program_with, run_launch, run_on};

/// A kernel whose output is what `body` computes from the thread index.
fn mapped(body: impl Fn(&mut Builder, Value) -> Value) -> Program {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let result = body(&mut b, tid);
    b.output(result);
    b.ret();
    program(vec![b.done()])
}

fn shuffle(b: &mut Builder, mode: ShuffleMode, value: Value, lane: u32, clamp: u32) -> Vec<Value> {
    let (lane, clamp, members) = (b.int(lane), b.int(clamp), b.int(u32::MAX));
    b.push(Op::Shuffle { mode, value, lane, clamp, members })
}

/// Source lane (and 100 if it was in range) of each lane, as `__shfl_*_sync` computes the clamp from a width.
#[test]
fn shuffles() {
    let sources = |mode, lane: u32, clamp: u32| -> Vec<u32> {
        let program = mapped(|b, tid| {
            let results = shuffle(b, mode, tid, lane, clamp);
            let flag = b.resize(false, Type::I32, results[1]);
            let flag = b.mul(flag, 100);
            b.add(results[0], flag)
        });
        run_on(&program, 1, 32).words().to_vec()
    };
    let expected = |source: &dyn Fn(u32) -> Option<u32>| -> Vec<u32> {
        (0..32).map(|lane| source(lane).map_or(lane, |source| source + 100)).collect()
    };
    // Width 32 and width 8: the segment mask is (32 - width) << 8, the clamp 31, or 0 for up.
    let (whole, eight) = (31, (32 - 8) << 8 | 31);
    let within = |lane: u32, source: u32| (lane / 8 == source / 8).then_some(source);
    assert_eq!(sources(ShuffleMode::Up, 3, 0), expected(&|lane| lane.checked_sub(3)));
    assert_eq!(
        sources(ShuffleMode::Up, 3, (32 - 8) << 8),
        expected(&|lane| lane.checked_sub(3).and_then(|source| within(lane, source)))
    );
    assert_eq!(sources(ShuffleMode::Down, 5, whole), expected(&|lane| (lane + 5 < 32).then_some(lane + 5)));
    assert_eq!(sources(ShuffleMode::Down, 5, eight), expected(&|lane| within(lane, lane + 5)));
    assert_eq!(sources(ShuffleMode::Butterfly, 6, whole), expected(&|lane| Some(lane ^ 6)));
    // Across segments a butterfly may read lower lanes, not higher ones.
    assert_eq!(
        sources(ShuffleMode::Butterfly, 16, eight),
        expected(&|lane| (lane ^ 16 <= lane | 7).then_some(lane ^ 16))
    );
    assert_eq!(sources(ShuffleMode::Index, 37, whole), expected(&|_| Some(5)));
    assert_eq!(sources(ShuffleMode::Index, 21, eight), expected(&|lane| Some(lane / 8 * 8 + 5)));
}

/// A warp with 8 lanes only: the others do not take part.
#[test]
fn votes_matches_reductions() {
    let mask = |mode: VoteMode| {
        move |b: &mut Builder, tid: Value| {
            let (predicate, members) = (b.less(tid, 3), b.int(u32::MAX));
            b.push1(Op::Vote { mode, predicate, members })
        }
    };
    assert_eq!(run_on(&mapped(mask(VoteMode::Ballot)), 1, 8).words(), [7; 8]);
    assert_eq!(run_on(&mapped(mask(VoteMode::All)), 1, 8).words(), [0; 8]);
    assert_eq!(run_on(&mapped(mask(VoteMode::All)), 1, 3).words(), [1; 3]);
    assert_eq!(run_on(&mapped(mask(VoteMode::Any)), 1, 8).words(), [1; 8]);
    assert_eq!(run_on(&mapped(mask(VoteMode::Uniform)), 1, 8).words(), [0; 8]);
    assert_eq!(run_on(&mapped(mask(VoteMode::Uniform)), 1, 2).words(), [1; 2]);

    let any = mapped(|b, tid| {
        let (value, members) = (b.and(tid, 2), b.int(u32::MAX));
        b.push1(Op::Match { kind: MatchKind::Any, ty: Type::I32, value, members })
    });
    assert_eq!(run_on(&any, 1, 6).words(), [0x33, 0x33, 0x0c, 0x0c, 0x33, 0x33]);
    let all = mapped(|b, tid| {
        let (value, members) = (b.and(tid, 64), b.int(u32::MAX));
        let results = b.push(Op::Match { kind: MatchKind::All, ty: Type::I32, value, members });
        let flag = b.resize(false, Type::I32, results[1]);
        b.add(results[0], flag)
    });
    assert_eq!(run_on(&all, 1, 6).words(), [0x40; 6]);

    let reduce = |op| {
        mapped(move |b, tid| {
            let members = b.int(u32::MAX);
            b.push1(Op::Reduce { op, value: tid, members })
        })
    };
    assert_eq!(run_on(&reduce(ReduceOp::Add), 1, 33).words()[..33], [[496; 32].as_slice(), &[32]].concat());
    assert_eq!(run_on(&reduce(ReduceOp::MaxUnsigned), 1, 5).words(), [4; 5]);

    let elect = mapped(|b, _| {
        let members = b.int(u32::MAX);
        let results = b.push(Op::Elect { members });
        let flag = b.resize(false, Type::I32, results[1]);
        let flag = b.mul(flag, 10);
        b.add(results[0], flag)
    });
    assert_eq!(run_on(&elect, 1, 3).words(), [10, 0, 0]);
}

/// Lanes on both sides of a branch shuffle with each other: PTX wants the same operation and mask, not the same place.
fn shuffle_on_both_sides(complete: bool) -> Program {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (then, otherwise, join) = (b.create_block(), b.create_block(), b.create_block());
    let phi = b.push_phi(join, Type::I32);
    let condition = b.less(tid, 2);
    b.branch_if(condition, then, otherwise);
    b.switch_to(then);
    let left = shuffle(&mut b, ShuffleMode::Butterfly, tid, 2, 31)[0];
    b.branch(join);
    b.switch_to(otherwise);
    let right = if complete { shuffle(&mut b, ShuffleMode::Butterfly, tid, 2, 31)[0] } else { tid };
    b.branch(join);
    b.switch_to(join);
    b.incoming(join, phi, then, left);
    b.incoming(join, phi, otherwise, right);
    b.output(phi);
    b.barrier(0, None);
    b.ret();
    program(vec![b.done()])
}

#[test]
fn members_wait_for_each_other() {
    assert_eq!(run_on(&shuffle_on_both_sides(true), 1, 4).words(), [2, 3, 0, 1]);
    let run = run_on(&shuffle_on_both_sides(false), 1, 4);
    let fault = run.fault();
    assert!(matches!(&fault.kind, FaultKind::Deadlock(what) if what.contains("Shuffle(Butterfly)")), "{fault}");
    assert_eq!(fault.thread, [0, 0, 0]);
}

#[test]
fn only_members_may_take_part() {
    let program = mapped(|b, tid| {
        let (predicate, members) = (b.less(tid, 3), b.int(0xb));
        b.push1(Op::Vote { mode: VoteMode::Ballot, predicate, members })
    });
    let run = run_on(&program, 1, 4);
    assert!(matches!(run.fault_kind(), FaultKind::Undefined(_)));
    assert_eq!(run.fault().thread, [2, 0, 0]);
}

fn shared_words(words: u32) -> Symbol {
    Symbol { name: "shared".into(), space: AddressSpace::Shared, offset: 0, align: 1, size: u64::from(4 * words) }
}

fn shared_element(b: &mut Builder, index: Value) -> Value {
    let base = b.push1(Op::SymbolAddress(SymbolId(0)));
    b.element(base, index)
}

/// Threads read what threads of other warps wrote before the barrier; the last warp is not whole.
#[test]
fn block_barrier() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let own = shared_element(&mut b, tid);
    b.store(AddressSpace::Shared, own, tid);
    b.barrier(0, None);
    let last = b.int(99);
    let other = b.binary(simt_ir::BinaryOp::Sub, last, tid);
    let address = shared_element(&mut b, other);
    let value = b.load(AddressSpace::Shared, Type::I32, address);
    b.output(value);
    b.ret();
    let program = program_with(vec![b.done()], vec![shared_words(100)], 400);
    let run = run_on(&program, 2, 100);
    assert_eq!(run.words(), (0..200).map(|index| 99 - index % 100).collect::<Vec<u32>>());
}

/// Threads that have ended are not waited for, neither by all nor by number.
#[test]
fn barriers_do_not_wait_for_the_dead() {
    for threads in [None, Some(64)] {
        let mut b = Builder::kernel();
        let tid = b.tid();
        let (wait, end) = (b.create_block(), b.create_block());
        let bit = b.and(tid, 1);
        let even = b.equal(bit, 0);
        b.branch_if(even, wait, end);
        b.switch_to(wait);
        b.barrier(1, threads);
        b.output(tid);
        b.ret();
        b.switch_to(end);
        b.ret();
        let run = run_on(&program(vec![b.done()]), 1, 50);
        assert_eq!(run.words(), (0..50).map(|tid| if tid % 2 == 0 { tid } else { 0 }).collect::<Vec<u32>>());
    }
}

#[test]
fn reducing_barriers() {
    let reduce = |kind, limit| {
        mapped(move |b, tid| {
            let predicate = b.less(tid, limit);
            b.barrier_kind(kind, 2, None, Some(predicate))[0]
        })
    };
    assert_eq!(run_on(&reduce(BarrierKind::ReducePopCount, 35), 1, 70).words(), [35; 70]);
    assert_eq!(run_on(&reduce(BarrierKind::ReduceAnd, 35), 1, 70).words(), [0; 70]);
    assert_eq!(run_on(&reduce(BarrierKind::ReduceAnd, 70), 1, 70).words(), [1; 70]);
    assert_eq!(run_on(&reduce(BarrierKind::ReduceOr, 1), 1, 70).words(), [1; 70]);
    assert_eq!(run_on(&reduce(BarrierKind::ReduceOr, 0), 1, 70).words(), [0; 70]);
}

/// Warp 0 produces and only arrives; warp 1 waits and reads. Repeated, with the roles of two barriers alternating.
#[test]
fn producer_and_consumer() {
    let mut b = Builder::kernel();
    let warp = b.special(SpecialRegister::WarpId);
    let lane = b.special(SpecialRegister::LaneId);
    let (produce, consume) = (b.create_block(), b.create_block());
    let first = b.equal(warp, 0);
    b.branch_if(first, produce, consume);
    b.switch_to(produce);
    for round in 0..3 {
        let own = shared_element(&mut b, lane);
        let value = b.mul(lane, 10 + round);
        b.store(AddressSpace::Shared, own, value);
        b.barrier_kind(BarrierKind::Arrive, 1, Some(64), None);
        b.barrier(2, Some(64));
    }
    b.ret();
    b.switch_to(consume);
    let mut sum = b.int(0);
    for _ in 0..3 {
        b.barrier(1, Some(64));
        let own = shared_element(&mut b, lane);
        let value = b.load(AddressSpace::Shared, Type::I32, own);
        sum = b.add(sum, value);
        b.barrier_kind(BarrierKind::Arrive, 2, Some(64), None);
    }
    b.output(sum);
    b.ret();
    let program = program_with(vec![b.done()], vec![shared_words(32)], 128);
    let run = run_on(&program, 1, 64);
    assert_eq!(run.words()[32..], (0..32).map(|lane| 33 * lane).collect::<Vec<u32>>());
}

#[test]
fn barrier_misuse() {
    let kernel = |id, threads| {
        mapped(move |b, tid| {
            b.barrier(id, threads);
            tid
        })
    };
    for (id, threads) in [(16, None), (0, Some(0)), (0, Some(33)), (0, Some(96))] {
        let run = run_on(&kernel(id, threads), 1, 64);
        assert!(matches!(run.fault_kind(), FaultKind::Barrier(_)), "{id} {threads:?}: {:?}", run.fault_kind());
    }
    // Warp 0 waits for all, warp 1 for 32: two numbers for one barrier.
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (all, some, end) = (b.create_block(), b.create_block(), b.create_block());
    let first = b.less(tid, 32);
    b.branch_if(first, all, some);
    b.switch_to(all);
    b.barrier(0, None);
    b.branch(end);
    b.switch_to(some);
    b.barrier(0, Some(32));
    b.branch(end);
    b.switch_to(end);
    b.ret();
    let program = program(vec![b.done()]);
    assert!(matches!(run_on(&program, 1, 64).fault_kind(), FaultKind::Barrier(_)));
}

/// Half a block waits at a barrier that the other half never comes to.
#[test]
fn deadlock_at_a_barrier() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let (one, two, end) = (b.create_block(), b.create_block(), b.create_block());
    let first = b.less(tid, 32);
    b.branch_if(first, one, two);
    b.switch_to(one);
    b.barrier(1, None);
    b.branch(end);
    b.switch_to(two);
    b.set_line(55);
    b.barrier(2, None);
    b.branch(end);
    b.switch_to(end);
    b.ret();
    let run = run_on(&program(vec![b.done()]), 1, 64);
    assert!(matches!(run.fault_kind(), FaultKind::Deadlock(what) if what.contains("barrier 1")), "{}", run.fault());
}

/// Blocks of a cluster wait for each other; clusters do not.
#[test]
fn cluster_barrier() {
    let mut b = Builder::kernel();
    let rank = b.special(SpecialRegister::ClusterCtarank);
    let cluster = b.special(SpecialRegister::ClusterIdX);
    let scratch = b.param(8);
    let row = b.mul(cluster, 2);
    let index = b.add(row, rank);
    let own = b.element(scratch, index);
    let one = b.int(1);
    let value = b.add(index, one);
    b.store(AddressSpace::Global, own, value);
    b.push(Op::ClusterBarrier { arrive: true, wait: false });
    b.push(Op::ClusterBarrier { arrive: false, wait: true });
    let other = b.binary(simt_ir::BinaryOp::Sub, one, rank);
    let index = b.add(row, other);
    let address = b.element(scratch, index);
    let value = b.load(AddressSpace::Global, Type::I32, address);
    b.push(Op::ClusterBarrier { arrive: true, wait: true });
    b.output(value);
    b.ret();
    let launch = Launch { grid: [6, 1, 1], block: [2, 1, 1], cluster: [2, 1, 1], ..Launch::default() };
    let run = run_launch(&program(vec![b.done()]), launch);
    assert_eq!(run.words(), [2, 2, 1, 1, 4, 4, 3, 3, 6, 6, 5, 5]);
}

/// `bar.warp.sync` orders lanes that went different ways.
#[test]
fn warp_sync() {
    let mut b = Builder::kernel();
    let tid = b.tid();
    let own = shared_element(&mut b, tid);
    let (then, join) = (b.create_block(), b.create_block());
    let condition = b.less(tid, 7);
    b.branch_if(condition, then, join);
    b.switch_to(then);
    let members = b.int(u32::MAX);
    b.push(Op::WarpSync { mask: members });
    let next = {
        let one = b.int(1);
        b.add(tid, one)
    };
    let address = shared_element(&mut b, next);
    let value = b.load(AddressSpace::Shared, Type::I32, address);
    b.output(value);
    b.ret();
    b.switch_to(join);
    b.store(AddressSpace::Shared, own, tid);
    let members = b.int(u32::MAX);
    b.push(Op::WarpSync { mask: members });
    b.output(tid);
    b.ret();
    let program = program_with(vec![b.done()], vec![shared_words(32)], 128);
    let words = run_on(&program, 1, 32).words().to_vec();
    assert_eq!((words[6], words[20]), (7, 20));
}
