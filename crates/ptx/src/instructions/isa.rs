//! The instructions of PTX ISA 9.0 by their names, in the order and the groups of the manual.
//!
//! What is implemented is what the families declare; this list says what there is beside.

use super::Form;
use crate::ast::ScalarType;

/// A section of the manual.
#[derive(Debug)]
pub struct Section {
    /// Its number.
    pub number: &'static str,
    /// Its subject.
    pub title: &'static str,
    /// Where several sections have instructions of the same name: the types that the instructions have here.
    types: &'static str,
    /// The instructions.
    names: &'static str,
}

const fn section(number: &'static str, title: &'static str, names: &'static str) -> Section {
    Section { number, title, types: "", names }
}

/// Every section on instructions.
pub static SECTIONS: &[Section] = &[
    Section {
        number: "9.7.1",
        title: "Integer arithmetic",
        types: "u16 u32 u64 s16 s32 s64 u16x2 s16x2 b32 b64",
        names: "add sub mul mad mul24 mad24 sad div rem abs neg min max popc clz bfind fns brev bfe bfi szext bmsk dp4a dp2a",
    },
    section("9.7.2", "Extended-precision integer arithmetic", "add.cc addc sub.cc subc mad.cc madc"),
    Section {
        number: "9.7.3",
        title: "Floating-point arithmetic",
        types: "f32 f64 f32x2",
        names: "testp copysign add sub mul fma mad div abs neg min max rcp sqrt rsqrt sin cos lg2 ex2 tanh",
    },
    Section {
        number: "9.7.4",
        title: "Half-precision floating-point arithmetic",
        types: "f16 f16x2 bf16 bf16x2",
        names: "add sub mul fma neg abs min max tanh ex2",
    },
    Section {
        number: "9.7.5",
        title: "Mixed-precision floating-point arithmetic",
        types: "f32 f16 bf16",
        names: "add sub fma",
    },
    section("9.7.6, 9.7.7", "Comparison and selection", "set setp selp slct"),
    section("9.7.8", "Logic and shifts", "and or xor not cnot lop3 shf shl shr"),
    section(
        "9.7.9",
        "Data movement and conversion",
        "mov shfl shfl.sync prmt ld ld.global.nc ldu st st.async st.bulk multimem.ld_reduce multimem.st multimem.red \
         prefetch prefetchu applypriority discard createpolicy isspacep cvta cvt cvt.pack mapa getctarank cp.async \
         cp.async.commit_group cp.async.wait_group cp.async.wait_all cp.async.bulk cp.reduce.async.bulk \
         cp.async.bulk.prefetch cp.async.bulk.tensor cp.reduce.async.bulk.tensor cp.async.bulk.prefetch.tensor \
         cp.async.bulk.commit_group cp.async.bulk.wait_group tensormap.replace",
    ),
    section("9.7.10", "Textures", "tex tld4 txq istypep"),
    section("9.7.11", "Surfaces", "suld sust sured suq"),
    section("9.7.12", "Control flow", "bra brx.idx call ret exit"),
    section(
        "9.7.13",
        "Parallel synchronization and communication",
        "bar barrier bar.warp.sync barrier.cluster membar fence atom red red.async vote vote.sync match.sync activemask \
         redux.sync griddepcontrol elect.sync mbarrier.init mbarrier.inval mbarrier.expect_tx mbarrier.complete_tx \
         mbarrier.arrive mbarrier.arrive_drop cp.async.mbarrier.arrive mbarrier.test_wait mbarrier.try_wait \
         mbarrier.pending_count tensormap.cp_fenceproxy clusterlaunchcontrol.try_cancel clusterlaunchcontrol.query_cancel",
    ),
    section("9.7.14", "Matrices of a warp", "wmma.load wmma.store wmma.mma mma mma.sp ldmatrix stmatrix movmatrix"),
    section(
        "9.7.15",
        "Matrices of a warpgroup",
        "wgmma.mma_async wgmma.mma_async.sp wgmma.fence wgmma.commit_group wgmma.wait_group",
    ),
    section(
        "9.7.16",
        "Tensor cores of the fifth generation",
        "tcgen05.alloc tcgen05.dealloc tcgen05.relinquish_alloc_permit tcgen05.ld tcgen05.st tcgen05.wait tcgen05.cp \
         tcgen05.shift tcgen05.mma tcgen05.mma.sp tcgen05.mma.ws tcgen05.mma.ws.sp tcgen05.fence tcgen05.commit",
    ),
    section("9.7.17", "The stack", "stacksave stackrestore alloca"),
    section(
        "9.7.18",
        "Video",
        "vadd vsub vabsdiff vmin vmax vshl vshr vmad vset vadd2 vsub2 vavrg2 vabsdiff2 vmin2 vmax2 vset2 vadd4 vsub4 \
         vavrg4 vabsdiff4 vmin4 vmax4 vset4",
    ),
    section("9.7.19", "Miscellaneous", "brkpt nanosleep pmevent trap setmaxnreg"),
];

impl Section {
    /// The names of its instructions: an operation, and modifiers that belong to the name.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split_whitespace()
    }

    /// Whether its instruction `name` may have this form.
    pub(super) fn has(&self, name: &str, form: &Form) -> bool {
        if !is_named(form, name, false) {
            return false;
        }
        let belongs_to_a_longer_name = SECTIONS.iter().flat_map(Section::names).any(|longer| {
            longer.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')) && is_named(form, longer, true)
        });
        !belongs_to_a_longer_name && self.has_types(form)
    }

    /// Whether this is the first section that has some of the form's combinations of types.
    fn has_types(&self, form: &Form) -> bool {
        if self.types.is_empty() {
            return true;
        }
        combinations(form).iter().any(|types| {
            let fits =
                |section: &&Section| types.iter().all(|ty| section.types.split_whitespace().any(|known| known == *ty));
            SECTIONS
                .iter()
                .filter(|section| !section.types.is_empty())
                .find(fits)
                .is_some_and(|first| std::ptr::eq(first, self))
        })
    }
}

/// Whether a form has the operation of `name` and its modifiers; with `always`, in every instruction of the form.
fn is_named(form: &Form, name: &str, always: bool) -> bool {
    let mut parts = name.split('.');
    let has = |part: &str| form.slots.iter().any(|slot| !(always && slot.optional) && slot.choices.contains(&part));
    parts.next() == Some(form.opcode()) && parts.all(has)
}

/// What the type modifiers of a form may be together.
fn combinations(form: &Form) -> Vec<Vec<&'static str>> {
    let mut all = vec![Vec::new()];
    for slot in &form.slots {
        let types: Vec<&str> =
            slot.choices.iter().copied().filter(|choice| ScalarType::from_name(choice).is_some()).collect();
        if !types.is_empty() {
            let old = std::mem::take(&mut all);
            for ty in types {
                all.extend(old.iter().map(|chosen: &Vec<&str>| [chosen.as_slice(), &[ty]].concat()));
            }
        }
    }
    all
}

/// Whether the PTX ISA has an operation `opcode`.
pub(super) fn is_operation(opcode: &str) -> bool {
    SECTIONS.iter().flat_map(Section::names).any(|name| name.split('.').next() == Some(opcode))
}
