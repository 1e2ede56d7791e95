// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host image`: the kernel with a plan in it, as a file for any boot loader.

use std::path::PathBuf;

use super::print;
use crate::error::Error;
use crate::exit::{self, Exit};
use crate::kernel::Kernel;
use crate::output::write;
use crate::plan::{PlanArgs, RunPlan};

const EXAMPLES: &str = "\
Examples:
  bench-host image el2-kernel.img                      the two sides of the Xen patch
  bench-host image el2-kernel.img --sequence @linux,el2
  bench-host image el2-kernel.img --console pl011@0x9000000 --psci smc    no device tree
  bench-host run --log console.txt --hardware          what the board printed
";

/// Write the kernel image, with the plan in it, to a file
///
/// The file is an arm64 Linux `Image`: boot it with QEMU -kernel, U-Boot booti or a board's firmware, save the console
/// output, and read it with `bench-host run --log FILE` and the same plan options.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit::HELP))]
pub struct Args {
    /// Where to write the image
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Take the kernel from FILE instead of the built-in one
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
}

/// Writes the image.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let plan = RunPlan::new(&args.plan)?;
    let mut kernel = Kernel::load(args.kernel.as_deref()).map_err(|error| Error::Setup(error.to_string()))?;
    let crc = kernel
        .install(&plan.settings, &plan.entries())
        .map_err(|error| Error::Usage(error.to_string()))?;
    write(&args.file, &kernel.bytes)?;
    print(&format!(
        "{}: {} bytes, plan {crc:08x}, kernel {}\n",
        args.file.display(),
        kernel.bytes.len(),
        &kernel.sha256[..16]
    ));
    Ok(Exit::Ok)
}
