//! Our own `libcuda.so.1`, loaded as any program loads it.

use std::ffi::CStr;

use anyhow::{Context, Result, bail};
use cuda_abi::CUresult;
use libloading::{Library, Symbol};

use crate::library;

/// The library, loaded.
pub struct Api {
    library: Library,
}

impl Api {
    /// Loads `libcuda.so.1` from where it is installed; its path comes with it.
    ///
    /// # Errors
    /// When it is not there or cannot be loaded.
    pub fn load() -> Result<(Self, String)> {
        let path = library::folder()?.join(library::LIBRARY_NAME);
        // SAFETY: it is our own library, whose initialisers do nothing but set up its statics.
        let library = unsafe { Library::new(&path) }.with_context(|| format!("cannot load {}", path.display()))?;
        Ok((Self { library }, path.display().to_string()))
    }

    /// A function of the driver API.
    ///
    /// # Safety
    /// `F` is the function's type.
    pub unsafe fn function<F>(&self, name: &CStr) -> Result<Symbol<'_, F>> {
        // SAFETY: the caller's promise.
        unsafe { self.library.get(name.to_bytes_with_nul()) }
            .with_context(|| format!("the library lacks {}", name.to_string_lossy()))
    }

    /// Calls a function whose parameters are `call`'s to fill in.
    ///
    /// # Safety
    /// `F` is the function's type, and `call` keeps to the function's contract.
    pub unsafe fn call<F>(&self, name: &CStr, call: impl FnOnce(&F) -> CUresult) -> Result<()> {
        // SAFETY: the caller's promise.
        let function = unsafe { self.function::<F>(name) }?;
        match call(&function) {
            CUresult::CUDA_SUCCESS => Ok(()),
            error => bail!("{} answers {error:?}", name.to_string_lossy()),
        }
    }
}
