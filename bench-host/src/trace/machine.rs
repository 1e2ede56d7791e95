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
/// The mark behind the version of the interface that a plugin says it is written for.
const MARK: &[u8] = b"<- tlb-trace plugin version\n";
/// The versions of the interface that our plugin knows the forms of: QEMU 9.0 to 11.0 take the first, 11.1 wants the second.
const VERSIONS: [i32; 2] = [2, 7];
/// From this version of the interface on, memory is read through it.
const READS_MEMORY: i32 = 5;
/// How long QEMU may take to say which version it takes.
const PROBE: Duration = Duration::from_secs(60);
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

/// The plugin interface of a QEMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// The version that the plugin has to be written for.
    pub written_for: i32,
    /// QEMU's own.
    pub current: i32,
}

impl Interface {
    /// What is taken by most: QEMU 9.0 to 11.0.
    pub const USUAL: Self = Self {
        written_for: VERSIONS[0],
        current: VERSIONS[0],
    };

    /// Asks a QEMU.
    pub fn of(qemu: &Qemu) -> Result<Self, Error> {
        let folder =
            tempfile::tempdir().map_err(|error| Error::Setup(format!("cannot make a temporary folder: {error}")))?;
        let (plugin, answer) = (folder.path().join("plugin.so"), folder.path().join("answer"));
        let mut words = String::new();
        for written_for in VERSIONS {
            write_plugin(&plugin, written_for)?;
            let mut command = Command::new(&qemu.program);
            command
                .args([
                    "-machine", "none", "-accel", "tcg", "-display", "none", "-monitor", "none",
                ])
                .args(["-serial", "none", "-plugin"])
                .arg(format!("{},probe={}", escape(&plugin), escape(&answer)));
            let output = process::output_within(command, PROBE)
                .map_err(|error| Error::Setup(format!("cannot start {}: {error}", qemu.program.display())))?;
            // It ends with an error in any case: what counts is whether the plugin was called.
            if let Ok(text) = fs::read_to_string(&answer) {
                let current = text.split_whitespace().nth(1).and_then(|word| word.parse().ok());
                return Ok(Self {
                    written_for,
                    current: current.unwrap_or(written_for),
                });
            }
            words = String::from_utf8_lossy(&output.stderr).into_owned();
        }
        Err(Error::Setup(format!(
            "{} is QEMU {}, which takes our plugin neither as one for version {} of its plugin interface nor for {}: {}",
            qemu.program.display(),
            qemu.version,
            VERSIONS[0],
            VERSIONS[1],
            crate::output::harmless(words.trim())
        )))
    }

    /// Returns whether memory is read through it, and needs no file.
    pub const fn reads_memory(self) -> bool {
        self.current >= READS_MEMORY
    }
}

/// Writes the plugin that this program carries, as one for a version of the interface.
pub fn write_plugin(path: &Path, written_for: i32) -> Result<(), Error> {
    if PLUGIN.is_empty() {
        return Err(Error::Setup(
            "this build has no QEMU plugin: there is none for this system".to_owned(),
        ));
    }
    crate::output::write(path, for_version(PLUGIN, written_for))
}

/// Puts the number of a version in front of its mark.
fn for_version(plugin: &[u8], written_for: i32) -> Vec<u8> {
    let mut bytes = plugin.to_vec();
    let mark = bytes.windows(MARK.len()).position(|window| window == MARK);
    // A plugin without mark says 2, which the build checks by a test.
    if let Some(number) = mark.and_then(|at| at.checked_sub(4)) {
        bytes[number..number + 4].copy_from_slice(&written_for.to_ne_bytes());
    }
    bytes
}

/// Returns a path for an argument of QEMU, in which a comma ends a part.
fn escape(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
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

/// Returns the arguments that put the plugin into any QEMU for the `virt` machine; without `ram`, it reads memory through
/// the interface.
pub fn attachment(plugin: &Path, log: &Path, ram: Option<&Path>, memory: u32, limit: u64) -> Vec<OsString> {
    let mut words = vec![
        "-accel".to_owned(),
        "tcg,thread=multi".to_owned(),
        "-m".to_owned(),
        format!("{memory}M"),
    ];
    let mut plugin = format!("{},log={},limit={limit}", escape(plugin), escape(log));
    if let Some(ram) = ram {
        let ram = escape(ram);
        words.extend([
            "-object".to_owned(),
            format!("memory-backend-file,id=trace,size={memory}M,mem-path={ram},share=on"),
            "-machine".to_owned(),
            "memory-backend=trace".to_owned(),
        ]);
        plugin.push_str(&format!(",ram={ram}"));
    }
    words.extend(["-plugin".to_owned(), plugin]);
    words.into_iter().map(OsString::from).collect()
}

/// Runs a guest; its log is then at `log`.
pub fn run(qemu: &Qemu, guest: &Guest, log: &Path, quiet: bool) -> Result<Ended, Error> {
    check(qemu)?;
    check_extra(&guest.extra)?;
    let folder = folder()?;
    let plugin = folder.path().join("trace-plugin.so");
    let interface = Interface::of(qemu)?;
    write_plugin(&plugin, interface.written_for)?;
    let ram = folder.path().join("ram");
    let ram = (!interface.reads_memory()).then_some(&*ram);
    let el2 = if guest.el2 { ",virtualization=on" } else { "" };
    let mut command = Command::new(&qemu.program);
    command
        .args(["-machine", &format!("virt,gic-version=3{el2}")])
        .args(["-cpu", &guest.cpu, "-smp", &guest.smp.to_string()])
        .args(["-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot"])
        .arg("-serial")
        .arg(format!("file:{}", guest.console.display()))
        .args(attachment(&plugin, log, ram, guest.memory, guest.limit));
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
    use super::{MARK, PLUGIN, attachment, check_extra, for_version};
    use std::ffi::OsString;
    use std::path::Path;

    #[test]
    fn the_plugin_says_the_version_that_is_asked_for() {
        let marks = PLUGIN.windows(MARK.len()).filter(|window| *window == MARK).count();
        assert_eq!(marks, usize::from(!PLUGIN.is_empty()), "one place to write to");
        for version in [2_i32, 7] {
            let plugin = for_version(PLUGIN, version);
            let at = plugin.windows(MARK.len()).position(|window| window == MARK);
            let number = at.map(|at| plugin[at - 4..at].to_vec());
            assert!(PLUGIN.is_empty() || number == Some(version.to_ne_bytes().to_vec()));
            let changed = plugin.iter().zip(PLUGIN).filter(|(new, old)| new != old).count();
            assert!(changed <= 4 && plugin.len() == PLUGIN.len());
        }
    }

    #[test]
    fn memory_is_a_file_only_where_it_has_to_be() {
        let words = |ram: Option<&str>| {
            let words = attachment(Path::new("p,q.so"), Path::new("log"), ram.map(Path::new), 64, 1);
            let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            words.join(" ")
        };
        assert!(words(Some("/dev/shm/r")).contains("mem-path=/dev/shm/r,share=on"));
        assert!(words(Some("/dev/shm/r")).ends_with("p,,q.so,log=log,limit=1,ram=/dev/shm/r"));
        assert!(words(None).ends_with("-plugin p,,q.so,log=log,limit=1") && !words(None).contains("-object"));
    }

    #[test]
    fn what_names_the_wrong_pe_is_refused() {
        let check = |words: &[&str]| check_extra(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(check(&["-device", "virtio-rng-pci"]).is_ok());
        for words in [&["-accel", "tcg,thread=single"][..], &["-icount", "1"], &["-m", "4G"]] {
            assert!(check(words).is_err(), "{words:?}");
        }
    }
}
