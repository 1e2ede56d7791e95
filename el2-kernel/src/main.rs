// SPDX-License-Identifier: MIT OR Apache-2.0
//! A bare-metal kernel that boots through the identity-mapping-removal path of a hypervisor at EL2, times TLB
//! maintenance sequences with the PMU, checks them for stale translations, and prints what it saw.
//!
//! The order of things is in `boot`. What needs an Arm processor is built for `aarch64-unknown-none` only; the rest
//! (tables, slot arithmetic, emission, counting) is plain code with unit tests that run on the host.
#![cfg_attr(target_os = "none", no_std, no_main)]
// On the host only the tests use what the bare-metal half would.
#![cfg_attr(not(target_os = "none"), allow(dead_code))]

mod counts;
mod default_plan;
mod emit;
mod features;
mod layout;
mod machine;
mod memory;
mod operands;
mod order;
mod slots;
mod tables;
mod text;
mod wide;

#[cfg(target_os = "none")]
mod arch;
#[cfg(target_os = "none")]
mod arena;
#[cfg(target_os = "none")]
mod boot;
#[cfg(target_os = "none")]
mod check;
#[cfg(target_os = "none")]
mod console;
#[cfg(target_os = "none")]
mod duty;
#[cfg(target_os = "none")]
mod entry;
#[cfg(target_os = "none")]
mod exception;
#[cfg(target_os = "none")]
mod fixmap;
#[cfg(target_os = "none")]
mod guest;
#[cfg(target_os = "none")]
mod guest_map;
#[cfg(target_os = "none")]
mod identity;
#[cfg(target_os = "none")]
mod introduction;
#[cfg(target_os = "none")]
mod measure;
#[cfg(target_os = "none")]
mod pages;
#[cfg(target_os = "none")]
mod pe;
#[cfg(target_os = "none")]
mod place;
#[cfg(target_os = "none")]
mod placement;
#[cfg(target_os = "none")]
mod plan_stubs;
#[cfg(target_os = "none")]
mod pmu;
#[cfg(target_os = "none")]
mod probe;
#[cfg(target_os = "none")]
mod proof;
#[cfg(target_os = "none")]
mod regime;
#[cfg(target_os = "none")]
mod registers;
#[cfg(target_os = "none")]
mod requirements;
#[cfg(target_os = "none")]
mod rounds;
#[cfg(target_os = "none")]
mod sampler;
#[cfg(target_os = "none")]
mod secondaries;
#[cfg(target_os = "none")]
mod secondary;
#[cfg(target_os = "none")]
mod stop;
#[cfg(target_os = "none")]
mod streams;
#[cfg(target_os = "none")]
mod stress;
#[cfg(target_os = "none")]
mod stub;
#[cfg(target_os = "none")]
mod trial;

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    let mut message = text::Text::new();
    let (file, line) = info
        .location()
        .map_or(("?", 0), |location| (location.file(), location.line()));
    let _ = write!(message, "panic at {file}:{line}");
    stop::fatal(message.as_str())
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("el2-kernel runs on bare metal only: build it for aarch64-unknown-none, or use bench-host");
}
