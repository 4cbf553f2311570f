//! The environment variables of the project, declared once: for the code that reads them, the documentation and
//! `apex doctor`.

use std::sync::OnceLock;

/// An environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it changes, in a sentence.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($(#[doc = $doc:literal])* $ident:ident = $name:literal, default $default:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $ident: Variable = Variable { name: $name, default: $default, meaning: $meaning };)*

        /// Every variable that the project reads.
        pub const VARIABLES: &[Variable] = &[$($ident,)*];
    };
}

variables! {
    BACKEND = "APEX_BACKEND", default "auto",
        "What answers the program: `nvidia` (NVIDIA's driver), `software` (the software GPU) or `auto` (NVIDIA's driver where there are a card and its library, unless a variable asks for something that only the software GPU has).";
    REAL_LIBCUDA = "APEX_REAL_LIBCUDA", default "(what the loader would take)",
        "Path of NVIDIA's `libcuda.so.1`.";
    SM = "APEX_SM", default "12.0",
        "Compute capability that the device presents, from 7.5 to 12.0.";
    PRESENT_SM = "APEX_PRESENT_SM", default "(the device's own)",
        "Compute capability that older devices are presented with, up to 12.1: PTX for it is made into PTX for the device when it is loaded.";
    DEVICE = "APEX_DEVICE", default "(by APEX_SM)",
        "Device profile to present: the name of a profile (`h200`, `rtx5090`, ...) or the path of a profile file.";
    DEVICE_COUNT = "APEX_DEVICE_COUNT", default "1",
        "Number of devices to present.";
    MEMORY = "APEX_MEMORY", default "(half of the machine's memory)",
        "Memory of each device, in bytes or with a suffix K, M, G.";
    WORKERS = "APEX_WORKERS", default "(one for each CPU)",
        "Number of threads that execute kernels.";
    DRIVER_VERSION = "APEX_DRIVER_VERSION", default "13000",
        "Driver version to report: 1000 times the major version plus 10 times the minor one.";
    CACHE_PATH = "APEX_CACHE_PATH", default "$XDG_CACHE_HOME/apex",
        "Folder of the machine code cache; empty turns the cache off.";
    CACHE_SIZE = "APEX_CACHE_SIZE", default "1G",
        "Largest size of the machine code cache, in bytes or with a suffix K, M, G.";
    CPU = "APEX_CPU", default "host",
        "Instructions that machine code may use: host, x86-64-v2, x86-64-v3 (AVX2) or x86-64-v4 (AVX-512).";
    DUMP = "APEX_DUMP", default "(none)",
        "Stages of compilation to write into the folder `apex-dump` for each kernel, separated by commas: ptx, ir, llvm, asm; and times, of loading modules and compiling kernels.";
    COUNTERS = "APEX_COUNTERS", default "0",
        "With 1, exact counters of all kernels, as a table on stderr at exit; with the path of a file, in that file as JSON too.";
    CHECK = "APEX_CHECK", default "(none)",
        "Checks of all kernels, separated by commas: memory, race, init, sync, or all.";
    CHECK_REPORT = "APEX_CHECK_REPORT", default "(none)",
        "File that gets what the checks find, as JSON; `%p` in its name stands for the process.";
    ADAPT = "APEX_ADAPT", default "1",
        "With 0, a kernel's code depends on the kernel and the size of its block alone: no other shape of it is timed, and nothing that was found by timing is used. With `report`, what is timed and what it gains is told on stderr at exit.";
    TIER = "APEX_TIER", default "auto",
        "How long kernels are compiled: `auto` compiles quickly before the first launch, and again, for speed, while a kernel that has run for some time goes on; `quick` and `full` do one or the other alone. With APEX_ADAPT=0 the default is `full`.";
    RECORD = "APEX_RECORD", default "(none)",
        "File that gets a recording of launches, copies, allocations and more, for `apex report` and `apex export`; `%p` in its name stands for the process.";
    RECORD_BUFFER = "APEX_RECORD_BUFFER", default "1M",
        "Size of the buffer that each thread records into, from 4K to 1G; what finds it full is not recorded, and counted.";
    CALL_TIMES = "APEX_CALL_TIMES", default "sampled",
        "With `all`, a recording reads the clock after each launch. Otherwise, where a thread launches again and again, after one in 32, and takes the others to have lasted as long; the clock is read before each in any case.";
    DEVICE_TIMES = "APEX_DEVICE_TIMES", default "0",
        "With 1, a recording in front of NVIDIA's driver has the times of launches, copies and sets on the device: by CUPTI where it can be had, otherwise by events. `cupti` and `events` ask for one of the two. On the software GPU a recording has them in any case.";
    CUPTI = "APEX_CUPTI", default "(the program's own, or the toolkit's)",
        "Path of NVIDIA's `libcupti.so`, for APEX_DEVICE_TIMES.";
    LIVE = "APEX_LIVE", default "0",
        "With 1, counts of launches, copies, memory and more are published in shared memory while the program runs, for `apex top` and `apex serve`; with the path of a folder, in that folder instead of `/dev/shm`.";
    QUIET = "APEX_QUIET", default "0",
        "With 1, no line on stderr about functions that are not implemented, or that NVIDIA's driver has and the table lacks.";
}

impl Variable {
    /// The value, if the variable is set to something that is text and not empty. Where an empty value has a meaning,
    /// as for [`CACHE_PATH`], the caller asks [`is_empty`](Variable::is_empty) as well.
    pub fn get(&self) -> Option<String> {
        std::env::var(self.name).ok().filter(|value| !value.is_empty())
    }

    /// Whether the variable is set, to nothing.
    pub fn is_empty(&self) -> bool {
        std::env::var_os(self.name).is_some_and(|value| value.is_empty())
    }
}

/// Whether `APEX_QUIET` asks for silence. Read once.
pub fn is_quiet() -> bool {
    static QUIET_SET: OnceLock<bool> = OnceLock::new();
    *QUIET_SET.get_or_init(|| QUIET.get().is_some_and(|value| value != "0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_the_project_s() {
        for (index, variable) in VARIABLES.iter().enumerate() {
            assert!(variable.name.starts_with("APEX_"), "{} has another prefix", variable.name);
            assert!(variable.meaning.ends_with('.'), "{} is not described in a sentence", variable.name);
            assert!(VARIABLES[..index].iter().all(|earlier| earlier.name != variable.name), "{} twice", variable.name);
        }
    }
}
