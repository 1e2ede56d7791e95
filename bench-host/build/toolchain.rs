// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds what compiles and links for bare metal: an installed target, or an installed Rust source.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The kernel's target.
pub const TARGET: &str = "aarch64-unknown-none";
/// The variable with which cargo is told the target's linker.
pub const LINKER_VARIABLE: &str = "CARGO_TARGET_AARCH64_UNKNOWN_NONE_LINKER";

/// Linkers for the target, the most likely to be right first. Distributions ship Rust without its own `rust-lld`.
const LINKERS: [&str; 9] = [
    "rust-lld",
    "ld.lld",
    "ld.lld-21",
    "ld.lld-19",
    "ld.lld-16",
    "ld.lld-14",
    "aarch64-linux-gnu-ld",
    "aarch64-none-elf-ld",
    "aarch64-elf-ld",
];

/// How the kernel is compiled.
pub struct Toolchain {
    /// Compile `core` too: the target is not installed, but the source of the standard library is.
    build_std: bool,
    /// The linker, if rustc cannot find its own.
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// Finds out what the compiler has. Errors name the command that installs what is missing.
    pub fn find(rustc: &str, host: &str) -> Result<Self, String> {
        let print = |arguments: &[&str]| {
            let output = Command::new(rustc).args(arguments).output();
            let output = output.map_err(|error| format!("cannot start {rustc}: {error}"))?;
            Ok::<_, String>(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        };
        let libraries = print(&["--print", "target-libdir", "--target", TARGET])?;
        let sysroot = print(&["--print", "sysroot"])?;
        let source = sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml");
        let build_std = if has_core(&libraries) {
            false
        } else if source.exists() {
            true
        } else {
            return Err(format!(
                "the Rust target {TARGET} is not installed, and neither is the source to build it from\n\
                 with rustup:            rustup target add {TARGET}\n\
                 with Debian's Rust:     apt-get install rust-web-src lld (for rustc-web), or rust-src lld (for rustc)\n\
                 or let the project do it: scripts/setup.sh"
            ));
        };
        Ok(Self {
            build_std,
            linker: linker(&sysroot, host)?,
        })
    }

    /// Adds what the compiler needs to a cargo command.
    pub fn apply(&self, cargo: &mut Command) {
        if self.build_std {
            // The compiler is a stable one; building `core` is the one unstable feature used.
            cargo.env("RUSTC_BOOTSTRAP", "1").args([
                "-Zbuild-std=core,compiler_builtins",
                "-Zbuild-std-features=compiler-builtins-mem",
            ]);
        }
        if let Some(linker) = &self.linker {
            cargo.env(LINKER_VARIABLE, linker);
        }
    }
}

fn has_core(libraries: &Path) -> bool {
    let Ok(entries) = libraries.read_dir() else {
        return false;
    };
    let is_core = |name: std::ffi::OsString| name.to_string_lossy().starts_with("libcore-");
    entries.flatten().any(|entry| is_core(entry.file_name()))
}

/// Returns the linker to name, or none if the default one will be found.
fn linker(sysroot: &Path, host: &str) -> Result<Option<PathBuf>, String> {
    let own = sysroot.join("lib/rustlib").join(host).join("bin").join("rust-lld");
    if env::var_os(LINKER_VARIABLE).is_some() || own.with_extension(env::consts::EXE_EXTENSION).exists() {
        return Ok(None);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = LINKERS.iter().find_map(|name| {
        let mut places = env::split_paths(&path);
        places.find_map(|place| Some(place.join(name)).filter(|file| file.is_file()))
    });
    found.map(Some).ok_or_else(|| {
        "no linker for AArch64: this Rust comes without rust-lld, and no lld or AArch64 binutils is installed\n\
         install one, e.g.: apt-get install lld\n\
         or let the project do it: scripts/setup.sh"
            .to_owned()
    })
}
