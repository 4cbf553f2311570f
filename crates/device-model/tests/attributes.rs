//! The attributes of devices: the same names and numbers as NVIDIA's header, and values that a reader can look over.
//!
//! The values are in `tests/data/attributes-<profile>.txt`; with `UPDATE_EXPECT=1` the test writes them anew.
//! `APEX_CUDA_HOME` names the folder that holds `include/cuda.h`.

use device_model::attributes::{self, ATTRIBUTES};
use device_model::{Device, Features, Profile};
use std::collections::{HashMap, HashSet};
use std::path::Path;

fn device(name: &str, features: Features) -> Device {
    Device::new(Profile::find(name).unwrap(), 0, features)
}

fn number_of(name: &str) -> u32 {
    ATTRIBUTES.iter().find(|attribute| attribute.name == name).unwrap_or_else(|| panic!("no attribute {name}")).number
}

#[test]
fn numbers_run_from_1_without_gaps_and_names_differ() {
    let names: HashSet<_> = ATTRIBUTES.iter().map(|attribute| attribute.name).collect();
    assert_eq!(names.len(), ATTRIBUTES.len());
    for (index, attribute) in ATTRIBUTES.iter().enumerate() {
        assert_eq!(attribute.number as usize, index + 1, "{}", attribute.name);
        assert_eq!(attributes::find(attribute.number).map(|found| found.name), Some(attribute.name));
    }
    assert!(attributes::find(0).is_none() && attributes::find(ATTRIBUTES.len() as u32 + 1).is_none());
    assert!(attributes::find(u32::MAX).is_none());
}

/// Names and numbers of the enumeration in the header of the toolkit.
fn header_attributes() -> HashMap<String, u32> {
    let home = std::env::var("APEX_CUDA_HOME").expect(
        "APEX_CUDA_HOME is not set: it must name the folder of NVIDIA's CUDA toolkit that holds include/cuda.h \
         (pip install nvidia-cuda-runtime; site-packages/nvidia/cu13)",
    );
    let path = Path::new(&home).join("include/cuda.h");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = text.lines().filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix("CU_DEVICE_ATTRIBUTE_")?.split_once('=')?;
        let number: String = rest.trim().chars().take_while(char::is_ascii_digit).collect();
        Some((name.trim().to_string(), number.parse().ok()?))
    });
    rows.collect()
}

#[test]
fn names_and_numbers_are_those_of_the_header() {
    let header = header_attributes();
    assert!(header.len() > 140, "only {} attributes were read from the header", header.len());
    for (name, &number) in &header {
        let found = attributes::find(number).unwrap_or_else(|| panic!("no attribute {number}, {name} in the header"));
        // Several names of one number are old spellings; the table has one that the header has too.
        assert_eq!(
            header.get(found.name),
            Some(&number),
            "{name} is {number} in the header, {} in the table",
            found.name
        );
    }
}

#[test]
fn values_of_devices() {
    for name in ["software", "t4", "rtx3080", "h200"] {
        let device = device(name, Features::default());
        let rows = ATTRIBUTES.iter().map(|row| format!("{:3} {} = {}\n", row.number, row.name, row.of(&device)));
        let file = format!("./data/attributes-{name}.txt");
        expect_test::expect_file![file].assert_eq(&rows.collect::<String>());
    }
}

/// A switch of [`Features`] and the attributes that it alone turns on.
type Switch = (fn(&mut Features) -> &mut bool, &'static [&'static str]);

#[test]
fn a_feature_that_is_not_there_is_not_claimed() {
    let switches: [Switch; 13] = [
        (|features| &mut features.managed_memory, &["MANAGED_MEMORY", "CONCURRENT_MANAGED_ACCESS"]),
        (
            |features| &mut features.pageable_memory_access,
            &["PAGEABLE_MEMORY_ACCESS", "PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES"],
        ),
        (
            |features| &mut features.host_register,
            &[
                "CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM",
                "HOST_REGISTER_SUPPORTED",
                "READ_ONLY_HOST_REGISTER_SUPPORTED",
            ],
        ),
        (|features| &mut features.memory_pools, &["MEMORY_POOLS_SUPPORTED", "MEMPOOL_SUPPORTED_HANDLE_TYPES"]),
        (|features| &mut features.cooperative_launch, &["COOPERATIVE_LAUNCH"]),
        (|features| &mut features.clusters, &["CLUSTER_LAUNCH"]),
        (|features| &mut features.stream_priorities, &["STREAM_PRIORITIES_SUPPORTED"]),
        (
            |features| &mut features.stream_memory_operations,
            &["CAN_USE_64_BIT_STREAM_MEM_OPS", "CAN_USE_STREAM_WAIT_VALUE_NOR"],
        ),
        (
            |features| &mut features.virtual_memory,
            &["VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED", "HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED"],
        ),
        (
            |features| &mut features.interprocess,
            &["IPC_EVENT_SUPPORTED", "HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED", "MEMPOOL_SUPPORTED_HANDLE_TYPES"],
        ),
        (|features| &mut features.l2_persistence, &["MAX_PERSISTING_L2_CACHE_SIZE", "MAX_ACCESS_POLICY_WINDOW_SIZE"]),
        (|features| &mut features.tensor_maps, &["TENSOR_MAP_ACCESS_SUPPORTED"]),
        (|features| &mut features.unified_function_pointers, &["UNIFIED_FUNCTION_POINTERS"]),
    ];
    let mut all = Features::default();
    for (switch, _) in &switches {
        *switch(&mut all) = true;
    }
    let everything = device("h200", all);
    for (switch, names) in &switches {
        let mut without = all;
        *switch(&mut without) = false;
        let lacking = device("h200", without);
        for row in ATTRIBUTES {
            let (with, value) = (row.of(&everything), row.of(&lacking));
            if names.contains(&row.name) {
                assert!(with != 0 && value == 0, "{}: {with} with the feature, {value} without it", row.name);
            } else {
                assert_eq!(value, with, "{} changes with a feature that it is not listed for", row.name);
            }
        }
    }
}

#[test]
fn features_of_newer_capabilities_are_absent_on_older_ones() {
    let all = Features { tensor_maps: true, clusters: true, l2_persistence: true, ..Features::default() };
    let value = |profile, name| device(profile, all).attribute(number_of(name)).unwrap();
    for (name, first) in [("CLUSTER_LAUNCH", "h200"), ("TENSOR_MAP_ACCESS_SUPPORTED", "h200")] {
        assert_eq!((value("a100", name), value(first, name)), (0, 1), "{name}");
    }
    assert_eq!(value("t4", "MAX_PERSISTING_L2_CACHE_SIZE"), 0);
    assert_eq!(value("a100", "MAX_PERSISTING_L2_CACHE_SIZE"), 30 << 20);
}

#[test]
fn pci_numbers_follow_the_ordinal() {
    let second = Device::new(Profile::default(), 1, Features::default());
    assert_eq!(second.attribute(number_of("PCI_BUS_ID")), Some(2));
    assert_eq!(second.pci_address().to_string(), "0000:02:00.0");
    assert_ne!(second.uuid(), device("software", Features::default()).uuid());
}
