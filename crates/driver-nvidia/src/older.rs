//! Older versions of functions, called in the place of the newest.
//!
//! Layers see one version of a function, the newest. Where the answer of an older one cannot be made from that of the newest, the rim shows layers the
//! newest, and lays down here what is to be called at the bottom instead: the older version, with the program's own arguments.

use cuda_abi::{CUresult, Row};
use std::cell::Cell;

type Older = dyn Fn() -> CUresult;

/// The newest versions that may have an older one called in their place.
const ROWS: [Row; 3] = [Row::cuGraphExecUpdate_v2, Row::cuMemcpyBatchAsync_v2, Row::cuMemcpy3DBatchAsync_v2];

thread_local! {
    /// What is to be called, once.
    static WAITING: Cell<Option<(usize, *const Older)>> = const { Cell::new(None) };
}

/// Whether a function may have an older one called in its place. The others need not look.
pub(crate) const fn may_be_replaced(row: Row) -> bool {
    let mut index = 0;
    while index < ROWS.len() {
        if ROWS[index] as usize == row as usize {
            return true;
        }
        index += 1;
    }
    false
}

/// Runs `call`, a call through the stack; the first call of `row` that reaches the bottom within it becomes one of `older`.
pub fn in_place_of(row: Row, older: &dyn Fn() -> CUresult, call: impl FnOnce() -> CUresult) -> CUresult {
    /// Puts back what was there, also when a layer panics.
    struct PutBack(Option<(usize, *const Older)>);
    impl Drop for PutBack {
        fn drop(&mut self) {
            WAITING.set(self.0);
        }
    }
    debug_assert!(may_be_replaced(row), "{row:?} does not look");
    // SAFETY: only the lifetime changes; the pointer is gone from the thread before this function returns.
    let older = unsafe { core::mem::transmute::<*const (dyn Fn() -> CUresult + '_), *const Older>(older) };
    let _put_back = PutBack(WAITING.replace(Some((row as usize, older))));
    call()
}

/// Calls what waits for `row`.
pub(crate) fn call(row: Row) -> Option<CUresult> {
    let (waiting, older) = WAITING.get().filter(|(waiting, _)| *waiting == row as usize)?;
    debug_assert_eq!(waiting, row as usize);
    // Before the call: what a callback of it calls is not meant.
    WAITING.set(None);
    // SAFETY: `in_place_of` has not returned, and has the reference.
    Some(unsafe { (*older)() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const FAILED: CUresult = CUresult::CUDA_ERROR_UNKNOWN;

    #[test]
    fn the_first_call_of_the_row_is_replaced_and_no_other() {
        let seen = RefCell::new(Vec::new());
        let older = || {
            seen.borrow_mut().push("older");
            assert!(call(Row::cuMemcpyBatchAsync_v2).is_none(), "within it, nothing waits");
            FAILED
        };
        let result = in_place_of(Row::cuMemcpyBatchAsync_v2, &older, || {
            assert!(call(Row::cuGraphExecUpdate_v2).is_none());
            let first = call(Row::cuMemcpyBatchAsync_v2).expect("it waits");
            assert!(call(Row::cuMemcpyBatchAsync_v2).is_none(), "once");
            first
        });
        assert_eq!((result, seen.into_inner()), (FAILED, vec!["older"]));
    }

    #[test]
    fn nothing_waits_after_a_panic() {
        let panics = || {
            in_place_of(Row::cuGraphExecUpdate_v2, &|| FAILED, || panic!("a layer's"));
        };
        assert!(std::panic::catch_unwind(panics).is_err());
        assert!(call(Row::cuGraphExecUpdate_v2).is_none());
    }
}
