// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ties the life of a child process to ours, for the one end that no handler sees: SIGKILL.
#![cfg_attr(target_os = "linux", expect(unsafe_code))]
// UNSAFETY: code between fork and exec.

use std::process::Command;

/// Has the child killed when the thread that starts it ends, for whatever reason. Start it from the main thread.
///
/// Only Linux offers this. Elsewhere a child outlives a `bench-host` that was killed with SIGKILL, and only then.
pub fn end_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::io;
        use std::os::unix::process::CommandExt;

        use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

        let parent = getpid();
        let tie = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before the line above; then the signal never comes.
            if getppid() == Some(parent) {
                Ok(())
            } else {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        };
        // SAFETY: between fork and exec the closure makes two system calls and neither allocates nor locks.
        unsafe { command.pre_exec(tie) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}
