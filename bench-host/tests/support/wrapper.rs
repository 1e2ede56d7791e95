// SPDX-License-Identifier: MIT OR Apache-2.0
//! A QEMU that starts the kernel in another way than `-kernel` does it.
#![allow(dead_code)]

#[path = "script.rs"]
pub mod script;

use std::path::{Path, PathBuf};

/// Writes a QEMU that rewrites its arguments with a line of shell (`a` is the argument) and starts the real one.
pub fn wrapper(folder: &Path, rewrite: &str) -> PathBuf {
    let path = folder.join("qemu-system-aarch64");
    let script = format!(
        "#!/bin/sh\nfor a; do\n  shift\n  case \"$a\" in\n    {rewrite}\n    *) set -- \"$@\" \"$a\" ;;\n  esac\ndone\n\
         exec qemu-system-aarch64 \"$@\"\n"
    );
    script::write(&path, &script);
    path
}

/// Returns the rewriting that loads the image at `address` by itself: no device tree in x0, no boot protocol.
pub fn loaded_at(address: &str) -> String {
    format!(
        "-kernel) ;;\n    *.img | /proc/self/fd/*) set -- \"$@\" -device \"loader,file=$a,addr={address},force-raw=on\" \
         -device loader,addr={address},cpu-num=0 ;;"
    )
}
