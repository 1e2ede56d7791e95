// SPDX-License-Identifier: MIT OR Apache-2.0
//! Supervises a run: bytes from a machine to the receiver, until it ends by itself or has to be ended.

pub mod console;

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver as Channel, RecvTimeoutError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use results::manifest::Status;
use results::store::StoreError;
use results::verdict::Class;

use crate::exit::Exit;
use crate::input::{self, Event};
use crate::interrupt;
use crate::process::{self, Guarded};
use crate::receive::{Received, Receiver};

/// How often interrupts and timeouts are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a row may stay in memory only.
const FLUSH: Duration = Duration::from_millis(200);
/// How long a machine may take to turn itself off after its last line.
const GRACE: Duration = Duration::from_secs(2);
/// Pieces of console output on their way; when there are so many, the machine waits.
const PIECES: usize = 32;
/// Lines of QEMU's own messages kept.
const MESSAGES: usize = 20;

/// Why bytes are no longer received.
#[derive(Debug)]
enum Stop {
    /// There are no more.
    Closed(io::Result<()>),
    /// The end line came, and the machine stays on.
    Ended,
    /// No record came for so long.
    Silence(Duration),
    /// The user wants it.
    Interrupted,
    /// The receiver does not want any more.
    Halted,
    /// The disk does not take any more.
    Store(StoreError),
}

/// A run that is over and stored.
#[derive(Debug)]
pub struct Finished {
    /// What was received.
    pub received: Received,
    /// How the command should exit.
    pub exit: Exit,
    /// Why storing failed, if it did.
    pub store_error: Option<StoreError>,
}

/// Runs QEMU and receives what its serial port sends.
pub fn run_qemu(mut command: Command, mut receiver: Receiver, timeout: Duration) -> Finished {
    let program = Path::new(command.get_program()).display().to_string();
    let mut qemu = match Guarded::spawn_to_end_with_us(command.stdout(Stdio::piped()).stderr(Stdio::piped())) {
        Ok(qemu) => qemu,
        Err(error) => {
            receiver.refuse(format!("cannot start {program}: {error}"));
            return finish(receiver, None);
        }
    };
    let messages = qemu.child().stderr.take().map(messages);
    let stop = match qemu.child().stdout.take() {
        Some(stdout) => receive(&input::read(stdout), &mut receiver, timeout),
        None => Stop::Closed(Err(io::Error::other("no standard output"))),
    };
    let status = match &stop {
        Stop::Closed(_) => qemu.wait_within(GRACE).ok().flatten(),
        _ => None,
    };
    // Whatever the reason, it does not run on; this also closes the pipes the threads read from.
    qemu.kill();
    let messages = messages.and_then(process::last_words).unwrap_or_default();
    if let (Stop::Closed(_), false) = (&stop, receiver.ended()) {
        early_exit(&mut receiver, status, &messages);
    }
    receiver.messages(messages);
    finish(receiver, Some(stop))
}

/// Runs the adversary and receives what its console prints.
pub fn run_adversary(mut machine: adversary::Machine, mut receiver: Receiver) -> Finished {
    let (sender, printed) = sync_channel(PIECES);
    let stopped = Arc::new(AtomicBool::new(false));
    let stop_it = Arc::clone(&stopped);
    let machine = thread::spawn(move || {
        let end = machine.run(&mut |bytes| {
            let sent = bytes.is_empty() || sender.send(Event::Bytes(bytes.to_vec())).is_ok();
            sent && !stopped.load(Ordering::Relaxed)
        });
        let _ = sender.send(Event::End(Ok(())));
        end
    });
    let stop = receive(&printed, &mut receiver, Duration::MAX);
    // Whatever the reason, it does not run on.
    stop_it.store(true, Ordering::Relaxed);
    drop(printed);
    match machine.join() {
        Ok(_) if receiver.ended() || !matches!(stop, Stop::Closed(_)) => {}
        Ok(end) => receiver.defect(format!("the machine came to an end before the end line: {end}")),
        Err(_) => receiver.defect("the machine came to an end before the end line: a bug in the machine itself"),
    }
    finish(receiver, Some(stop))
}

fn early_exit(receiver: &mut Receiver, status: Option<ExitStatus>, messages: &[String]) {
    let how = status.map_or_else(|| "closed its serial port".to_owned(), process::describe);
    // QEMU checks its arguments before it runs anything: a failure without a byte of output is a refusal.
    if !receiver.any_bytes() && status.is_some_and(|status| status.code().is_some_and(|code| code != 0)) {
        let said = messages.iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        receiver.refuse(format!("QEMU refused to start ({how}): {said}"));
    } else {
        receiver.defect(format!("QEMU {how} before the end line"));
    }
}

fn receive(events: &Channel<Event>, receiver: &mut Receiver, timeout: Duration) -> Stop {
    let (mut heard, mut flushed) = (Instant::now(), Instant::now());
    let mut records = receiver.records();
    loop {
        let stop = match events.recv_timeout(TICK) {
            Ok(Event::Bytes(bytes)) => receiver.bytes(&bytes).err().map(Stop::Store),
            Ok(Event::End(result)) => Some(
                receiver
                    .end_of_input()
                    .map_or_else(Stop::Store, |()| Stop::Closed(result)),
            ),
            Err(RecvTimeoutError::Disconnected) => Some(Stop::Closed(Ok(()))),
            Ok(Event::Lost(_) | Event::Back) | Err(RecvTimeoutError::Timeout) => None,
        };
        if let Some(stop) = stop {
            return stop;
        }
        receiver.tick();
        let now = Instant::now();
        if std::mem::replace(&mut records, receiver.records()) != records {
            heard = now;
        }
        if now - flushed >= FLUSH {
            flushed = now;
            if let Err(error) = receiver.flush() {
                return Stop::Store(error);
            }
        }
        if interrupt::requested() {
            return Stop::Interrupted;
        } else if receiver.halted().is_some() {
            return Stop::Halted;
        } else if receiver.ended() && now - heard >= GRACE {
            return Stop::Ended;
        } else if !receiver.ended() && now - heard >= timeout {
            return Stop::Silence(timeout);
        }
    }
}

/// Collects the last lines of QEMU's own messages.
fn messages(mut from: impl io::Read + Send + 'static) -> JoinHandle<Vec<String>> {
    thread::spawn(move || {
        let (mut lines, mut kept) = (crate::receive::Lines::default(), Vec::new());
        let mut keep = |line: &[u8]| {
            let text = String::from_utf8_lossy(line).trim().to_owned();
            if !text.is_empty() {
                if kept.len() == MESSAGES {
                    kept.remove(0);
                }
                kept.push(text);
            }
            Ok::<(), ()>(())
        };
        let mut chunk = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            let _ = lines.push(&chunk[..n], &mut keep);
        }
        let _ = keep(&lines.finish());
        kept
    })
}

fn finish(mut receiver: Receiver, stop: Option<Stop>) -> Finished {
    let mut status = None;
    let mut store_error = None;
    match stop {
        Some(Stop::Silence(timeout)) => {
            let what = if receiver.records() == 0 {
                "no record came"
            } else {
                "no further record came"
            };
            receiver.defect(format!("{what} for {} s (--timeout)", timeout.as_secs()));
        }
        Some(Stop::Closed(Err(error))) => receiver.defect(format!("reading the console failed: {error}")),
        Some(Stop::Interrupted) => {
            receiver.defect("interrupted");
            status = Some(Status::Interrupted);
        }
        Some(Stop::Store(error)) => {
            receiver.defect(format!("the run was stopped, because it could not be stored: {error}"));
            status = Some(Status::Failed);
            store_error = Some(error);
        }
        Some(Stop::Closed(Ok(())) | Stop::Ended | Stop::Halted) | None => {}
    }
    let (received, stored) = receiver.finish(status);
    let store_error = store_error.or(stored.err());
    let exit = exit(&received, store_error.is_some());
    Finished {
        received,
        exit,
        store_error,
    }
}

/// Returns the exit code; see [`Exit`] for what goes before what.
fn exit(received: &Received, store_failed: bool) -> Exit {
    let has = |class| received.verdicts.iter().any(|verdict| verdict.class == class);
    if received.manifest.status == Status::Interrupted {
        Exit::Interrupted
    } else if store_failed {
        Exit::Store
    } else if !received.refusals.is_empty() {
        Exit::Setup
    } else if !received.failures.is_empty() {
        Exit::Failure
    } else if !received.defects.is_empty() {
        Exit::Incomplete
    } else if !received.verdicts.is_empty() && !has(Class::Pass) {
        Exit::Undecided
    } else {
        Exit::Ok
    }
}
