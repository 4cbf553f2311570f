//! Occupancy as NVIDIA's driver told it on cards: kernels of the CUDA cases in many shapes.
//!
//! `filetests/occupancy_on_gpu.py` makes the files, on a machine with a card, and compares the records of launches with the driver there.

use device_model::occupancy::{Carveout, KernelResources};
use device_model::{ComputeCapability, Limits};
use serde_json::Value;

/// Files, and the capability of their card.
const RECORDED: &[(&str, ComputeCapability)] =
    &[(include_str!("data/occupancy-h100.json"), ComputeCapability { major: 9, minor: 0 })];

#[test]
fn the_driver_s_answers_are_ours() {
    for (text, capability) in RECORDED {
        let recorded: Value = serde_json::from_str(text).unwrap();
        let limits = Limits::of(*capability);
        let pairs = recorded["pairs"].as_array().unwrap();
        assert!(pairs.len() >= 1000 && recorded["differing"] == 0, "{}", recorded["card"]);
        for pair in pairs {
            let numbers: Vec<i64> = pair.as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect();
            let [registers, r#static, threads, dynamic, raised, carveout, blocks] = numbers[..] else {
                panic!("{pair} is no pair")
            };
            let kernel = KernelResources {
                registers_per_thread: registers as u32,
                static_shared_bytes: r#static as u32,
                shared_opt_in: raised != 0,
                carveout: Carveout::from_attribute(carveout as i32).unwrap(),
                ..KernelResources::default()
            };
            let ours = limits.occupancy(&kernel, threads as u32, dynamic as u64).active_blocks;
            assert_eq!(i64::from(ours), blocks, "{} {pair}", recorded["card"]);
        }
    }
}
