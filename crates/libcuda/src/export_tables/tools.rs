//! Tables that are asked for and of which no slot has been seen to be called.

use super::placeholder::unknown_slots;
use super::{Slot, Table, id};

/// `42d85a81`.
pub(super) const THREAD_LOCAL: Table =
    Table { id: id(0x42d85a81_23f6_cb47_8298_f6e78a3aecdc), slots: &THREAD_LOCAL_SLOTS };

static THREAD_LOCAL_SLOTS: [Slot; 4] = {
    let mut slots = unknown_slots!(0x42d85a81: 0 1 2 3);
    slots[0] = Slot::size(4);
    slots
};

/// `21318c60`: asked for by the runtime libraries of CUDA 13.
pub(super) const RUNTIME_13: Table = Table { id: id(0x21318c60_9714_3248_8ca6_41ff7324c8f2), slots: &RUNTIME_13_SLOTS };

static RUNTIME_13_SLOTS: [Slot; 93] = {
    let mut slots = unknown_slots!(0x21318c60:
        0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39
        40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76
        77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92);
    slots[0] = Slot::size(93);
    slots
};
