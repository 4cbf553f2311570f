//! Profiles against recordings of the real cards.
//!
//! A recording is `tests/data/recorded/<profile>.json`, made by `tests/data/record_attributes.py` on a machine with the
//! card; a line of [`recordings!`] compares it. An attribute may differ only for a reason named here.

use device_model::attributes::ATTRIBUTES;
use device_model::{Device, Features, Profile};
use serde_json::Value;

/// Why an attribute may differ from the card's.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Reason {
    /// It says something of the machine that the card was in.
    OfTheMachine,
    /// The software GPU does not do it: its value is smaller than the card's.
    NotOffered,
    /// The software GPU does it, the card or its driver does not.
    OnlyHere,
}

/// Every attribute that may differ.
const DIFFERENCES: &[(&str, Reason)] = &[
    ("PCI_BUS_ID", Reason::OfTheMachine),
    ("PCI_DEVICE_ID", Reason::OfTheMachine),
    ("PCI_DOMAIN_ID", Reason::OfTheMachine),
    ("MULTI_GPU_BOARD_GROUP_ID", Reason::OfTheMachine),
    ("COMPUTE_MODE", Reason::OfTheMachine),
    ("KERNEL_EXEC_TIMEOUT", Reason::OfTheMachine),
    ("PAGEABLE_MEMORY_ACCESS", Reason::OfTheMachine),
    ("HOST_NUMA_ID", Reason::OfTheMachine),
    ("NUMA_ID", Reason::OfTheMachine),
    ("MPS_ENABLED", Reason::OfTheMachine),
    ("COOPERATIVE_MULTI_DEVICE_LAUNCH", Reason::NotOffered),
    ("VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED", Reason::NotOffered),
    ("HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED", Reason::NotOffered),
    ("GENERIC_COMPRESSION_SUPPORTED", Reason::NotOffered),
    ("MAX_PERSISTING_L2_CACHE_SIZE", Reason::NotOffered),
    ("MAX_ACCESS_POLICY_WINDOW_SIZE", Reason::NotOffered),
    ("GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED", Reason::NotOffered),
    ("SPARSE_CUDA_ARRAY_SUPPORTED", Reason::NotOffered),
    ("READ_ONLY_HOST_REGISTER_SUPPORTED", Reason::OnlyHere),
    ("TIMELINE_SEMAPHORE_INTEROP_SUPPORTED", Reason::NotOffered),
    ("GPU_DIRECT_RDMA_SUPPORTED", Reason::NotOffered),
    ("GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS", Reason::NotOffered),
    ("GPU_DIRECT_RDMA_WRITES_ORDERING", Reason::NotOffered),
    ("MEMPOOL_SUPPORTED_HANDLE_TYPES", Reason::NotOffered),
    ("DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED", Reason::NotOffered),
    ("CAN_USE_64_BIT_STREAM_MEM_OPS", Reason::NotOffered),
    ("CAN_USE_STREAM_WAIT_VALUE_NOR", Reason::NotOffered),
    ("DMA_BUF_SUPPORTED", Reason::NotOffered),
    ("IPC_EVENT_SUPPORTED", Reason::NotOffered),
    ("MEM_SYNC_DOMAIN_COUNT", Reason::NotOffered),
    ("HANDLE_TYPE_FABRIC_SUPPORTED", Reason::NotOffered),
    ("UNIFIED_FUNCTION_POINTERS", Reason::NotOffered),
    ("MULTICAST_SUPPORTED", Reason::NotOffered),
    ("HOST_NUMA_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED", Reason::NotOffered),
    ("HOST_NUMA_MEMORY_POOLS_SUPPORTED", Reason::NotOffered),
    ("HOST_NUMA_MULTINODE_IPC_SUPPORTED", Reason::NotOffered),
    ("HOST_MEMORY_POOLS_SUPPORTED", Reason::NotOffered),
    ("HOST_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED", Reason::NotOffered),
    ("HOST_ALLOC_DMA_BUF_SUPPORTED", Reason::NotOffered),
];

/// What of a recording the profile contradicts, a line each.
fn differences(profile: &str, recording: &str) -> Vec<String> {
    let recording: Value = serde_json::from_str(recording).expect("the recording is JSON");
    let device = Device::new(Profile::find(profile).expect("a built-in profile"), 0, Features::default());
    let mut lines = Vec::new();
    if recording["name"] != device.profile().name.as_str() {
        lines.push(format!("name: {} on the card, {:?} here", recording["name"], device.profile().name));
    }
    if recording["memory_bytes"] != device.profile().memory_bytes {
        lines.push(format!(
            "memory: {} on the card, {} here",
            recording["memory_bytes"],
            device.profile().memory_bytes
        ));
    }
    for row in ATTRIBUTES {
        let Some(card) = recording["attributes"][row.number.to_string()].as_i64() else { continue };
        let here = i64::from(row.of(&device));
        let may_differ =
            DIFFERENCES.iter().find(|(name, _)| *name == row.name).is_some_and(|(_, reason)| match reason {
                Reason::OfTheMachine => true,
                Reason::NotOffered => here < card,
                Reason::OnlyHere => here > card,
            });
        if here != card && !may_differ {
            lines.push(format!("{} {}: {card} on the card, {here} here", row.number, row.name));
        }
    }
    lines
}

/// A test for each recording: a name for the test, the profile.
macro_rules! recordings {
    ($($test:ident $profile:literal)*) => {$(
        #[test]
        fn $test() {
            let recording = include_str!(concat!("data/recorded/", $profile, ".json"));
            let lines = differences($profile, recording);
            assert!(lines.is_empty(), "{} differs from the card:\n{}", $profile, lines.join("\n"));
        }
    )*};
}

recordings! {}

/// A recording of the device itself, in which one attribute is another.
fn altered(profile: &str, altered: &str, by: i64) -> String {
    let device = Device::new(Profile::find(profile).unwrap(), 0, Features::default());
    let attributes = ATTRIBUTES.iter().map(|row| {
        let change = if row.name == altered { by } else { 0 };
        (row.number.to_string(), (i64::from(row.of(&device)) + change).into())
    });
    serde_json::json!({
        "name": device.profile().name,
        "memory_bytes": device.profile().memory_bytes,
        "attributes": Value::Object(attributes.collect()),
    })
    .to_string()
}

#[test]
fn the_comparison_finds_what_differs_and_no_more() {
    let of = |name, by| differences("h200", &altered("h200", name, by));
    assert_eq!(of("", 0), Vec::<String>::new());
    assert_eq!(of("WARP_SIZE", 32), ["10 WARP_SIZE: 64 on the card, 32 here"]);
    assert_eq!(of("PCI_BUS_ID", 9), Vec::<String>::new());
    assert_eq!(of("MULTICAST_SUPPORTED", 1), Vec::<String>::new());
    assert_eq!(of("MULTICAST_SUPPORTED", -1), ["132 MULTICAST_SUPPORTED: -1 on the card, 0 here"]);
    let other = differences("a100", &altered("a100-40", "", 0));
    assert!(other.len() == 5 && other[0].starts_with("name: "), "{other:#?}");
}

#[test]
fn only_attributes_that_exist_may_differ() {
    for (name, _) in DIFFERENCES {
        assert!(ATTRIBUTES.iter().any(|row| row.name == *name), "{name}");
    }
}
