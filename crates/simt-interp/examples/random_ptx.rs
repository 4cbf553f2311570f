//! Prints random PTX: `random_ptx FAMILY SEED`, with the names of `simt_interp::random::Family`.

use simt_interp::random::Family;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let family =
        arguments.get(1).and_then(|name| Family::ALL.into_iter().find(|family| format!("{family:?}") == *name));
    let seed = arguments.get(2).and_then(|seed| seed.parse().ok());
    match (family, seed) {
        (Some(family), Some(seed)) => print!("{}", simt_interp::random_ptx::module(family, seed).code),
        _ => {
            eprintln!("usage: random_ptx FAMILY SEED, where FAMILY is one of {:?}", Family::ALL);
            std::process::exit(2);
        }
    }
}
