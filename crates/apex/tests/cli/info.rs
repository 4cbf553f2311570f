//! `apex info`.

use std::process::Stdio;

use crate::{apex, fails_with, installation, stdout_of};

#[test]
fn a_device_is_described() {
    let text = stdout_of(apex(installation()).arg("info"));
    for part in [
        "libcuda.so.1, CUDA 13.0\n",
        "Device 0: Fake GPU\n",
        "GPU-abababab-abab-abab-abab-abababababab\n",
        "0000:01:00.0\n",
        "Compute capability                 8.6\n",
        "Global memory                      24.0 GiB\n",
        "Multiprocessors                    84\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("Attributes"));
    let all = stdout_of(apex(installation()).args(["info", "--all"]));
    let attributes: Vec<&str> = all.lines().skip_while(|line| !line.contains("Attributes")).skip(1).collect();
    assert_eq!(attributes.len(), 4, "{all}");
}

#[test]
fn the_back_end_is_named_and_why() {
    let text = stdout_of(apex(installation()).args(["info", "--device", "software"]));
    assert!(text.contains("Back end: the software GPU, because APEX_BACKEND=software\n"), "{text}");
    // Any library that is not ours will do: what it would answer is not asked here.
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libcuda.so.580.159.04");
    std::fs::copy(installation().join("lib/libcuda.so.1"), &library).unwrap();
    let nvidia = |arguments: &[&str]| {
        stdout_of(apex(installation()).args(arguments).env("APEX_BACKEND", "nvidia").env("APEX_REAL_LIBCUDA", &library))
    };
    let text = nvidia(&["info"]);
    assert!(text.contains("Back end: NVIDIA's driver, because APEX_BACKEND=nvidia\n"), "{text}");
    assert!(text.contains(&format!("NVIDIA's library: {}, version 580.159.04\n", library.display())), "{text}");
    let json: serde_json::Value = serde_json::from_str(&nvidia(&["info", "--json"])).unwrap();
    assert_eq!(json["back_end"]["name"], "nvidia");
    assert_eq!(json["back_end"]["nvidia_library"]["version"], "580.159.04");
}

#[test]
fn json_has_every_attribute() {
    let text = stdout_of(apex(installation()).args(["info", "--json", "--device", "h200"]));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let device = &json["devices"][0];
    assert_eq!(json["version"], "13.0");
    assert_eq!(device["name"], "h200");
    assert_eq!(device["memory_bytes"], 24u64 << 30);
    assert_eq!(device["attributes"][0]["name"], "WARP_SIZE");
    assert_eq!(device["attributes"][0]["value"], 32);
}

#[test]
fn an_error_of_the_driver_is_named() {
    let (stderr, _) = fails_with(apex(installation()).arg("info").env("FAKE_CUINIT", "100"), 1);
    assert!(stderr.contains("cuInit answers CUDA_ERROR_NO_DEVICE"), "{stderr}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = apex(installation()).arg("info").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
