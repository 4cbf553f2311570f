//! Kernels and programs as people know them.

/// Most bytes of a label. Names beyond are cut, and end with a number made of all of it, so that names that begin alike differ.
pub const LABEL_BYTES_MAX: usize = 240;

/// A kernel's name as in the source, where it is mangled.
pub fn demangled(name: &str) -> String {
    match cpp_demangle::Symbol::new(name) {
        // Kernels of C++ are functions; a plain name may look like a mangled type.
        Ok(symbol) if name.starts_with("_Z") => symbol.demangle().unwrap_or_else(|_| name.to_owned()),
        _ => name.to_owned(),
    }
}

/// A kernel's name as a label: demangled, and not too long.
pub fn kernel_label(name: &str) -> String {
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    limited(&demangled(name), name)
}

/// `text`, cut if it is long; `whole` tells it from others that are cut to the same.
fn limited(text: &str, whole: &str) -> String {
    if text.len() <= LABEL_BYTES_MAX {
        return text.to_owned();
    }
    let mut length = LABEL_BYTES_MAX - 12;
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    format!("{}…{:08x}", &text[..length], hash(whole))
}

/// A number that texts that differ have in common hardly ever.
pub fn hash(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

/// A program's name from its command line: that of the file, and of the script that an interpreter runs. Its arguments are nobody's
/// business: they may hold secrets.
pub fn program_label(command: &str) -> String {
    let mut words = command.split_whitespace();
    let file = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    let program = words.next().map(file).unwrap_or_default();
    let script = words.find(|word| !word.starts_with('-')).filter(|word| word.ends_with(".py"));
    let label = match script {
        Some(script) if program.starts_with("python") => format!("{program} {}", file(script)),
        _ => program,
    };
    limited(&label, command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_demangled() {
        assert_eq!(demangled("_Z3redPfi"), "red(float*, int)");
        assert_eq!(demangled("_Z3addIfEvPKT_S2_PS0_i"), "void add<float>(float const*, float const*, float*, int)");
        assert_eq!(demangled("triton_poi_fused_add_0"), "triton_poi_fused_add_0");
        assert_eq!(demangled("_Z"), "_Z");
        assert_eq!(demangled(""), "");
    }

    #[test]
    fn labels_are_short_and_differ() {
        let names = [format!("{}a", "ä".repeat(300)), format!("{}b", "ä".repeat(300))];
        let labels = [kernel_label(&names[0]), kernel_label(&names[1])];
        assert!(labels.iter().all(|label| label.len() <= LABEL_BYTES_MAX) && labels[0] != labels[1], "{labels:?}");
        assert_eq!([kernel_label("k"), kernel_label("")], ["k", "(no name)"]);
    }

    #[test]
    fn programs_are_told_without_their_arguments() {
        let labels = [
            "/usr/bin/app --token=secret file.py",
            "/opt/venv/bin/python3 -u work/train.py --key secret",
            "python3 -c import",
            "",
        ]
        .map(program_label);
        assert_eq!(labels, ["app", "python3 train.py", "python3", ""]);
    }
}
