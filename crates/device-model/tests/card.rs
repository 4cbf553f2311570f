//! Occupancy as NVIDIA's driver answered it on a card: kernels of the CUDA cases in many shapes, by `filetests/occupancy_on_gpu.py`.

use device_model::occupancy::{Carveout, KernelResources};
use device_model::{ComputeCapability, Limits};
use serde_json::Value;

const H100: &str = include_str!("data/occupancy-h100.json");

#[test]
fn occupancy_is_the_drivers() {
    let told: Value = serde_json::from_str(H100).unwrap();
    let columns = ["registers", "static", "threads", "dynamic", "raised", "carveout", "blocks_max", "blocks"];
    assert_eq!(told["columns"], Value::from(columns.to_vec()));
    let limits = Limits::of(ComputeCapability::new(9, 0));
    let pairs = told["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 1000);
    let mut by_barriers = 0;
    for pair in pairs {
        let number = |column: usize| pair[column].as_i64().unwrap();
        let kernel = KernelResources {
            registers_per_thread: number(0) as u32,
            static_shared_bytes: number(1) as u32,
            shared_opt_in: number(4) != 0,
            carveout: Carveout::from_attribute(number(5) as i32).unwrap(),
            ..KernelResources::default()
        };
        let barriers = limits.barriers_of(&kernel, number(6) as u32);
        by_barriers += u32::from(barriers > 1);
        let kernel = KernelResources { barriers, ..kernel };
        let occupancy = limits.occupancy(&kernel, number(2) as u32, number(3) as u64);
        assert_eq!(i64::from(occupancy.active_blocks), number(7), "{pair}");
    }
    assert!(by_barriers > 0, "kernels with several barriers are among them");
}
