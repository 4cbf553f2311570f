//! Threads that wait for one another: barriers in branches and loops that the whole block takes, operations among the lanes that a
//! divergent branch or loop leaves together, lanes and warps that spin until another has written, locks.
//!
//! There are two levels. *Together*, all threads of the block are at the place, and barriers are allowed. *Among*, the lanes of a mask
//! are, which a register of each holds: a divergent branch or loop divides it by a vote, so that every operation names exactly those
//! lanes that come to it. Nobody waits for a thread that waits behind a barrier for him.

use std::fmt::{Display, Write};

use super::control_flow::Generator;
use super::text::{Class, Kernel, Register};
use crate::random::Check;

/// Statements of the whole block.
const STATEMENTS: usize = 7;

/// Deepest nesting, on both levels together.
const DEPTH: u32 = 3;

/// One lane in so many takes a lock.
const LOCKED_EVERY: usize = 8;

/// Words in memory that a thread has for itself.
const OWN_WORDS: u32 = 4;

const ALL_LANES: &str = "0xffffffff";

pub(super) fn body(k: &mut Kernel) {
    let threads = k.threads;
    for (name, bytes) in
        [("values", 4 * threads), ("flags", 4 * threads), ("warp_flags", 4 * threads / 32), ("lock", 8)]
    {
        let _ = writeln!(k.locals, "    .shared .align 16 .b8 {name}[{bytes}];");
    }
    let [value, flag, lock] = ["values", "flags", "lock"].map(|name| {
        let address = k.register(Class::B64);
        k.line(format_args!("mov.u64 {address}, {name}"));
        if name != "lock" {
            k.line(format_args!("mad.wide.u32 {address}, %index, 4, {address}"));
        }
        address
    });
    let [lane, warp] = [("mov.u32", "%laneid"), ("shr.u32", "%index, 5")].map(|(instruction, source)| {
        let register = k.register(Class::B32);
        k.line(format_args!("{instruction} {register}, {source}"));
        register
    });
    let warp_flag = k.register(Class::B64);
    k.line(format_args!("mov.u64 {warp_flag}, warp_flags"));
    k.line(format_args!("mad.wide.u32 {warp_flag}, {warp}, 4, {warp_flag}"));
    for (address, ty) in [(value, "u32"), (flag, "u32"), (warp_flag, "u32"), (lock, "u64")] {
        k.line(format_args!("st.shared.{ty} [{address}], 0"));
    }
    let own_bytes = 4 * OWN_WORDS;
    let _ = writeln!(k.locals, "    .shared .align 16 .b8 own_shared[{}];", own_bytes * threads);
    let _ = writeln!(k.locals, "    .local .align 16 .b8 own_local[{own_bytes}];");
    let [own_shared, own_local, own] = [(); 3].map(|()| k.register(Class::B64));
    k.line(format_args!("mov.u64 {own_shared}, own_shared"));
    k.line(format_args!("mad.wide.u32 {own_shared}, %index, {own_bytes}, {own_shared}"));
    k.line(format_args!("mov.u64 {own_local}, own_local"));
    k.line(format_args!("cvta.shared.u64 {own}, {own_shared}"));
    for word in 0..OWN_WORDS {
        k.line(format_args!("st.shared.u32 [{own_shared}+{}], {word}", 4 * word));
        k.line(format_args!("st.local.u32 [{own_local}+{}], {word}", 4 * word));
    }
    let place = Place { value, flag, warp_flag, lock, lane, warp, own_shared, own_local, own };
    let mut cooperation = Cooperation { g: Generator::new(k), place };
    cooperation.barrier();
    for _ in 0..STATEMENTS {
        cooperation.together(0);
    }
    cooperation.g.finish();
    for (space, row) in [(".shared", own_shared), (".local", own_local)] {
        for word in 0..OWN_WORDS {
            let value = k.register(Class::B32);
            k.line(format_args!("ld{space}.u32 {value}, [{row}+{}]", 4 * word));
            k.output(value, Check::Exact);
        }
    }
}

struct Cooperation<'g, 'r> {
    g: Generator<'g, 'r>,
    place: Place,
}

/// Where a thread is, and what is in shared memory for it: each thread has a value and a flag, each warp a flag, and the block a lock with
/// a sum behind it. Flags and lock are zero between statements.
#[derive(Clone, Copy)]
struct Place {
    value: Register,
    flag: Register,
    warp_flag: Register,
    lock: Register,
    lane: Register,
    warp: Register,
    /// Where the thread's own words begin, in shared memory, local memory, and as a generic address of those in shared memory.
    own_shared: Register,
    own_local: Register,
    own: Register,
}

impl Cooperation<'_, '_> {
    fn line(&mut self, text: impl Display) {
        self.g.k.line(text);
    }

    fn registers<const N: usize>(&mut self, class: Class) -> [Register; N] {
        [(); N].map(|()| self.g.k.register(class))
    }

    fn barrier(&mut self) {
        self.line(format_args!("bar.warp.sync {ALL_LANES}"));
        self.line("bar.sync 0");
    }

    /// A statement of all threads of the block.
    fn together(&mut self, depth: u32) {
        match self.g.rng().below(10) {
            0 => self.exchange(),
            1 => self.sum(),
            2 => self.warps_in_order(),
            3..5 if depth < DEPTH => self.uniform_branch(depth),
            5 if depth < DEPTH => self.uniform_loop(depth),
            _ => self.among(ALL_LANES, depth),
        }
    }

    /// Each thread gets the value of another one of the block.
    fn exchange(&mut self) {
        let place = self.place;
        let (given, got, source) = (self.g.variable(), self.g.variable(), self.g.variable());
        let ([index], [address]) = (self.registers(Class::B32), self.registers(Class::B64));
        let threads = self.g.k.threads;
        self.line(format_args!("st.shared.u32 [{}], {given}", place.value));
        self.line(format_args!("rem.u32 {index}, {source}, {threads}"));
        self.barrier();
        self.line(format_args!("mov.u64 {address}, values"));
        self.line(format_args!("mad.wide.u32 {address}, {index}, 4, {address}"));
        self.line(format_args!("ld.shared.u32 {got}, [{address}]"));
        self.barrier();
    }

    /// A number that is the same in all threads of the block, but not known to be.
    fn uniform(&mut self) -> Register {
        let place = self.place;
        let ([number], [address]) = (self.registers(Class::B32), self.registers(Class::B64));
        match self.g.rng().below(3) {
            0 => self.line(format_args!("mov.u32 {number}, %block")),
            1 => {
                let predicate = self.g.condition();
                let id = self.g.rng().below(16);
                self.line(format_args!("bar.warp.sync {ALL_LANES}"));
                self.line(format_args!("bar.red.popc.u32 {number}, {id}, {predicate}"));
            }
            _ => {
                let (given, threads) = (self.g.variable(), self.g.k.threads);
                let offset = 4 * self.g.rng().below(threads as usize);
                self.line(format_args!("st.shared.u32 [{}], {given}", place.value));
                self.barrier();
                self.line(format_args!("mov.u64 {address}, values"));
                self.line(format_args!("ld.shared.u32 {number}, [{address}+{offset}]"));
                self.barrier();
            }
        }
        number
    }

    fn uniform_branch(&mut self, depth: u32) {
        let (number, [predicate]) = (self.uniform(), self.registers(Class::Predicate));
        let (otherwise, end) = (self.g.k.label(), self.g.k.label());
        let bit = 1 << self.g.rng().below(3);
        self.line(format_args!("and.b32 {number}, {number}, {bit}"));
        self.line(format_args!("setp.eq.u32 {predicate}, {number}, 0"));
        self.line(format_args!("@{predicate} bra {otherwise}"));
        self.together(depth + 1);
        self.line(format_args!("bra {end}"));
        self.g.k.place(&otherwise);
        self.together(depth + 1);
        self.g.k.place(&end);
    }

    fn uniform_loop(&mut self, depth: u32) {
        let (turns, [again]) = (self.uniform(), self.registers(Class::Predicate));
        let head = self.g.k.label();
        self.line(format_args!("and.b32 {turns}, {turns}, 3"));
        self.g.k.place(&head);
        self.together(depth + 1);
        self.line(format_args!("sub.s32 {turns}, {turns}, 1"));
        self.line(format_args!("setp.ge.s32 {again}, {turns}, 0"));
        self.line(format_args!("@{again} bra {head}"));
    }

    /// What threads have added behind the lock so far.
    fn sum(&mut self) {
        let place = self.place;
        let target = self.g.variable();
        self.barrier();
        self.line(format_args!("ld.shared.u32 {target}, [{}+4]", place.lock));
        self.barrier();
    }

    /// Each warp waits until its neighbour has written, those that have may be at the barrier already.
    fn warps_in_order(&mut self) {
        let place = self.place;
        let upward = self.g.rng().flag();
        let (first, back) = if upward { (0, -1) } else { (self.g.k.threads / 32 - 1, 1) };
        let ([is_first, again], [seen]) = (self.registers(Class::Predicate), self.registers(Class::B32));
        let (head, go_on) = (self.g.k.label(), self.g.k.label());
        let variable = self.g.variable();
        self.line(format_args!("setp.eq.u32 {is_first}, {}, {first}", place.warp));
        self.line(format_args!("@{is_first} bra {go_on}"));
        self.g.k.place(&head);
        self.line(format_args!("ld.volatile.shared.u32 {seen}, [{}+{}]", place.warp_flag, 4 * back));
        self.line(format_args!("setp.eq.u32 {again}, {seen}, 0"));
        self.line(format_args!("@{again} bra {head}"));
        self.line("membar.cta");
        self.line(format_args!("ld.volatile.shared.u32 {seen}, [{}+{}]", place.value, 128 * back));
        self.line(format_args!("mad.lo.u32 {variable}, {seen}, 3, {variable}"));
        self.g.k.place(&go_on);
        self.line(format_args!("st.volatile.shared.u32 [{}], {variable}", place.value));
        self.line("membar.cta");
        self.line(format_args!("bar.warp.sync {ALL_LANES}"));
        self.line(format_args!("st.volatile.shared.u32 [{}], 1", place.warp_flag));
        self.barrier();
        self.line(format_args!("st.volatile.shared.u32 [{}], 0", place.warp_flag));
        self.barrier();
    }

    /// A statement of the lanes that `mask` names, which are exactly those that come to it.
    fn among(&mut self, mask: &str, depth: u32) {
        match self.g.rng().below(10) {
            0..2 => self.shuffle(mask),
            2..4 => self.collect(mask),
            4 => self.lanes_in_order(mask),
            5 => self.add_locked(mask),
            6 if depth < DEPTH => self.divide(mask, depth),
            7 if depth < DEPTH => self.leave_one_by_one(mask, depth),
            8 => self.detour(),
            _ => self.g.statements(DEPTH - 1),
        }
    }

    /// Two variables change places, and some are kept in words of the thread's own.
    fn detour(&mut self) {
        let (one, other, [kept]) = (self.g.variable(), self.g.variable(), self.registers(Class::B32));
        self.line(format_args!("mov.b32 {kept}, {one}"));
        self.line(format_args!("mov.b32 {one}, {other}"));
        self.line(format_args!("mov.b32 {other}, {kept}"));
        for _ in 0..2 + self.g.rng().below(3) {
            let ([index], [address]) = (self.registers(Class::B32), self.registers(Class::B64));
            let (which, variable, place) = (self.g.variable(), self.g.variable(), self.place);
            let (space, row) =
                self.g.rng().pick(&[(".shared", place.own_shared), (".local", place.own_local), ("", place.own)]);
            self.line(format_args!("and.b32 {index}, {which}, {}", OWN_WORDS - 1));
            self.line(format_args!("mad.wide.u32 {address}, {index}, 4, {row}"));
            if self.g.rng().flag() {
                self.line(format_args!("st{space}.u32 [{address}], {variable}"));
            } else {
                self.line(format_args!("ld{space}.u32 {variable}, [{address}]"));
            }
        }
    }

    /// Lane and mask are such that a lane reads one of the mask; itself, if it would read another.
    fn shuffle(&mut self, mask: &str) {
        let place = self.place;
        let ([source, bit, value], [is_member]) = (self.registers(Class::B32), self.registers(Class::Predicate));
        let (given, got, which) = (self.g.variable(), self.g.variable(), self.g.variable());
        let (mode, argument) = match self.g.rng().below(4) {
            0 => {
                self.line(format_args!("and.b32 {source}, {which}, 31"));
                ("idx", source.to_string())
            }
            mode => {
                let distance = 1 + self.g.rng().below(31);
                let (mode, step) = [("bfly", "xor.b32"), ("up", "sub.s32"), ("down", "add.s32")][mode - 1];
                self.line(format_args!("{step} {source}, {}, {distance}", place.lane));
                (mode, distance.to_string())
            }
        };
        let clamp = if mode == "up" { 0 } else { 31 };
        self.line(format_args!("shfl.sync.{mode}.b32 {value}, {given}, {argument}, {clamp}, {mask}"));
        // Beyond the warp there is nobody; `shr` by 32 and more gives 0.
        self.line(format_args!("shr.u32 {bit}, {mask}, {source}"));
        self.line(format_args!("and.b32 {bit}, {bit}, 1"));
        self.line(format_args!("setp.ne.u32 {is_member}, {bit}, 0"));
        self.line(format_args!("selp.b32 {got}, {value}, {given}, {is_member}"));
    }

    fn collect(&mut self, mask: &str) {
        let (given, got) = (self.g.variable(), self.g.variable());
        let [few] = self.registers(Class::B32);
        match self.g.rng().below(4) {
            0 => {
                let predicate = self.g.condition();
                self.line(format_args!("vote.sync.ballot.b32 {got}, {predicate}, {mask}"));
            }
            1 => {
                self.line(format_args!("and.b32 {few}, {given}, 3"));
                self.line(format_args!("match.any.sync.b32 {got}, {few}, {mask}"));
            }
            2 => {
                let op = self.g.rng().pick(&["add.u32", "min.s32", "xor.b32"]);
                self.line(format_args!("redux.sync.{op} {got}, {given}, {mask}"));
            }
            _ => {
                let [leader] = self.registers(Class::Predicate);
                self.line(format_args!("elect.sync {few}|{leader}, {mask}"));
                self.line(format_args!("@{leader} add.s32 {got}, {given}, {few}"));
            }
        }
    }

    /// The lanes of a mask one after the other, each with what the one before has written.
    fn lanes_in_order(&mut self, mask: &str) {
        let place = self.place;
        let (beside, last) = self.g.rng().pick(&[("%lanemask_lt", false), ("%lanemask_gt", true)]);
        let [before, other, seen] = self.registers(Class::B32);
        let [is_first, again] = self.registers(Class::Predicate);
        let [other_flag, other_value] = self.registers(Class::B64);
        let (head, go_on) = (self.g.k.label(), self.g.k.label());
        let variable = self.g.variable();
        self.line(format_args!("mov.u32 {before}, {beside}"));
        self.line(format_args!("and.b32 {before}, {before}, {mask}"));
        self.line(format_args!("setp.eq.u32 {is_first}, {before}, 0"));
        self.line(format_args!("@{is_first} bra {go_on}"));
        if last {
            // The lowest of the lanes above.
            self.line(format_args!("brev.b32 {before}, {before}"));
            self.line(format_args!("clz.b32 {other}, {before}"));
        } else {
            self.line(format_args!("bfind.u32 {other}, {before}"));
        }
        self.line(format_args!("sub.s32 {other}, {other}, {}", place.lane));
        self.line(format_args!("mad.wide.s32 {other_flag}, {other}, 4, {}", place.flag));
        self.line(format_args!("mad.wide.s32 {other_value}, {other}, 4, {}", place.value));
        self.g.k.place(&head);
        self.line(format_args!("ld.volatile.shared.u32 {seen}, [{other_flag}]"));
        self.line(format_args!("setp.eq.u32 {again}, {seen}, 0"));
        self.line(format_args!("@{again} bra {head}"));
        self.line("membar.cta");
        self.line(format_args!("ld.volatile.shared.u32 {seen}, [{other_value}]"));
        self.line(format_args!("mad.lo.u32 {variable}, {variable}, 3, {seen}"));
        self.g.k.place(&go_on);
        self.line(format_args!("st.volatile.shared.u32 [{}], {variable}", place.value));
        self.line("membar.cta");
        self.line(format_args!("st.volatile.shared.u32 [{}], 1", place.flag));
        self.line(format_args!("bar.warp.sync {mask}"));
        self.line(format_args!("st.volatile.shared.u32 [{}], 0", place.flag));
        self.line(format_args!("bar.warp.sync {mask}"));
    }

    /// Adds to the sum that a lock guards, which some lanes of all warps want.
    fn add_locked(&mut self, mask: &str) {
        let place = self.place;
        let ([old, sum], [taken]) = (self.registers(Class::B32), self.registers(Class::Predicate));
        let ([rest], [other]) = (self.registers(Class::B32), self.registers(Class::Predicate));
        let (head, over, variable) = (self.g.k.label(), self.g.k.label(), self.g.variable());
        let wanted = self.g.rng().below(LOCKED_EVERY);
        self.line(format_args!("and.b32 {rest}, {}, {}", place.lane, LOCKED_EVERY - 1));
        self.line(format_args!("setp.ne.u32 {other}, {rest}, {wanted}"));
        self.line(format_args!("@{other} bra {over}"));
        self.g.k.place(&head);
        self.line(format_args!("atom.shared.cas.b32 {old}, [{}], 0, 1", place.lock));
        self.line(format_args!("setp.ne.u32 {taken}, {old}, 0"));
        self.line(format_args!("@{taken} bra {head}"));
        self.line("membar.cta");
        self.line(format_args!("ld.volatile.shared.u32 {sum}, [{}+4]", place.lock));
        self.line(format_args!("add.u32 {sum}, {sum}, {variable}"));
        self.line(format_args!("st.volatile.shared.u32 [{}+4], {sum}", place.lock));
        self.line("membar.cta");
        self.line(format_args!("atom.shared.exch.b32 {old}, [{}], 0", place.lock));
        self.g.k.place(&over);
        self.line(format_args!("bar.warp.sync {mask}"));
    }

    /// A branch; on each side the lanes that go there know each other.
    fn divide(&mut self, mask: &str, depth: u32) {
        let (predicate, [inside, outside]) = (self.g.condition(), self.registers(Class::B32));
        let (otherwise, end) = (self.g.k.label(), self.g.k.label());
        self.line(format_args!("vote.sync.ballot.b32 {inside}, {predicate}, {mask}"));
        self.line(format_args!("not.b32 {outside}, {inside}"));
        self.line(format_args!("and.b32 {outside}, {outside}, {mask}"));
        self.line(format_args!("@!{predicate} bra {otherwise}"));
        self.among(&inside.to_string(), depth + 1);
        self.line(format_args!("bra {end}"));
        self.g.k.place(&otherwise);
        self.among(&outside.to_string(), depth + 1);
        self.g.k.place(&end);
        if self.g.rng().flag() {
            self.line(format_args!("bar.warp.sync {mask}"));
        }
    }

    /// A loop that lanes leave one by one; those that are left know each other.
    fn leave_one_by_one(&mut self, mask: &str, depth: u32) {
        let ([turns, inside], [goes_on]) = (self.registers(Class::B32), self.registers(Class::Predicate));
        let (head, exit, source) = (self.g.k.label(), self.g.k.label(), self.g.variable());
        self.line(format_args!("and.b32 {turns}, {source}, 3"));
        self.line(format_args!("mov.b32 {inside}, {mask}"));
        self.g.k.place(&head);
        self.line(format_args!("setp.gt.s32 {goes_on}, {turns}, 0"));
        self.line(format_args!("vote.sync.ballot.b32 {inside}, {goes_on}, {inside}"));
        self.line(format_args!("@!{goes_on} bra {exit}"));
        self.among(&inside.to_string(), depth + 1);
        self.line(format_args!("sub.s32 {turns}, {turns}, 1"));
        self.line(format_args!("bra {head}"));
        self.g.k.place(&exit);
        self.line(format_args!("bar.warp.sync {mask}"));
    }
}
