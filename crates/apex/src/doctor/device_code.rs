//! What a program and its libraries bring for the device: PTX, which runs, or machine code, which does not.

use binary::device_code::functions;
use binary::elf::Elf;
use fatbin::host::is_dispensable;
use fatbin::{Capability, Container, SelectError, select_ptx_of_family};

use super::Finding;

/// Kernels that are named before "and more".
const KERNELS_NAMED: usize = 3;

/// A container that the device cannot run.
struct Refused {
    why: String,
    kernels: Vec<String>,
}

/// The containers of a file.
#[derive(Default)]
struct Survey {
    runnable: usize,
    refused: Vec<Refused>,
    damaged: Vec<String>,
}

/// Checks the program itself: each of its kernels has to have PTX.
pub fn check_program(subject: &str, bytes: &[u8], device: Capability) -> Vec<Finding> {
    let survey = survey(bytes, device);
    let mut findings = damaged(subject, &survey);
    for refused in &survey.refused {
        let remedy = format!(
            "build it with PTX: nvcc -gencode arch=compute_{0},code=compute_{0}, or -arch=compute_75 for every device",
            device.sm()
        );
        findings.push(Finding::problem(subject, format!("{}: {}", named(&refused.kernels), refused.why), remedy));
    }
    if survey.refused.is_empty() && survey.runnable > 0 {
        let what = format!("{} module(s) of device code, all with PTX for {device}", survey.runnable);
        findings.push(Finding::good(subject, what));
    }
    findings
}

/// Checks a library: what it lacks may not be needed.
pub fn check_library(subject: &str, bytes: &[u8], device: Capability) -> Vec<Finding> {
    let survey = survey(bytes, device);
    let mut findings = damaged(subject, &survey);
    match (survey.runnable, survey.refused.as_slice()) {
        (0, []) => {}
        (runnable, []) => {
            findings.push(Finding::good(subject, format!("{runnable} module(s) of device code with PTX")))
        }
        (0, [first, ..]) => findings.push(Finding::problem(
            subject,
            format!("no module of its device code runs on {device}: {}", first.why),
            "use a build of the library with PTX inside",
        )),
        (runnable, [first, ..]) => findings.push(Finding::note(
            subject,
            format!(
                "{runnable} of {} modules of device code have PTX for {device}; of the others, the first: {}",
                runnable + survey.refused.len(),
                first.why
            ),
        )),
    }
    findings
}

fn damaged(subject: &str, survey: &Survey) -> Vec<Finding> {
    let remedy = "build or install it again";
    survey.damaged.iter().map(|what| Finding::problem(subject, what.clone(), remedy)).collect()
}

/// `kernels a, b, c and 4 more`.
fn named(kernels: &[String]) -> String {
    let named = kernels.iter().take(KERNELS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match kernels.len().saturating_sub(KERNELS_NAMED) {
        0 if kernels.len() == 1 => format!("kernel {named}"),
        0 => format!("kernels {named}"),
        more => format!("kernels {named} and {more} more"),
    }
}

/// Reads the device code of an ELF file.
///
/// In a program of relocatable device code, `.nv_fatbin` holds the linked machine code, and `__nv_relfatbin` what the
/// driver links again for another device.
fn survey(bytes: &[u8], device: Capability) -> Survey {
    let mut survey = Survey::default();
    let relocatable = containers(bytes, "__nv_relfatbin", &mut survey.damaged);
    let is_relocatable = !relocatable.is_empty();
    for container in relocatable {
        match select_ptx_of_family(container.images(), device) {
            Ok(_) => survey.runnable += 1,
            // Code of NVIDIA's device runtime comes along whether it is used or not, so that it decides nothing.
            Err(_) if is_dispensable(&container) => {}
            Err(error @ SelectError::Damaged { .. }) => survey.damaged.push(error.to_string()),
            // One file without PTX is enough: all of them are linked.
            Err(error) => survey.refused.push(Refused { why: error.to_string(), kernels: functions(&container) }),
        }
    }
    for container in containers(bytes, ".nv_fatbin", &mut survey.damaged) {
        match select_ptx_of_family(container.images(), device) {
            Ok(_) => survey.runnable += 1,
            Err(SelectError::Empty) => {}
            Err(error @ SelectError::Damaged { .. }) => survey.damaged.push(error.to_string()),
            Err(error) => {
                let kernels = functions(&container);
                // nvcc puts an empty module into every program.
                let has_another_form = kernels.is_empty() || is_relocatable;
                if !has_another_form {
                    survey.refused.push(Refused { why: error.to_string(), kernels });
                }
            }
        }
    }
    survey
}

/// The containers in a section of an ELF file; what is wrong with them goes to `damaged`.
fn containers<'a>(bytes: &'a [u8], section: &str, damaged: &mut Vec<String>) -> Vec<Container<'a>> {
    let contents = Elf::parse(bytes).and_then(|elf| elf.sections_named(section)).unwrap_or_default();
    let mut containers = Vec::new();
    for content in contents {
        match Container::parse_section(content) {
            Ok(parsed) => containers.extend(parsed),
            Err(error) => damaged.push(format!("its section {section} is damaged: {error}")),
        }
    }
    containers
}
