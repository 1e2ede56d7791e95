// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bad input and bad surroundings: one clear message and the documented exit code each.
#![allow(missing_docs)]

#[path = "support/needs.rs"]
mod needs;
#[cfg(unix)]
#[path = "refusals/unix.rs"]
mod unix;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    {
        unix::main()
    }
    #[cfg(not(unix))]
    {
        needs::main([(
            "refusals",
            (|| ()) as fn(),
            Some("a stand-in for QEMU is a shell script".to_owned()),
        )])
    }
}
