//! Writes a recording of made-up launches, to see what readers do with a large one:
//! `cargo run --release -p telemetry --example generate -- FILE LAUNCHES`.

use std::fs::File;
use std::io::{BufWriter, Write};
use telemetry::file::{BLOCK_ROWS_MAX, encode_block, header};
use telemetry::records::*;

/// Kernels, each in eight shapes.
const KERNELS: u64 = 500;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, launches] = &arguments[..] else {
        eprintln!("generate FILE LAUNCHES");
        std::process::exit(2);
    };
    let count: u64 = launches.parse().expect("a number of launches");
    let mut file = BufWriter::new(File::create(path)?);
    let mut out = header();
    definitions(&mut out);
    let mut rows: (Vec<Launch>, Vec<Execution>) = (Vec::new(), Vec::new());
    let (mut host, mut device) = (1_000_000_000, 1_000_000_000);
    for number in 0..count {
        // The steps of a linear congruential generator stand in for the differences between real launches.
        let chance = number.wrapping_mul(6_364_136_223_846_793_005).rotate_left(23) ^ number;
        let shape = chance % (KERNELS * 8);
        let (thread, stream) = (chance >> 20 & 3, chance >> 24 & 1);
        host += 2_000 + chance % 4_096;
        device = device.max(host) + chance % 512;
        let duration = 1_000 + chance % 32_768;
        let common = (thread << 40 | number, 1, stream);
        let (correlation, context, stream) = common;
        let start = host;
        rows.0.push(Launch {
            start,
            duration: 2_400,
            thread,
            correlation,
            context,
            stream,
            shape,
            ..Launch::default()
        });
        rows.1.push(Execution { start: device, duration, correlation, context, stream, shape });
        device += duration;
        if rows.0.len() == BLOCK_ROWS_MAX || number + 1 == count {
            encode_block(&rows.0, &mut out);
            encode_block(&rows.1, &mut out);
            let progress = Progress { time: host, recorded: 2 * (number + 1), ..Progress::default() };
            encode_block(&[progress], &mut out);
            file.write_all(&out)?;
            (out, rows) = Default::default();
        }
    }
    encode_block(&[End { time: host }], &mut out);
    file.write_all(&out)?;
    file.flush()
}

fn definitions(out: &mut Vec<u8>) {
    let (major, minor, multiprocessors) = (9, 0, 132);
    encode_block(&[Fact { name: "program".into(), value: "made up".into() }], out);
    encode_block(&[Device { id: 1, name: "made up".into(), major, minor, multiprocessors, memory: 1 << 37 }], out);
    encode_block(&[Context { id: 1, handle: 0x100, device: 1 }], out);
    let kernel = |id| Kernel {
        id,
        name: format!("_Z9kernel{id:03}Pf"),
        device: 1,
        registers: 32,
        known: 1,
        ..Kernel::default()
    };
    encode_block(&(1..=KERNELS).map(kernel).collect::<Vec<_>>(), out);
    let shape = |id| Shape {
        id,
        kernel: id / 8 + 1,
        grid_x: 132 * (id % 8 + 1),
        block_x: 256,
        active_blocks: id % 8 + 1,
        block_warps: 8,
        warps_max: 64,
        limited_by: 1,
        ..Shape::default()
    };
    encode_block(&(0..KERNELS * 8).map(shape).collect::<Vec<_>>(), out);
}
