// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds el2-kernel for bare metal and turns it into the flat image that bench-host carries.
//!
//! `TLBI_KERNEL=FILE` embeds a prebuilt image instead. Sets `TLBI_COMMIT` for the manifest of runs.

#[path = "build/flatten.rs"]
mod flatten;
#[path = "build/toolchain.rs"]
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use toolchain::Toolchain;

/// Folders of the crates whose sources decide what the binary is, for the commit and its `-dirty`.
const CRATES: [&str; 10] = [
    "bench-host",
    "bench-host/adversary",
    "bench-host/review",
    "bench-host/stats",
    "bench-host/trace",
    "bench-host/trace/plugin",
    "el2-kernel",
    "report",
    "results",
    "sequences",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    watch(root);
    println!("cargo::rustc-env=TLBI_COMMIT={}", commit(root).unwrap_or_default());
    let out = PathBuf::from(variable("OUT_DIR")?);
    // Beside the profile's other artifacts, which the cargo that runs this has locked: a build, lints and documentation have
    // a folder of their own each, and would build the kernel each.
    let nested = out.ancestors().nth(3).unwrap_or(&out).join("nested");
    let (mut image, what) = match env::var_os("TLBI_KERNEL").filter(|path| !path.is_empty()) {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", Path::new(&path).display());
            let what = format!("TLBI_KERNEL ({})", Path::new(&path).display());
            (fs::read(&path).map_err(|error| format!("{what}: {error}"))?, what)
        }
        None => (kernel(root, &nested)?, "el2-kernel".to_owned()),
    };
    results::image::plan_area(&mut image).map_err(|error| format!("{what}: {error}"))?;
    let file = out.join("el2-kernel.bin");
    fs::write(&file, image).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let file = out.join("trace-plugin");
    let plugin = plugin(root, &nested)?;
    fs::write(&file, plugin).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Builds the QEMU plugin for this host with a cargo of its own. Empty where a host has no such libraries.
fn plugin(root: &Path, target: &Path) -> Result<Vec<u8>, String> {
    let os = variable("CARGO_CFG_TARGET_OS")?;
    let name = match os.as_str() {
        "linux" | "freebsd" | "netbsd" => "libtrace_plugin.so",
        "macos" => "libtrace_plugin.dylib",
        _ => return Ok(Vec::new()),
    };
    let (triple, flags) = plugin_target(variable("TARGET")?, &variable("HOST")?);
    let mut cargo = Command::new(variable("CARGO")?);
    for (name, _) in env::vars_os() {
        let shapes_the_build = name.to_str().is_some_and(|name| {
            ["CARGO_BUILD_", "CARGO_PROFILE_", "RUSTFLAGS"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if shapes_the_build {
            cargo.env_remove(&name);
        }
    }
    cargo
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .args([
            "build",
            "--package",
            "trace-plugin",
            "--lib",
            "--release",
            "--target",
            &triple,
            "--manifest-path",
        ])
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target);
    let status = cargo.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err("building the QEMU plugin failed; the reason is above".to_owned());
    }
    let file = target.join(triple).join("release").join(name);
    fs::read(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

/// Returns the target of the plugin, and flags for it. A static program, as a release is, goes with a QEMU that is linked to the C
/// library of its system; where that is musl, a library has to be told that it is not static.
fn plugin_target(target: String, host: &str) -> (String, &'static str) {
    match target.strip_suffix("-musl") {
        None => (target, ""),
        Some(rest) if host == format!("{rest}-gnu") => (host.to_owned(), ""),
        Some(_) => (target, "-Ctarget-feature=-crt-static"),
    }
}

/// Builds the kernel with a cargo of its own and returns it as a flat image.
fn kernel(root: &Path, target: &Path) -> Result<Vec<u8>, String> {
    let toolchain = Toolchain::find(&variable("RUSTC")?, &variable("HOST")?)?;
    let mut cargo = Command::new(variable("CARGO")?);
    // What shapes the host's build (lints as errors, coverage, `-C target-cpu`, a default target) must not reach the
    // kernel: its code is the instrument.
    for (name, _) in env::vars_os() {
        let shapes_the_build = name.to_str().is_some_and(|name| {
            ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTFLAGS"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                && name != toolchain::LINKER_VARIABLE
        });
        if shapes_the_build {
            cargo.env_remove(&name);
        }
    }
    cargo
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        // Set: overrides `rustflags` of the user's cargo configuration as well.
        .env("CARGO_ENCODED_RUSTFLAGS", without_places())
        .args(["build", "--package", "el2-kernel", "--bin", "el2-kernel"])
        .args(["--target", toolchain::TARGET, "--profile", "kernel", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target);
    toolchain.apply(&mut cargo);
    let status = cargo.status().map_err(|error| format!("cannot start cargo: {error}"))?;
    if !status.success() {
        return Err("building el2-kernel for aarch64-unknown-none failed; the reason is above".to_owned());
    }
    let elf = target.join(toolchain::TARGET).join("kernel/el2-kernel");
    let bytes = fs::read(&elf).map_err(|error| format!("cannot read {}: {error}", elf.display()))?;
    flatten::flat_image(&bytes).map_err(|error| format!("{}: {error}", elf.display()))
}

/// Returns the flags by which the kernel does not depend on where cargo keeps the sources of crates: their panics say it.
fn without_places() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let folders = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let mut folders: Vec<_> = folders
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    let flags = folders
        .iter()
        .map(|folder| format!("--remap-path-prefix={}=/crates", folder.display()));
    flags.collect::<Vec<_>>().join("\u{1f}")
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: this is run by cargo only"))
}

/// Returns the commit the sources are at.
fn commit(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).ok())??;
        Some(text.trim().to_owned())
    };
    // The log of HEAD changes with every commit and checkout.
    let log = root.join(git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    if log.exists() {
        println!("cargo::rerun-if-changed={}", log.display());
    }
    let head = git(&["rev-parse", "HEAD"])?;
    let mut status = vec![
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "Cargo.toml",
        "Cargo.lock",
    ];
    status.extend(CRATES);
    let dirty = if git(&status)?.is_empty() { "" } else { "-dirty" };
    Some(format!("{head}{dirty}"))
}

/// Names everything the kernel and the commit depend on.
fn watch(root: &Path) {
    println!("cargo::rerun-if-env-changed=TLBI_KERNEL");
    println!("cargo::rerun-if-env-changed={}", toolchain::LINKER_VARIABLE);
    let mut paths = vec![
        root.join("Cargo.toml"),
        root.join("Cargo.lock"),
        root.join("el2-kernel/build.rs"),
        root.join("el2-kernel/image.ld"),
        root.join("bench-host/build.rs"),
        root.join("bench-host/build"),
    ];
    for name in CRATES {
        paths.push(root.join(name).join("Cargo.toml"));
        paths.push(root.join(name).join("src"));
    }
    for path in paths.iter().filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
