// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host lava`: a LAVA job whose monitors turn the console into test cases.

use std::path::PathBuf;

use super::print;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::lava::{Boots, Job};
use crate::output::write;

const EXAMPLES: &str = "\
Examples:
  bench-host image el2-kernel.img
  bench-host lava --device-type qemu --kernel-url file:///srv/el2-kernel.img
  bench-host lava --device-type bcm2711-rpi-4-b --kernel-url http://files/el2-kernel.img \\
      --dtb-url http://files/bcm2711-rpi-4-b.dtb --out job.yaml
  bench-host collect output.yaml --hardware            the job's log, afterwards
";

/// How the command ends.
const CODES: Codes = Codes(&[(Exit::Ok, "written"), (Exit::Store, "the job cannot be written")]);

/// Write a LAVA job that boots a kernel image and reports every check
///
/// Each phase of the boot path becomes a test case with its count, each proof and each verdict of a check one with its
/// result: not_observable is `unknown`, skipped is `skip`. Device type `qemu` is booted as a QEMU machine; any other by
/// U-Boot over TFTP.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The lab's name of the kind of device; `qemu` for its emulated ones
    #[arg(long, value_name = "TYPE", value_parser = plain)]
    device_type: String,
    /// Where the dispatcher gets the image: what `bench-host image` or `bench-host check --image` wrote
    #[arg(long, value_name = "URL", value_parser = plain)]
    kernel_url: String,
    /// Where it gets the device tree, for a board; without, U-Boot's own is used
    #[arg(long, value_name = "URL", value_parser = plain)]
    dtb_url: Option<String>,
    /// The image makes no checks
    #[arg(long)]
    no_checks: bool,
    /// Name of the job
    #[arg(long, value_name = "NAME", default_value = "el2-kernel", value_parser = plain)]
    name: String,
    /// Minutes the job may take
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: u32,
    /// Write the job to FILE [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes the job.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let boots = if args.device_type == "qemu" {
        if args.dtb_url.is_some() {
            return Err(Error::Usage("--dtb-url: QEMU makes its device tree itself".to_owned()));
        }
        Boots::Qemu
    } else {
        Boots::UBoot {
            dtb: args.dtb_url.as_deref(),
        }
    };
    let job = Job {
        name: &args.name,
        device_type: &args.device_type,
        kernel: &args.kernel_url,
        boots,
        checks: !args.no_checks,
        minutes: args.minutes,
    };
    match &args.out {
        Some(out) => write(out, job.to_string())?,
        None => print(&job.to_string()),
    }
    Ok(Exit::Ok)
}

fn plain(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("a line of text is needed".to_owned());
    }
    Ok(text.to_owned())
}
