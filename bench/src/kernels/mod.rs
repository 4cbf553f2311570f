//! The kernel benchmarks. A new one is a folder in `kernels/`, a file here and a line in the list below.

mod aes;
mod bfs;
mod black_scholes;
mod conv2d;
mod fft1d;
mod gemm_f16_mma;
mod histogram;
mod layer_norm;
mod mandelbrot;
mod monte_carlo;
mod nbody;
mod radix_sort;
mod reduce;
mod saxpy;
mod scan;
mod sgemm;
mod sgemm_blocked;
mod sgemm_naive;
mod sha256d;
mod smith_waterman;
mod softmax;
mod spmv_csr;
mod stencil2d;
mod string_match;
mod transpose;

use anyhow::{Context, Result};

use crate::workload::Workload;

/// All of them, in the order of the table.
pub fn all() -> Vec<Workload> {
    vec![
        saxpy::workload(),
        sgemm::workload(),
        sgemm_naive::workload(),
        sgemm_blocked::workload(),
        gemm_f16_mma::workload(),
        reduce::workload(),
        nbody::workload(),
        mandelbrot::workload(),
        histogram::workload(),
        transpose::workload(),
        stencil2d::workload(),
        black_scholes::workload(),
        scan::workload(),
        radix_sort::workload(),
        spmv_csr::workload(),
        bfs::workload(),
        fft1d::workload(),
        conv2d::workload(),
        softmax::workload(),
        layer_norm::workload(),
        sha256d::workload(),
        aes::workload(),
        monte_carlo::workload(),
        smith_waterman::workload(),
        string_match::workload(),
    ]
}

/// The one with this name.
///
/// # Errors
/// When there is none.
pub fn by_name(name: &str) -> Result<Workload> {
    all().into_iter().find(|workload| workload.name == name).with_context(|| format!("there is no kernel {name}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::workload::Argument;

    #[test]
    fn each_has_its_sources_and_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for workload in all() {
            assert!(names.insert(workload.name), "two kernels are called {}", workload.name);
            for file in ["kernel.cu", "kernel.cl", "native.c"] {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels").join(workload.name).join(file);
                assert!(path.is_file(), "{} is missing", path.display());
            }
        }
    }

    #[test]
    fn arguments_name_buffers_that_exist_and_something_is_checked() {
        for workload in all() {
            let launched = workload.launches.iter().flat_map(|launch| &launch.arguments);
            for argument in launched.chain(&workload.native) {
                if let Argument::Buffer(index) = argument {
                    assert!(*index < workload.buffers.len(), "{} has no buffer {index}", workload.name);
                }
            }
            assert!(workload.buffers.iter().any(|buffer| buffer.tolerance.is_some()), "{}", workload.name);
        }
    }
}
