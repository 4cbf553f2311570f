//! Shapes of a kernel's code that were, or may be, found faster by timing than what the compiler chooses.

use std::sync::Arc;

use simt_llvm::Options;

use crate::cache::Cache;
use crate::choice::{Choice, CodeShape};
use crate::module::{Compiled, Error, Module, compiler};

impl Module {
    /// Machine code of a shape that is not the compiler's own choice for `options`. Nothing is kept in memory, and nobody is kept from compiling
    /// the same at the same time.
    ///
    /// # Errors
    /// As for [`compile`](Module::compile); [`Error::Unsupported`] when the kernel cannot have this shape.
    pub fn compile_shape(&self, name: &str, options: Options, shape: CodeShape) -> Result<Arc<Compiled>, Error> {
        let compiled = self.compile_now(name, shape.options(options))?;
        match compiled.code().lanes == shape.lanes {
            true => Ok(Arc::new(compiled)),
            false => Err(Error::Unsupported(format!("kernel {name} cannot be computed with {}", shape.lanes))),
        }
    }

    /// Shapes that differ from `shape` in one thing, what promises most first.
    ///
    /// # Errors
    /// When the kernel's body is wrong.
    pub fn neighbours(&self, name: &str, options: Options, shape: CodeShape) -> Result<Vec<CodeShape>, Error> {
        let lowered = self.lowered(name, options.instrument)?;
        let choices = compiler(self.config.cpu).lane_choices(&lowered.0, &options);
        let at = choices.iter().position(|lanes| *lanes == shape.lanes);
        let other = |index: Option<usize>| choices.get(index?).map(|lanes| CodeShape { lanes: *lanes });
        let (more, fewer) = (at.map(|at| at + 1), at.and_then(|at| at.checked_sub(1)));
        Ok([other(more), other(fewer)].into_iter().flatten().collect())
    }

    /// What was found by timing for these options, in this or an earlier process.
    pub fn choice(&self, name: &str, options: Options) -> Option<Choice> {
        Choice::decode(&Cache::new(&self.config.cache).read(&self.choice_key(name, options))?)
    }

    /// Keeps what was found by timing, for this and later processes.
    pub fn keep_choice(&self, name: &str, options: Options, choice: &Choice) {
        Cache::new(&self.config.cache).write(&self.choice_key(name, options), &choice.encode());
    }

    fn choice_key(&self, name: &str, options: Options) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"choice\0");
        hasher.update(self.key(name, options).as_bytes());
        hasher.finalize()
    }
}
