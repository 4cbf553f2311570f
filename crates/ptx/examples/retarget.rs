//! Makes PTX into PTX for an older card: `cargo run -p ptx --example retarget -- 90 9.0 < new.ptx > old.ptx`.
//!
//! What was replaced goes to stderr.

use std::io::Read;
use std::process::ExitCode;

use ptx::ast::Version;
use ptx::retarget::{Card, retarget};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let card = match arguments.as_slice() {
        [sm, version] => sm.parse().ok().zip(version.split_once('.')).and_then(|(sm, (major, minor))| {
            let version_max = Version { major: major.parse().ok()?, minor: minor.parse().ok()? };
            Some(Card { sm, version_max })
        }),
        _ => None,
    };
    let Some(card) = card else {
        eprintln!("give the compute capability of the card (90) and the version of PTX that its driver takes (9.0)");
        return ExitCode::FAILURE;
    };
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        eprintln!("cannot read the PTX: {error}");
        return ExitCode::FAILURE;
    }
    match retarget(&text, &card) {
        Ok(result) => {
            for replaced in &result.replaced {
                eprintln!("line {}: {} is replaced", replaced.line, replaced.instruction);
            }
            print!("{}", result.text);
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::FAILURE
        }
    }
}
