//! Passes: each is a function that changes a program and is named after what it does; the pipeline is a list.

mod agree;
mod convergence;
mod dead_code;
mod expect;
mod fold;
mod inline;
mod lane_loop;
mod loop_exits;
mod narrow;
mod place_addresses;
mod repair;
mod share_values;
mod sink_stores;
mod specialize;
mod split_waits;

pub use agree::copy_for_agreement;
pub use convergence::{is_convergent, split_at_convergence};
pub use dead_code::remove_dead_code;
pub use expect::expect_progressions;
pub use fold::fold_known;
pub use inline::inline_calls;
pub use lane_loop::{LaneExit, LaneLoop, lane_loop};
pub use loop_exits::close_loops;
pub use narrow::narrow_comparisons;
pub use place_addresses::place_addresses;
pub use share_values::share_values;
pub use sink_stores::sink_stores;
pub use specialize::specialize;
pub use split_waits::split_at_waits;

use crate::Program;
use crate::analysis::{LaunchShape, Shapes};

/// Brings a program from the form in which front ends make it to the form that code is made from.
pub fn prepare(program: &mut Program, launch: LaunchShape) {
    inline_calls(program);
    for index in 0..program.functions.len() {
        specialize(&mut program.functions[index], launch);
        if launch.block.is_some() {
            let shapes = Shapes::new(program, &program.functions[index], launch);
            fold_known(&mut program.functions[index], &shapes);
        }
        let function = &mut program.functions[index];
        narrow_comparisons(function);
        share_values(function);
        remove_dead_code(function);
        sink_stores(function);
        split_at_waits(function);
        place_addresses(function);
        close_loops(function);
    }
    for index in 0..program.functions.len() {
        expect_progressions(program, index, launch);
    }
}
