//! Where CUPTI is: the library that the program itself would use comes first, as there can be one only in a process.

use driver_api::env;
use std::path::{Path, PathBuf};

/// Sonames, the newest first.
const NAMES: [&str; 3] = ["libcupti.so.13", "libcupti.so.12", "libcupti.so.11.8"];
/// Where a folder `nvidia` of Python packages has it: CUDA 13, and before.
const IN_PACKAGES: [&str; 2] = ["cu13/lib", "cuda_cupti/lib"];
/// Where a toolkit has it, beside its `lib64`.
const IN_TOOLKITS: [&str; 4] = ["lib64", "lib", "targets/x86_64-linux/lib", "extras/CUPTI/lib64"];

/// The paths to try, best first: what the loader has already, what lies beside the program's other CUDA libraries, names for the loader's
/// own search, and the toolkit. One that the environment names stands alone.
pub(super) fn candidates() -> Vec<PathBuf> {
    if let Some(path) = env::CUPTI.get() {
        return vec![path.into()];
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut loaded: Vec<&Path> =
        maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..]))).collect();
    loaded.dedup();
    in_process(&loaded, Path::new("/usr/local/cuda"))
}

fn in_process(loaded: &[&Path], toolkit: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = loaded.iter().filter(|path| is_cupti(path)).map(|path| path.to_path_buf()).collect();
    for library in loaded {
        for folder in library.ancestors().skip(1) {
            match folder.file_name().and_then(|name| name.to_str()) {
                Some("nvidia") => add_all(folder, &IN_PACKAGES, &mut paths),
                Some("torch") => {
                    let packages = folder.with_file_name("nvidia");
                    add_all(&packages, &IN_PACKAGES, &mut paths);
                }
                Some(name) if name.starts_with("cuda-") => add_all(folder, &IN_TOOLKITS, &mut paths),
                _ => {}
            }
        }
    }
    paths.extend(NAMES.map(PathBuf::from));
    add_all(toolkit, &IN_TOOLKITS, &mut paths);
    let mut seen = std::collections::HashSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}

fn is_cupti(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libcupti.so"))
}

/// Adds the libraries that there are in some folders of a folder.
fn add_all(root: &Path, folders: &[&str], paths: &mut Vec<PathBuf>) {
    let all = folders.iter().flat_map(|folder| NAMES.map(|name| root.join(folder).join(name)));
    paths.extend(all.filter(|path| path.is_file()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_s_own_comes_first() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let packaged = make("site-packages/nvidia/cu13/lib/libcupti.so.13");
        let older = make("cuda-12.8/extras/CUPTI/lib64/libcupti.so.12");
        let toolkit = make("toolkit/lib64/libcupti.so.13");
        let torch = root.path().join("site-packages/torch/lib/libtorch_cuda.so");
        let runtime = root.path().join("cuda-12.8/lib64/libcudart.so.12");
        let own = Path::new("/somewhere/libcupti.so.12");
        let found = in_process(&[&torch, own, &runtime], &root.path().join("toolkit"));
        let names = NAMES.map(PathBuf::from);
        let expected: Vec<PathBuf> =
            [own.to_path_buf(), packaged, older].into_iter().chain(names).chain([toolkit]).collect();
        assert_eq!(found, expected);
    }
}
