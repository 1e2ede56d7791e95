// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C, SIGTERM and SIGHUP: a flag that long work looks at, so that it can end in order.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Installs the handler. A second signal ends the process at once.
pub fn install() {
    let handler = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    };
    // It fails when one is installed already, which leaves the first in place: the same one.
    let _ = ctrlc::set_handler(handler);
}

/// Returns whether a signal came.
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
