//! The environment variables that concern the device, read once by `cuInit`.

use checkers::Checks;
use device_model::{ComputeCapability, Profile};
use driver_api::env;
use jit::{CacheConfig, CpuLevel, Stage};
use std::path::PathBuf;

/// Most devices that can be presented.
pub(crate) const DEVICES_MAX: usize = 64;
/// Size of the cache of machine code in bytes, unless set otherwise.
const CACHE_BYTES_DEFAULT: u64 = 1 << 30;
/// Least memory of a device in bytes.
const MEMORY_MIN: u64 = 16 << 20;

/// What the user set.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) profile: Profile,
    pub(crate) devices: usize,
    /// Memory of each device in bytes.
    pub(crate) memory_bytes: u64,
    /// Threads that execute kernels; `None` for one for each CPU.
    pub(crate) workers: Option<usize>,
    /// How kernels are compiled.
    pub(crate) jit: jit::Config,
    /// Whether kernels are counted.
    pub(crate) counters: Option<CountersSetting>,
    /// Whether kernels are checked.
    pub(crate) check: Option<CheckSetting>,
    /// Whether faster code is looked for while kernels run.
    pub(crate) adapt: AdaptSetting,
    /// How much time the compiler takes.
    pub(crate) tier: Tier,
}

/// How much time the compiler takes for a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tier {
    /// Little before the first launch; as much as fast code needs while the kernel runs, once it has run for some time.
    Auto,
    /// Little.
    Quick,
    /// As much as fast code needs.
    Full,
}

/// Whether faster code is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdaptSetting {
    Off,
    On,
    /// On, and what is found is shown at exit.
    Report,
}

/// Where counters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CountersSetting {
    /// To stderr, as a table.
    Table,
    /// To a file as JSON too.
    File(PathBuf),
}

/// What is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckSetting {
    pub(crate) checks: Checks,
    /// The file that gets the findings as JSON.
    pub(crate) report: Option<PathBuf>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// In words, when a variable cannot be understood.
    pub(crate) fn read() -> Result<Settings, String> {
        let profile = profile()?;
        let half = physical_memory_bytes() / 2;
        let memory_bytes = match env::MEMORY.get() {
            None => profile.memory_bytes.min(half).max(MEMORY_MIN),
            Some(text) => size_in_bytes(&text)
                .filter(|&bytes| bytes >= MEMORY_MIN)
                .ok_or_else(|| format!("{}={text} is not a size of at least 16M, such as 8G", env::MEMORY.name))?,
        };
        let devices = count(&env::DEVICE_COUNT, DEVICES_MAX)?.unwrap_or(1);
        let (counters, check) = (counters(), check()?);
        if counters.is_some() && check.is_some() {
            return Err(format!(
                "{} and {} do not go together: run the program twice",
                env::COUNTERS.name,
                env::CHECK.name
            ));
        }
        let workers = count(&env::WORKERS, simt::WORKERS_MAX)?;
        let adapt = adapt()?;
        Ok(Settings {
            profile,
            devices,
            memory_bytes,
            workers,
            jit: jit::Config { cache: cache()?, cpu: cpu()?, dump: dump()? },
            counters,
            check,
            adapt,
            tier: tier(adapt)?,
        })
    }
}

/// The card that `APEX_DEVICE` names, with the compute capability that `APEX_SM` names.
fn profile() -> Result<Profile, String> {
    let profile = match env::DEVICE.get() {
        Some(name) => Profile::find_or_read(&name).map_err(|error| error.to_string())?,
        None => Profile::default(),
    };
    let Some(text) = env::SM.get() else { return Ok(profile) };
    let capability: ComputeCapability = text.parse().map_err(|error| format!("{}: {error}", env::SM.name))?;
    profile.with_capability(capability).map_err(|error| error.to_string())
}

/// Where machine code is kept: `APEX_CACHE_PATH`, or a folder where the user's caches are; nowhere if that is empty.
fn cache() -> Result<CacheConfig, String> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let path = match std::env::var_os(env::CACHE_PATH.name) {
        Some(path) if path.is_empty() => None,
        Some(path) => Some(PathBuf::from(path)),
        None => {
            folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache"))).map(|cache| cache.join("apex"))
        }
    };
    let bytes_max = match env::CACHE_SIZE.get() {
        None => CACHE_BYTES_DEFAULT,
        Some(text) => {
            size_in_bytes(&text).ok_or_else(|| format!("{}={text} is not a size such as 512M", env::CACHE_SIZE.name))?
        }
    };
    Ok(CacheConfig { path, bytes_max })
}

/// The instructions that `APEX_CPU` allows.
fn cpu() -> Result<CpuLevel, String> {
    let Some(text) = env::CPU.get() else { return Ok(CpuLevel::Host) };
    text.parse().map_err(|error| format!("{}: {error}", env::CPU.name))
}

/// The stages of compilation that `APEX_DUMP` asks for.
fn dump() -> Result<Vec<Stage>, String> {
    let list = env::DUMP.get().unwrap_or_default();
    Stage::parse_list(&list).map_err(|name| {
        let stages = Stage::ALL.map(Stage::name).join(", ");
        format!("{}: {name} is no stage of compilation; there are: {stages}", env::DUMP.name)
    })
}

/// What `APEX_COUNTERS` asks for.
fn counters() -> Option<CountersSetting> {
    match env::COUNTERS.get()?.as_str() {
        "0" => None,
        "1" => Some(CountersSetting::Table),
        // The program may go to another folder before it exits.
        path => Some(CountersSetting::File(absolute(path))),
    }
}

/// What `APEX_CHECK` and `APEX_CHECK_REPORT` ask for.
fn check() -> Result<Option<CheckSetting>, String> {
    let Some(list) = env::CHECK.get().filter(|list| list != "0") else { return Ok(None) };
    let checks = Checks::parse(&list).map_err(|name| {
        format!("{}: {name} is no check; there are: {}, all", env::CHECK.name, Checks::NAMES.join(", "))
    })?;
    let report = env::CHECK_REPORT.get().map(|path| absolute(&path));
    Ok(checks.any().then_some(CheckSetting { checks, report }))
}

/// What `APEX_ADAPT` asks for.
fn adapt() -> Result<AdaptSetting, String> {
    match env::ADAPT.get().as_deref() {
        Some("0") => Ok(AdaptSetting::Off),
        None | Some("1") => Ok(AdaptSetting::On),
        Some("report") => Ok(AdaptSetting::Report),
        Some(text) => Err(format!("{}={text} is none of 0, 1 and report", env::ADAPT.name)),
    }
}

/// What `APEX_TIER` asks for.
fn tier(adapt: AdaptSetting) -> Result<Tier, String> {
    match env::TIER.get().as_deref() {
        Some("quick") => Ok(Tier::Quick),
        Some("full") => Ok(Tier::Full),
        // Nothing is exchanged then.
        None | Some("auto") if adapt == AdaptSetting::Off => Ok(Tier::Full),
        None | Some("auto") => Ok(Tier::Auto),
        Some(text) => Err(format!("{}={text} is none of auto, quick and full", env::TIER.name)),
    }
}

fn absolute(path: &str) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

fn count(variable: &env::Variable, most: usize) -> Result<Option<usize>, String> {
    let Some(text) = variable.get() else { return Ok(None) };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
        _ => Err(format!("{}={text} is not a number from 1 to {most}", variable.name)),
    }
}

/// A size such as `512M`, `8G` or `1048576`.
fn size_in_bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text[digits.len()..].trim().to_ascii_uppercase().as_str() {
        "" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn physical_memory_bytes() -> u64 {
    // SAFETY: asks for two numbers.
    let (pages, page) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    u64::try_from(pages).unwrap_or(0) * u64::try_from(page).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let sizes = ["1048576", "512M", "8G", "2 GiB", "1t"].map(size_in_bytes);
        assert_eq!(sizes, [Some(1 << 20), Some(512 << 20), Some(8 << 30), Some(2 << 30), Some(1 << 40)]);
        assert_eq!(["", "G", "1.5G", "12X", "99999999999G"].map(size_in_bytes), [None; 5]);
    }
}
