//! Breadth-first search in a random graph, a launch a level: accesses all over memory, atomics, lists that grow.

use crate::random::mix;
use crate::sparse;
use crate::workload::{Argument, Buffer, Contents, Element, Launch, Tolerance, Work, Workload};

const VERTICES: u32 = 256 << 10;
const MEAN: u32 = 8;
/// Levels that have vertices, and a launch for each. A test counts them.
const LEVELS: u32 = 10;
const BLOCK: u32 = 256;
const BLOCKS: u32 = 256;
const UNSEEN: u32 = u32::MAX;

const LIST_BUFFER: usize = 2;

/// The benchmark.
pub fn workload() -> Workload {
    let vertices = VERTICES as usize;
    let edges = sparse::entries(VERTICES, MEAN) as usize;
    let launch = |level: u32| {
        // Found by one launch, read by the next.
        let (list, next) = (LIST_BUFFER + level as usize % 2, LIST_BUFFER + 1 - level as usize % 2);
        let buffers = [0, 1, list, next, 4, 5].map(Argument::Buffer);
        Launch {
            kernel: "bfs",
            grid: [BLOCKS, 1, 1],
            block: [BLOCK, 1, 1],
            arguments: std::iter::once(Argument::I32(level as i32)).chain(buffers).collect(),
        }
    };
    Workload {
        name: "bfs",
        about: "breadth-first search over 256 Ki vertices, a launch a level",
        buffers: vec![
            Buffer::input("starts", Element::U32, vertices + 1, Contents::Table(|| sparse::row_starts(VERTICES, MEAN))),
            Buffer::input("neighbours", Element::U32, edges, Contents::U32(neighbour)),
            // The search begins at vertex 0, which is all that the first list holds.
            Buffer::input("list", Element::U32, vertices, Contents::Zero).restored(),
            Buffer::input("next", Element::U32, vertices, Contents::Zero),
            Buffer::input("sizes", Element::U32, LEVELS as usize + 1, Contents::U32(|i| u32::from(i == 0)))
                .restored()
                .checked(Tolerance::Exact),
            Buffer::input("levels", Element::U32, vertices, Contents::U32(|i| if i == 0 { 0 } else { UNSEEN }))
                .restored()
                .checked(Tolerance::Exact),
        ],
        launches: (0..LEVELS).map(launch).collect(),
        native: (0..6).map(Argument::Buffer).collect(),
        work: Work::Items(edges as f64),
    }
}

fn neighbour(edge: u32) -> u32 {
    mix(edge) % VERTICES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_launch_for_each_level() {
        let starts = sparse::row_starts(VERTICES, MEAN);
        let mut seen = vec![false; VERTICES as usize];
        seen[0] = true;
        let (mut list, mut levels) = (vec![0u32], 0);
        while !list.is_empty() {
            let mut next = Vec::new();
            for &vertex in &list {
                for edge in starts[vertex as usize]..starts[vertex as usize + 1] {
                    let neighbour = neighbour(edge);
                    if !std::mem::replace(&mut seen[neighbour as usize], true) {
                        next.push(neighbour);
                    }
                }
            }
            (list, levels) = (next, levels + 1);
        }
        assert_eq!(levels, LEVELS, "the launches do not fit the graph");
        assert!(seen.iter().filter(|&&seen| seen).count() > seen.len() / 2, "little of the graph is reached");
    }
}
