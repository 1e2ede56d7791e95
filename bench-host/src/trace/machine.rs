// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest under QEMU with our plugin.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::Error;
use crate::interrupt;
use crate::process::{self, Guarded};
use crate::qemu::{Qemu, Version};

static PLUGIN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/trace-plugin"));

/// The oldest QEMU whose plugins can read registers.
pub const OLDEST: Version = Version(9, 0, 0);
/// How long QEMU may take to end in order.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to run.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The kernel, or none where a firmware runs alone.
    pub kernel: Option<PathBuf>,
    /// The initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// The kernel's command line.
    pub append: Option<String>,
    /// The firmware.
    pub bios: Option<PathBuf>,
    /// PEs.
    pub smp: u32,
    /// The CPU model.
    pub cpu: String,
    /// MiB of memory.
    pub memory: u32,
    /// The guest begins at EL2.
    pub el2: bool,
    /// Where its console goes.
    pub console: PathBuf,
    /// Further arguments.
    pub extra: Vec<OsString>,
    /// Most bytes of the log.
    pub limit: u64,
    /// Seconds after which it is ended.
    pub seconds: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Itself,
    /// We ended it after the time that was given.
    Time,
    /// The user did.
    Interrupted,
}

/// Writes the plugin that this program carries.
pub fn write_plugin(path: &Path) -> Result<(), Error> {
    if PLUGIN.is_empty() {
        return Err(Error::Setup(
            "this build has no QEMU plugin: there is none for this system".to_owned(),
        ));
    }
    crate::output::write(path, PLUGIN)
}

/// Refuses what makes the plugin's record wrong.
pub fn check_extra(extra: &[OsString]) -> Result<(), Error> {
    for word in extra {
        let word = word.to_string_lossy();
        let refused = if word.contains("thread=single") {
            "thread=single: callbacks then name the wrong PE"
        } else if word == "-icount" || word == "--icount" {
            "-icount: it runs all PEs in one thread, and callbacks then name the wrong PE"
        } else if ["-m", "-smp", "-accel", "-plugin"].contains(&&*word) {
            "it is set here already; use --memory or --smp"
        } else {
            continue;
        };
        return Err(Error::Usage(format!("{word:?} cannot be used with trace: {refused}")));
    }
    Ok(())
}

/// Checks that a QEMU can be used.
pub fn check(qemu: &Qemu) -> Result<(), Error> {
    if qemu.version < OLDEST {
        return Err(Error::Setup(format!(
            "{} is QEMU {}; trace needs {OLDEST} or newer, whose plugins can read registers: Debian's backports have one \
             (apt-get install -t bookworm-backports qemu-system-arm), or name one with --qemu PATH",
            qemu.program.display(),
            qemu.version
        )));
    }
    Ok(())
}

/// Returns the arguments that put the plugin into any QEMU for the `virt` machine.
pub fn attachment(plugin: &Path, log: &Path, ram: &Path, memory: u32, limit: u64) -> Vec<OsString> {
    let path = |path: &Path| path.display().to_string().replace(',', ",,");
    [
        "-accel".to_owned(),
        "tcg,thread=multi".to_owned(),
        "-m".to_owned(),
        format!("{memory}M"),
        "-object".to_owned(),
        format!(
            "memory-backend-file,id=trace,size={memory}M,mem-path={},share=on",
            path(ram)
        ),
        "-machine".to_owned(),
        "memory-backend=trace".to_owned(),
        "-plugin".to_owned(),
        format!("{},log={},ram={},limit={limit}", path(plugin), path(log), path(ram)),
    ]
    .into_iter()
    .map(OsString::from)
    .collect()
}

/// Runs a guest; its log is then at `log`.
pub fn run(qemu: &Qemu, guest: &Guest, log: &Path, quiet: bool) -> Result<Ended, Error> {
    check(qemu)?;
    check_extra(&guest.extra)?;
    let folder = folder()?;
    let plugin = folder.path().join("trace-plugin.so");
    write_plugin(&plugin)?;
    let ram = folder.path().join("ram");
    let el2 = if guest.el2 { ",virtualization=on" } else { "" };
    let mut command = Command::new(&qemu.program);
    command
        .args(["-machine", &format!("virt,gic-version=3{el2}")])
        .args(["-cpu", &guest.cpu, "-smp", &guest.smp.to_string()])
        .args(["-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot"])
        .arg("-serial")
        .arg(format!("file:{}", guest.console.display()))
        .args(attachment(&plugin, log, &ram, guest.memory, guest.limit));
    let files = [
        ("-kernel", &guest.kernel),
        ("-initrd", &guest.initrd),
        ("-bios", &guest.bios),
    ];
    for (option, file) in files {
        if let Some(file) = file {
            command.arg(option).arg(file);
        }
    }
    if let Some(append) = &guest.append {
        command.arg("-append").arg(append);
    }
    command.args(&guest.extra).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = Guarded::spawn_to_end_with_us(&mut command)
        .map_err(|error| Error::Setup(format!("cannot start {}: {error}", qemu.program.display())))?;
    let stderr = child.child().stderr.take().map(words);
    let mut told = Instant::now();
    let ended = loop {
        if let Some(status) = child
            .child()
            .try_wait()
            .map_err(|error| Error::Setup(error.to_string()))?
        {
            let words = stderr.and_then(process::last_words).unwrap_or_default();
            if !status.success() {
                return Err(Error::Setup(format!(
                    "QEMU {}: {}",
                    process::describe(status),
                    crate::output::harmless(words.trim())
                )));
            }
            break Ended::Itself;
        }
        let over = start.elapsed() >= Duration::from_secs(guest.seconds);
        if over || interrupt::requested() {
            terminate(&mut child);
            break if over { Ended::Time } else { Ended::Interrupted };
        }
        if !quiet && told.elapsed() >= Duration::from_secs(5) {
            told = Instant::now();
            let bytes = fs::metadata(log).map_or(0, |data| data.len());
            // A terminal that is gone is not worth an end.
            let _ = writeln!(
                std::io::stderr(),
                "tracing: {} s, {:.1} MB of log",
                start.elapsed().as_secs(),
                bytes as f64 / 1e6
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Ok(ended)
}

fn words(from: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _ = std::io::Read::read_to_end(&mut std::io::Read::take(from, 1 << 16), &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Makes the folder for the guest's memory: in memory where that is possible, as it is written all the time.
fn folder() -> Result<TempDir, Error> {
    let shared = Path::new("/dev/shm");
    let made = if shared.is_dir() {
        tempfile::tempdir_in(shared)
    } else {
        tempfile::tempdir()
    };
    made.map_err(|error| Error::Setup(format!("cannot make a temporary folder: {error}")))
}

/// Asks QEMU to end in order, so that the log is whole.
fn terminate(child: &mut Guarded) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = i32::try_from(child.child().id()).ok().and_then(Pid::from_raw);
        // It fails if it has just ended.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    }
    // What does not end in time is killed; the log then says that it is cut off.
    let _ = child.wait_within(PATIENCE);
}

#[cfg(test)]
mod tests {
    use super::check_extra;
    use std::ffi::OsString;

    #[test]
    fn what_names_the_wrong_pe_is_refused() {
        let check = |words: &[&str]| check_extra(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(check(&["-device", "virtio-rng-pci"]).is_ok());
        for words in [&["-accel", "tcg,thread=single"][..], &["-icount", "1"], &["-m", "4G"]] {
            assert!(check(words).is_err(), "{words:?}");
        }
    }
}
