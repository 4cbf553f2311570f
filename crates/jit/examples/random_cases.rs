//! Prints random PTX programs for a card to answer, one as JSON in a line: `random_cases SEEDS FAMILY...`, with seeds from 0.
//!
//! `tests/data/record_on_gpu.py` takes them.

use simt_interp::random::Family;
use simt_interp::random_ptx;

#[path = "../tests/common/digest.rs"]
mod digest;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let families: Vec<Family> =
        Family::ALL.into_iter().filter(|family| arguments.contains(&format!("{family:?}"))).collect();
    let Some(seeds) = arguments.first().and_then(|seeds| seeds.parse::<u64>().ok()).filter(|_| !families.is_empty())
    else {
        eprintln!("usage: random_cases SEEDS FAMILY..., where FAMILY is one of {:?}", Family::ALL);
        std::process::exit(2);
    };
    for family in families {
        for seed in 0..seeds {
            let case = random_ptx::module(family, seed);
            let inputs: String = case.inputs.iter().map(|word| format!("{word:016x}")).collect();
            let line = serde_json::json!({
                "family": format!("{family:?}"),
                "seed": seed,
                "digest": digest::of(&case),
                "blocks": case.blocks,
                "threads": case.threads,
                "output_words": case.output_len(),
                "inputs": inputs,
                "code": case.code,
            });
            println!("{line}");
        }
    }
}
