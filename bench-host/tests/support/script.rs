// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shell scripts that stand in for a program.

use std::fs;
use std::path::Path;

/// Writes a script that can be started.
pub fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Returns why there are none here.
pub fn absent() -> Option<String> {
    cfg!(not(unix)).then(|| "a stand-in for QEMU is a shell script".to_owned())
}
