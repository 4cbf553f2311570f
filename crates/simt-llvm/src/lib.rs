//! Machine code for simt-ir through LLVM; the only crate that links LLVM.
