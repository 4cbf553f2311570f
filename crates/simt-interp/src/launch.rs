//! A launch: what runs, on which grid, within which limits.

use std::collections::BTreeMap;

use simt_ir::instrument::Mark;
use simt_ir::{AddressSpace, Program, verify};

use crate::machine::Grid;
use crate::{Error, LaunchError, Memory, Runtime};

/// How a kernel is launched. The default is one thread without parameters.
#[derive(Clone, PartialEq, Debug)]
pub struct Launch {
    /// Size of the grid in blocks.
    pub grid: [u32; 3],
    /// Size of a block in threads.
    pub block: [u32; 3],
    /// Size of a cluster in blocks; the grid is made of whole clusters.
    pub cluster: [u32; 3],
    /// The kernel's parameter buffer.
    pub params: Vec<u8>,
    /// Shared memory beyond the program's static part, in bytes.
    pub dynamic_shared_bytes: u32,
    /// Addresses of the program's global and const symbols, by name.
    pub symbols: BTreeMap<String, u64>,
    /// `%gridid`.
    pub grid_id: u64,
    /// `%nsmid`; blocks go to the SMs in turn.
    pub sm_count: u32,
    /// `%envreg0` … `%envreg3`.
    pub environment: [u32; 4],
    /// Bounds on what the run may use.
    pub limits: Limits,
}

/// Bounds on what a run may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Local memory of a lane in bytes, the stack included.
    pub local_bytes: u32,
    /// Shared memory of a block in bytes.
    pub shared_bytes: u32,
    /// Threads of a block.
    pub block_threads: u32,
    /// Blocks that run at a time; others start as these end. A grid whose blocks all wait for each other needs its size here.
    pub resident_blocks: u32,
    /// Instructions that all lanes may execute together before the run ends with [`crate::FaultKind::StepLimit`].
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            local_bytes: 512 << 10,
            shared_bytes: 228 << 10,
            block_threads: 1024,
            resident_blocks: 64,
            steps: 10_000_000_000,
        }
    }
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            grid: [1; 3],
            block: [1; 3],
            cluster: [1; 3],
            params: Vec::new(),
            dynamic_shared_bytes: 0,
            symbols: BTreeMap::new(),
            grid_id: 1,
            sm_count: 1,
            environment: [0; 4],
            limits: Limits::default(),
        }
    }
}

/// What a finished run tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Instructions executed, counted for each lane; phis do not count.
    pub steps: u64,
    /// How often lanes came by each mark of the program ([`simt_ir::Op::Mark`]).
    pub marks: BTreeMap<Mark, u64>,
}

/// Runs a program's kernel on a whole grid.
///
/// # Errors
///
/// [`Error::Launch`] if nothing ran; [`Error::Fault`] if a thread did what it must not: memory is then as it was left.
pub fn run(
    program: &Program,
    launch: &Launch,
    memory: &mut dyn Memory,
    runtime: &mut dyn Runtime,
) -> Result<Summary, Error> {
    check(program, launch).map_err(Error::Launch)?;
    let symbols = symbol_addresses(program, launch).map_err(Error::Launch)?;
    let mut grid = Grid::new(program, launch, symbols, memory, runtime);
    grid.run().map_err(Error::Fault)?;
    Ok(Summary { steps: grid.steps(), marks: grid.take_marks() })
}

fn check(program: &Program, launch: &Launch) -> Result<(), LaunchError> {
    if program.functions.is_empty() || program.ordinals.len() != program.functions.len() {
        let message = "a program has a kernel, and an ordinal for each function".to_string();
        return Err(LaunchError::Program(simt_ir::VerifyError { function: String::new(), line: 0, message }));
    }
    verify(program).map_err(LaunchError::Program)?;
    let sides = launch.grid.iter().zip(&launch.cluster);
    let whole_clusters = sides.clone().all(|(grid, cluster)| *cluster != 0 && grid % cluster == 0);
    if !whole_clusters || launch.grid.contains(&0) || launch.block.contains(&0) {
        return Err(LaunchError::EmptyShape);
    }
    let threads = launch.block.iter().fold(1u64, |product, side| product.saturating_mul(u64::from(*side)));
    if threads > u64::from(launch.limits.block_threads) {
        return Err(LaunchError::BlockTooLarge { threads, limit: launch.limits.block_threads });
    }
    let needed = program.kernel().param_bytes;
    if launch.params.len() < needed as usize {
        return Err(LaunchError::ParamsTooShort { given: launch.params.len(), needed });
    }
    let needed = u64::from(program.shared_bytes) + u64::from(launch.dynamic_shared_bytes);
    if needed > u64::from(launch.limits.shared_bytes) {
        return Err(LaunchError::SharedTooLarge { needed, limit: launch.limits.shared_bytes });
    }
    Ok(())
}

/// The address of each global and const symbol; 0 for others.
fn symbol_addresses(program: &Program, launch: &Launch) -> Result<Vec<u64>, LaunchError> {
    let address = |symbol: &simt_ir::Symbol| match symbol.space {
        AddressSpace::Global | AddressSpace::Const => {
            launch.symbols.get(&symbol.name).copied().ok_or_else(|| LaunchError::MissingSymbol(symbol.name.clone()))
        }
        _ => Ok(0),
    };
    program.symbols.iter().map(address).collect()
}
