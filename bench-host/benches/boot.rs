// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long it takes from starting QEMU to the first record, beside what QEMU itself needs to run a kernel that prints
//! one character and stops; and how long a default run takes. Interleaved, medians, no pass or fail.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bench_host::kernel::Kernel;

const ROUNDS: usize = 15;

/// An arm64 image that writes `A` to the PL011 of QEMU's `virt` board, ends the line, and turns the machine off.
const TINY: [u32; 26] = [
    0x1400_0010, // b . + 64
    0,
    0,
    0, // text_offset
    0x1000,
    0, // image_size
    0xa,
    0, // flags
    0,
    0,
    0,
    0,
    0,
    0,
    0x644d_5241, // "ARM\x64"
    0,
    0xd2a1_2001, // movz x1, #0x900, lsl #16
    0x5280_0820, // movz w0, #'A'
    0x3900_0020, // strb w0, [x1]
    0x5280_0140, // movz w0, #'\n'
    0x3900_0020, // strb w0, [x1]
    0x5280_0100, // movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16: PSCI SYSTEM_OFF
    0xd400_0003, // smc #0
    0xd503_205f, // wfe
    0x17ff_ffff, // b . - 4
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let tiny = folder.path().join("tiny.img");
    std::fs::File::create(&tiny)?.write_all(&TINY.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())?;
    let ours = folder.path().join("el2-kernel.img");
    std::fs::write(&ours, Kernel::load(None)?.bytes)?;

    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        times[0].push(first_line(&tiny, "A")?);
        times[1].push(first_line(&ours, "TLB,0,start,")?);
    }
    let [tiny, ours] = times.map(median);
    println!("from starting QEMU to the first line, median of {ROUNDS}, interleaved:");
    println!("  a kernel that prints one character  {:7.1} ms", millis(tiny));
    println!("  el2-kernel, first record            {:7.1} ms", millis(ours));
    println!(
        "  difference                          {:7.1} ms   (to reach: within 100 ms)",
        millis(ours) - millis(tiny)
    );

    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_bench-host"))
        .args(["run", "--quiet", "--out"])
        .arg(folder.path().join("run"))
        .stdout(Stdio::null())
        .status()?;
    println!("a default run (200,000 samples and more), report included, ended with {status}:");
    println!("  {:.1} s   (to reach: under 15 s)", started.elapsed().as_secs_f64());
    Ok(())
}

/// Returns how long it takes until QEMU has printed a line with this start.
fn first_line(image: &std::path::Path, start: &str) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let mut qemu = Command::new("qemu-system-aarch64")
        .args([
            "-M",
            "virt,virtualization=on,gic-version=3",
            "-cpu",
            "cortex-a72",
            "-m",
            "1G",
            "-display",
            "none",
        ])
        .args(["-nic", "none", "-monitor", "none", "-serial", "stdio", "-kernel"])
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = qemu.stdout.take().ok_or("no output")?;
    let found = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .any(|line| line.starts_with(start));
    let time = started.elapsed();
    qemu.kill()?;
    qemu.wait()?;
    if found {
        Ok(time)
    } else {
        Err(format!("{}: no line starts with {start}", image.display()).into())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
