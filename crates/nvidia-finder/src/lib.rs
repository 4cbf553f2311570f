//! Where NVIDIA's `libcuda.so.1` is, whether there is a card, and which back end follows from that.
//!
//! Nothing here starts a driver. A process whose driver has been started by somebody else than the program is not the
//! program's own any more: its children after `fork` could not use CUDA, and a card would be woken for one that may never
//! be used. So the evidence is what can be seen from outside: files and device nodes.
//!
//! - [`find`]: the library that the loader would take if ours were not there,
//! - [`has_card`]: the device nodes of NVIDIA's kernel driver,
//! - [`version`]: the version of a library that was found,
//! - [`decide`]: the back end, from these and the environment.
//!
//! Invariant: loads no library, opens no device, and keeps no state.

mod elf;
mod loader_cache;
mod search;

pub use elf::{NOTE_NAME, NOTE_SIZE, is_apex, note};
pub use search::{NotFound, find};

use driver_api::{Backend, env, software_wish};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where device nodes are.
pub const DEVICES: &str = "/dev";

/// What was decided, and why.
#[derive(Debug)]
pub enum Decision {
    /// The software GPU, for this reason.
    Software(String),
    /// NVIDIA's library.
    Nvidia {
        /// Where it is.
        path: PathBuf,
        /// Why it.
        reason: String,
    },
    /// NVIDIA's driver was asked for, and this is in the way.
    Impossible(String),
}

/// The back end that the environment asks for, on this machine.
pub fn decide() -> Decision {
    decide_for(Backend::asked_for(), Path::new(DEVICES))
}

fn decide_for(asked_for: Result<Backend, String>, devices: &Path) -> Decision {
    match asked_for {
        Err(wrong) => Decision::Impossible(wrong),
        Ok(Backend::Software) => Decision::Software(format!("{}=software", env::BACKEND.name)),
        Ok(Backend::Nvidia) => match find() {
            Ok(path) => Decision::Nvidia { path, reason: format!("{}=nvidia", env::BACKEND.name) },
            Err(reason) => Decision::Impossible(reason.to_string()),
        },
        Ok(Backend::Auto) => match software_wish() {
            Some(wish) => Decision::Software(format!("{} is set", wish.name)),
            None if !has_card(devices) => Decision::Software("there is no NVIDIA card".to_owned()),
            None => match find() {
                Ok(path) => Decision::Nvidia { path, reason: "there are a card and its library".to_owned() },
                Err(reason) => Decision::Software(reason.to_string()),
            },
        },
    }
}

/// The version of NVIDIA's library, as its file is named: `580.159.04`. None where it is named otherwise.
pub fn version(library: &Path) -> Option<&str> {
    let version = library.file_name()?.to_str()?.strip_prefix("libcuda.so.")?;
    let is_version = version.contains('.') && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_version.then_some(version)
}

/// Whether this process may use a card of NVIDIA's, by the device nodes in `devices` (`/dev`): `nvidiactl` and one of
/// `nvidia0`, `nvidia1`, ...; or `dxg`, by which Windows lends its card to Linux. Nothing is opened: that alone may wake a card.
pub fn has_card(devices: &Path) -> bool {
    if is_usable(&devices.join("dxg")) {
        return true;
    }
    let is_card = |name: &str| {
        name.strip_prefix("nvidia")
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let cards = std::fs::read_dir(devices).into_iter().flatten().flatten();
    let mut cards = cards.filter(|entry| entry.file_name().to_str().is_some_and(is_card));
    is_usable(&devices.join("nvidiactl")) && cards.any(|entry| is_usable(&entry.path()))
}

/// Whether this process may read and write a node.
fn is_usable(node: &Path) -> bool {
    let Ok(path) = CString::new(node.as_os_str().as_bytes()) else { return false };
    // SAFETY: the path ends with a null byte.
    unsafe { libc::access(path.as_ptr(), libc::R_OK | libc::W_OK) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_a_control_node_and_a_node_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = |name: &str| std::fs::write(folder.path().join(name), "").expect("a file");
        assert!(!has_card(folder.path()));
        make("nvidiactl");
        make("nvidia-uvm");
        make("nvidia");
        assert!(!has_card(folder.path()), "the control node alone is there without a card too");
        make("nvidia12");
        assert!(has_card(folder.path()));
        std::fs::remove_file(folder.path().join("nvidiactl")).expect("removed");
        assert!(!has_card(folder.path()));
        make("dxg");
        assert!(has_card(folder.path()));
    }

    #[test]
    fn without_a_card_auto_is_the_software_gpu() {
        let folder = tempfile::tempdir().expect("a folder");
        let decision = decide_for(Ok(Backend::Auto), folder.path());
        assert!(matches!(decision, Decision::Software(_)), "{decision:?}");
    }

    #[test]
    fn a_library_s_file_has_its_version() {
        let of = |path| version(Path::new(path)).map(str::to_owned);
        assert_eq!(of("/usr/lib64/libcuda.so.580.159.04").as_deref(), Some("580.159.04"));
        assert_eq!(of("/usr/lib/wsl/lib/libcuda.so.1"), None);
        assert_eq!(of("/opt/libcuda.so.1.old"), None);
        assert_eq!(of("/opt/libother.so.580.1"), None);
    }

    #[test]
    fn a_misspelt_back_end_is_none() {
        let wrong = decide_for(Err("wrong".to_owned()), Path::new(DEVICES));
        assert!(matches!(&wrong, Decision::Impossible(reason) if reason == "wrong"), "{wrong:?}");
    }
}
