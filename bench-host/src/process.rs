// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes that cannot outlive or stall us.

mod end_with_parent;

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Most bytes kept of what a short-lived helper prints.
const MAX_OUTPUT: u64 = 1 << 20;

/// How long what a dead child printed is waited for: a process that left the child's group may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A child that is killed and reaped when this value goes away, with every process of its group: where a script stands
/// in for a program, the program is a child of the script.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    /// Leads the group, and kills it when we are gone.
    watcher: Option<Child>,
}

impl Guarded {
    /// Starts a command in a process group of its own (so that Ctrl-C reaches it through us only), without input.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::start(command, None)
    }

    /// As [`Self::spawn`], and the whole group ends with us even if we are killed with SIGKILL: a script that stands in for
    /// a program is told by the system, but not what it has started. (Where there is no `sh`, only the script is told.)
    pub fn spawn_to_end_with_us(command: &mut Command) -> io::Result<Self> {
        Self::start(command, watcher())
    }

    fn start(command: &mut Command, mut watcher: Option<Child>) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            let group = watcher.as_ref().and_then(|watcher| i32::try_from(watcher.id()).ok());
            command.process_group(group.unwrap_or(0));
        }
        end_with_parent::end_with_parent(command);
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Ok(Self { child, watcher }),
            Err(error) => {
                watcher.iter_mut().for_each(reap);
                Err(error)
            }
        }
    }

    /// Returns the child.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the child ends, or kills it when the time is over. Returns how it ended, if by itself.
    pub fn wait_within(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.kill_group();
                return Ok(Some(status));
            }
            if Instant::now() >= end {
                self.kill();
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Kills and reaps the child and kills its group; nothing happens if it has ended.
    pub fn kill(&mut self) {
        // A child that was waited for took its group with it, and its number may be somebody else's by now; not so that of
        // a watcher, which was not.
        if self.watcher.is_some() || matches!(self.child.try_wait(), Ok(None)) {
            self.kill_group();
        }
        reap(&mut self.child);
        self.watcher.take().iter_mut().for_each(reap);
    }

    fn kill_group(&self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let leader = self.watcher.as_ref().unwrap_or(&self.child);
            let group = i32::try_from(leader.id()).ok().and_then(Pid::from_raw);
            // It fails if nobody is left in it, which is what it is for.
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        }
    }
}

/// Kills and reaps a process. Both fail only if it is gone and reaped, which is what they are for.
fn reap(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts the leader of a group that kills it when we are gone: its input ends then, and it sees nothing else of us.
///
/// It is there before anybody else is in the group. Started after a child, it would come too late where we are killed
/// between the two: the child has started others by then.
fn watcher() -> Option<Child> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let mut watcher = Command::new("sh");
        watcher.args(["-c", "trap '' INT TERM HUP; read -r _; kill -KILL 0"]);
        watcher
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        watcher.spawn().ok()
    }
    #[cfg(not(unix))]
    None
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a helper command and returns what it printed, or an error when it takes longer than `limit`.
pub fn output_within(mut command: Command, limit: Duration) -> io::Result<Output> {
    let mut child = Guarded::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let stdout = child.child().stdout.take().map(collect);
    let stderr = child.child().stderr.take().map(collect);
    let status = child.wait_within(limit)?;
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {limit:?}")))?;
    let text = |reader: Option<JoinHandle<Vec<u8>>>| reader.and_then(last_words).unwrap_or_default();
    Ok(Output {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

/// Returns what a thread read from the pipe of a child that is gone, unless somebody else holds that pipe open.
pub fn last_words<T>(reader: JoinHandle<T>) -> Option<T> {
    let end = Instant::now() + LAST_WORDS;
    while !reader.is_finished() {
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
    reader.join().ok()
}

fn collect(from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is.
        let _ = from.take(MAX_OUTPUT).read_to_end(&mut bytes);
        bytes
    })
}

/// Says how a process ended, in a phrase.
pub fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("was killed by signal {signal}{}", signal_name(signal));
        }
    }
    match status.code() {
        Some(code) => format!("exited with code {code}"),
        None => "ended".to_owned(),
    }
}

/// Returns the names of the signals a crashing process gets, where all Unixes agree on the number.
#[cfg(unix)]
const fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_helper_that_hangs_is_an_error_and_is_gone() {
        let start = Instant::now();
        let error = output_within(shell("exec sleep 60"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn whom_a_helper_starts_is_gone_with_it() {
        let start = Instant::now();
        let ended = output_within(shell("sleep 600 & echo $!"), Duration::from_secs(20)).unwrap();
        // The pipe that it holds open was read to its end.
        assert!(String::from_utf8(ended.stdout).unwrap().trim().parse::<u32>().is_ok());
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn output_and_end_are_reported() {
        let output = output_within(shell("echo out; echo err >&2; exit 3"), Duration::from_secs(20)).unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(describe(output.status), "exited with code 3");
        let output = output_within(shell("kill -SEGV $$"), Duration::from_secs(20)).unwrap();
        assert_eq!(describe(output.status), "was killed by signal 11 (SIGSEGV)");
    }
}
