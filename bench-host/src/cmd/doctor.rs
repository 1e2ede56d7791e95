// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bench-host doctor`: what is installed, what is missing, how to get it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::print;
use crate::error::Error;
use crate::exit::{Codes, Exit};
use crate::host;
use crate::kernel::Kernel;
use crate::output::table;
use crate::process;
use crate::qemu::{OLDEST, Qemu, locate};
use crate::trace::machine;

const EXAMPLES: &str = "\
Examples:
  bench-host doctor                                  what is missing, and how to get it
";

/// How the command ends.
const CODES: Codes = Codes(&[
    (Exit::Ok, "everything that is needed is here"),
    (Exit::Setup, "something that is needed is missing"),
]);

/// Say what is installed, what is missing, and how to get it
///
/// Only QEMU is needed to run; the rest is for building from source. Exits with 4 when a run is not possible.
#[derive(Debug, clap::Args)]
#[command(after_help = CODES.help_after(EXAMPLES))]
pub struct Args {
    /// The QEMU to look at
    #[arg(long, value_name = "PATH")]
    qemu: Option<PathBuf>,
}

/// Looks at everything and prints a table.
pub fn run(args: &Args) -> Result<Exit, Error> {
    let mut rows = vec![row("WHAT", "STATE", "DETAIL")];
    let host = host::describe();
    let commit = host
        .commit
        .map(|commit| format!(", commit {commit}"))
        .unwrap_or_default();
    rows.push(row("bench-host", "ok", &format!("{}{commit}", host.bench_host)));
    rows.push(row(
        "host",
        "ok",
        &format!("{} {}, {} CPUs, {}", host.os, host.arch, host.cpus, host.cpu),
    ));
    let kernel = Kernel::load(None).map_err(|error| Error::Setup(error.to_string()))?;
    let detail = format!(
        "built in, {} KiB, SHA-256 {}",
        kernel.bytes.len() / 1024,
        &kernel.sha256[..16]
    );
    rows.push(row("el2-kernel", "ok", &detail));
    let (qemu, exit) = qemu(args.qemu.as_deref());
    rows.push(qemu);
    rows.push(trace(args.qemu.as_deref()));
    for (tool, purpose) in [
        ("cargo", "builds from source: https://rustup.rs"),
        (
            "rustup",
            "adds the kernel's target to a Rust it manages: https://rustup.rs",
        ),
        ("git", "records the commit in every run"),
    ] {
        rows.push(optional(tool, purpose));
    }
    print(&table(&rows));
    Ok(exit)
}

fn row(what: &str, state: &str, detail: &str) -> Vec<String> {
    [what, state, detail].map(str::to_owned).to_vec()
}

fn qemu(named: Option<&Path>) -> (Vec<String>, Exit) {
    let found = Qemu::find(named).and_then(|qemu| qemu.check_el2().map(|()| qemu));
    match found {
        Ok(qemu) => {
            let detail = format!("{} at {}, virt with EL2", qemu.version, qemu.program.display());
            (row("QEMU", "ok", &detail), Exit::Ok)
        }
        Err(error) => (
            row("QEMU", "MISSING", &format!("{error} (QEMU {OLDEST} or newer)")),
            Exit::Setup,
        ),
    }
}

/// Says whether `trace` can run: it needs a newer QEMU than the rest.
fn trace(named: Option<&Path>) -> Vec<String> {
    match Qemu::find(named) {
        Ok(qemu) => match machine::check(&qemu) {
            Ok(()) => row(
                "trace",
                "ok",
                &format!("QEMU {} has plugins that read registers", qemu.version),
            ),
            Err(error) => row("trace", "absent", &error.to_string()),
        },
        Err(_) => row("trace", "absent", &format!("needs QEMU {} or newer", machine::OLDEST)),
    }
}

fn optional(tool: &str, purpose: &str) -> Vec<String> {
    let Some(program) = locate(Path::new(tool)) else {
        return row(tool, "absent", purpose);
    };
    let mut command = Command::new(&program);
    command.arg("--version");
    let version = process::output_within(command, Duration::from_secs(10));
    let version = version.map(|output| {
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .next()
            .unwrap_or("")
            .to_owned()
    });
    row(
        tool,
        "ok",
        &version.unwrap_or_else(|error| format!("{}: {error}", program.display())),
    )
}
