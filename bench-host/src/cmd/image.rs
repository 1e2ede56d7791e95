// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host image`: the kernel with a plan in it, and what a boot loader needs to find it.

use crate::cmd::paths::existing;
use std::path::PathBuf;

use super::print;
use crate::doors::Door;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::kernel::Kernel;
use crate::plan::{PlanArgs, RunPlan};

const EXAMPLES: &str = "\
Examples:
  bench-host image el2-kernel.img                      the two sides of the Xen patch
  bench-host image el2-kernel.img --sequence @xen,el2
  bench-host image el2-kernel.img --console pl011@0x9000000 --psci smc    no device tree
  bench-host image card/ --for rpi4                    an SD card for a Raspberry Pi 4
  bench-host image boot/ --for u-boot                  extlinux, a boot script and a FIT
  bench-host image stick/ --for uefi                   BOOTAA64.EFI, and the image of a USB stick
  bench-host run --serial /dev/ttyUSB0 --hardware      what the board prints
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "written"),
    (Exit::Setup, "the kernel is missing or unfit"),
    (Exit::Store, "the image cannot be written"),
]);

/// Write the kernel image, with the plan in it, to a file
///
/// By itself the file is an arm64 Linux `Image`: boot it with QEMU -kernel, U-Boot booti or a board's firmware. --for adds
/// what else a boot loader needs. `bench-host run --serial`, `--tcp` or `--log` receives what the board prints.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// Where to write it: a file, or a folder for everything but `raw`
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// What boots it
    #[arg(long = "for", value_name = "DOOR", value_enum, default_value_t)]
    door: Door,
    /// Take the kernel from FILE instead of the built-in one
    #[arg(long, value_name = "FILE", value_parser = existing())]
    kernel: Option<PathBuf>,
    /// Have every boot draw the same random numbers. Otherwise each draws a seed of its own, from --seed and the time
    /// since reset, and names it in its first line: code and checks then stand elsewhere in each boot
    #[arg(long)]
    same_seed: bool,
    #[command(flatten)]
    plan: PlanArgs,
}

/// Writes the image.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let mut plan = RunPlan::new(&args.plan)?;
    plan.settings.seed_by_boot = !args.same_seed;
    let mut kernel = Kernel::load(args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
    let crc = kernel
        .install(&plan.settings, &plan.entries())
        .map_err(|error| Error::Usage(error.to_string()))?;
    let then = args.door.write(&kernel, &args.out)?;
    print(&format!(
        "{}: {} bytes, plan {crc:08x}, kernel {}; {then}\n",
        args.out.display(),
        kernel.bytes.len(),
        &kernel.sha256[..16]
    ));
    Ok(Exit::Ok)
}
