// SPDX-License-Identifier: MIT OR Apache-2.0
//! Listens to a console that is there before and after a run: joins late, sees a board that resets, and stores each boot
//! by itself.
//!
//! A boot that is whole counts; one that was joined in the middle or cut off by a reset is stored beside it and told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use report::number::plural;
use results::store::StoreError;

use super::{FLUSH, Finished, GRACE, Stop, TICK, finish};
use crate::error::Error;
use crate::exit::Exit;
use crate::input::{Console, Event};
use crate::interrupt;
use crate::process;
use crate::receive::boots::{Cutter, Piece};
use crate::receive::{Halt, Receiver, is_terminator};

/// Bytes after an end line that wait for the next boot, whose firmware wrote them.
const BETWEEN: usize = 64 << 10;
/// How long the command that resets a board may take.
const POWER_CYCLE: Duration = Duration::from_secs(120);
/// Bytes after which it is clear that they are no text.
const ENOUGH_GARBAGE: u64 = 2000;

/// What to listen for.
#[derive(Debug, Clone)]
pub struct Listening {
    /// Whole boots to wait for; `None`: as many as there are before the end of the input.
    pub boots: Option<u32>,
    /// How long it may take until a run begins.
    pub first: Duration,
    /// How long a run may be silent.
    pub silence: Duration,
    /// A command that resets the board.
    pub power_cycle: Option<String>,
}

/// One boot, stored.
#[derive(Debug)]
pub struct Boot {
    /// Where.
    pub folder: PathBuf,
    /// What it came to.
    pub finished: Finished,
    /// Whether its end line came.
    pub is_whole: bool,
}

/// What was heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every boot that was stored, in order; at least one.
    pub boots: Vec<Boot>,
    /// How the command should exit.
    pub exit: Exit,
    /// What is wrong beside what the boots say.
    pub errors: Vec<String>,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Heard {
    /// Returns the boots that count: those that are whole, or all if none is.
    pub fn counted(&self) -> impl Iterator<Item = &Boot> {
        let any = self.boots.iter().any(|boot| boot.is_whole);
        self.boots.iter().filter(move |boot| boot.is_whole || !any)
    }

    /// Returns the boots that do not count.
    pub fn cut(&self) -> impl Iterator<Item = &Boot> {
        let any = self.boots.iter().any(|boot| boot.is_whole);
        self.boots.iter().filter(move |boot| any && !boot.is_whole)
    }
}

/// Listens. `create` makes the folder and the receiver of the next boot, after so many whole ones; it is called before
/// anything is waited for.
pub fn listen<F>(console: &Console, options: &Listening, create: F) -> Result<Heard, Error>
where
    F: FnMut(u32) -> Result<(PathBuf, Receiver), Error>,
{
    let mut listener = Listener {
        options,
        is_file: console.is_file,
        create,
        current: None,
        between: Vec::new(),
        boots: Vec::new(),
        whole: 0,
        notes: Vec::new(),
        bytes: 0,
        no_text: 0,
        lost: None,
        told_garbage: false,
    };
    listener.open()?;
    listener.power_cycle()?;
    let mut cutter = Cutter::default();
    let stop = listener.listen(console, &mut cutter)?;
    // However it ends, a line that has not ended is kept, such as the prompt of a boot loader.
    let mut last = None;
    cutter.finish(|piece| {
        if last.is_none()
            && let Next::Stop(why) = listener.piece(&piece)?
        {
            last = Some(why);
        }
        Ok::<(), Error>(())
    })?;
    let stop = match (stop, last) {
        (Stop::Closed(_), Some(last)) => last,
        (stop, _) => stop,
    };
    Ok(listener.end(stop))
}

/// What comes next.
enum Next {
    /// More bytes.
    Listen,
    /// Nothing.
    Stop(Stop),
}

struct Listener<'a, F> {
    options: &'a Listening,
    is_file: bool,
    create: F,
    /// The boot that is being received.
    current: Option<(PathBuf, Receiver)>,
    /// What came after its end line.
    between: Vec<u8>,
    boots: Vec<Boot>,
    whole: u32,
    notes: Vec<String>,
    /// Bytes since the last power cycle, and how many of them are no text.
    bytes: u64,
    no_text: u64,
    /// Why the line is gone, while it is.
    lost: Option<String>,
    told_garbage: bool,
}

impl<F> Listener<'_, F>
where
    F: FnMut(u32) -> Result<(PathBuf, Receiver), Error>,
{
    fn listen(&mut self, console: &Console, cutter: &mut Cutter) -> Result<Stop, Error> {
        let (mut heard, mut flushed, mut last_byte) = (Instant::now(), Instant::now(), Instant::now());
        let mut records = 0;
        loop {
            let mut ended = None;
            match console.events.recv_timeout(TICK) {
                Ok(Event::Bytes(bytes)) if bytes.is_empty() => {}
                Ok(Event::Bytes(bytes)) => {
                    last_byte = Instant::now();
                    self.look_at(&bytes);
                    let mut stop = None;
                    cutter.push(&bytes, |piece| {
                        if stop.is_none()
                            && let Next::Stop(why) = self.piece(&piece)?
                        {
                            stop = Some(why);
                        }
                        Ok::<(), Error>(())
                    })?;
                    if let Some(stop) = stop {
                        return Ok(stop);
                    }
                }
                Ok(Event::Lost(reason)) => {
                    if self.lost.replace(reason.clone()).is_none() {
                        self.note(format!("the line is lost: {reason}; waiting for it to come back"));
                    }
                }
                Ok(Event::Back) => {
                    self.lost = None;
                    self.note("the line is back".to_owned());
                }
                Ok(Event::End(result)) => ended = Some(result),
                Err(RecvTimeoutError::Disconnected) => ended = Some(Ok(())),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(result) = ended {
                return Ok(Stop::Closed(result));
            }
            let now = Instant::now();
            if let Some((_, receiver)) = &mut self.current {
                receiver.tick();
                if std::mem::replace(&mut records, receiver.records()) != receiver.records() {
                    heard = now;
                }
                if now - flushed >= FLUSH {
                    flushed = now;
                    if let Err(error) = receiver.flush() {
                        return Ok(Stop::Store(error));
                    }
                }
            }
            if interrupt::requested() {
                return Ok(Stop::Interrupted);
            }
            let is_over = self.current.as_ref().is_some_and(|(_, receiver)| receiver.ended());
            if is_over && !self.is_file && now - last_byte.max(heard) >= GRACE {
                self.close(Some(Stop::Ended));
                // A pipe without a number of boots to wait for may stay open for ever.
                if self.has_all() || self.options.boots.is_none() {
                    return Ok(Stop::Ended);
                }
                self.power_cycle()?;
                heard = Instant::now();
            } else if !is_over && !self.is_file {
                let begun = self
                    .current
                    .as_ref()
                    .is_some_and(|(_, receiver)| receiver.records() > 0);
                let limit = if begun {
                    self.options.silence
                } else {
                    self.options.first
                };
                if now - heard >= limit {
                    if self.give_up_boot(limit)? {
                        heard = Instant::now();
                    } else {
                        return Ok(Stop::Silence(limit));
                    }
                }
            }
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) -> Result<Next, Error> {
        match *piece {
            Piece::Start => {
                let begun = |(_, receiver): &(PathBuf, Receiver)| receiver.started() || receiver.records() > 0;
                if self.current.as_ref().is_some_and(begun) {
                    let before = std::mem::take(&mut self.between);
                    self.close(None);
                    if self.has_all() {
                        return Ok(Next::Stop(Stop::Ended));
                    }
                    self.open()?;
                    if let Some(stop) = self.take(&before) {
                        return Ok(Next::Stop(stop));
                    }
                }
            }
            Piece::Bytes(bytes) => {
                if self.current.is_none() {
                    self.open()?;
                }
                if let Some(stop) = self.take(bytes) {
                    return Ok(Next::Stop(stop));
                }
            }
        }
        Ok(Next::Listen)
    }

    /// Hands bytes to the boot that is being received; those after its end wait for the next one.
    fn take(&mut self, bytes: &[u8]) -> Option<Stop> {
        let (_, receiver) = self.current.as_mut()?;
        let rest_of_line = self.between.is_empty() && bytes.iter().copied().all(is_terminator);
        let stored = if receiver.ended() && rest_of_line {
            receiver.aside(bytes)
        } else if receiver.ended() {
            self.between.extend_from_slice(bytes);
            if self.between.len() > BETWEEN {
                receiver.aside(&std::mem::take(&mut self.between))
            } else {
                Ok(())
            }
        } else {
            receiver.bytes(bytes)
        };
        match stored {
            Err(error) => Some(Stop::Store(error)),
            // A machine that started again is heard on, for its start line to come.
            Ok(()) if receiver.halted() == Some(Halt::Refused) && !self.is_file => Some(Stop::Halted),
            Ok(()) => None,
        }
    }

    fn open(&mut self) -> Result<(), Error> {
        // A boot that does not count leaves its name to the next.
        if let Some(last) = self.boots.last_mut().filter(|last| !last.is_whole) {
            last.folder = set_aside(&last.folder)?;
        }
        self.current = Some((self.create)(self.whole)?);
        Ok(())
    }

    fn has_all(&self) -> bool {
        self.options.boots.is_some_and(|wanted| self.whole >= wanted)
    }

    /// Ends the boot that is being received. Without a reason: because the next one begins.
    fn close(&mut self, stop: Option<Stop>) {
        let Some((folder, mut receiver)) = self.current.take() else {
            return;
        };
        let between = std::mem::take(&mut self.between);
        // If it cannot be stored, neither can the end, and that is told.
        let _ = receiver.aside(&between);
        let is_whole = receiver.started() && receiver.ended();
        if stop.is_none() && !is_whole && receiver.halted().is_none() {
            receiver.started_again();
        }
        if !receiver.started() && receiver.records() > 0 {
            receiver.defect("the start line of this run did not arrive: the console was joined in the middle, or the line is damaged");
        }
        self.whole += u32::from(is_whole);
        let finished = finish(receiver, stop);
        self.boots.push(Boot {
            folder,
            finished,
            is_whole,
        });
    }

    /// Resets the board, if there is a command for it.
    fn power_cycle(&mut self) -> Result<(), Error> {
        (self.bytes, self.no_text) = (0, 0);
        let Some(command) = &self.options.power_cycle else {
            return Ok(());
        };
        let failed = |how: String| Error::Setup(format!("--power-cycle `{command}` {how}"));
        let output =
            process::output_within(shell(command), POWER_CYCLE).map_err(|error| failed(format!("failed: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let said = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        Err(failed(format!("{}{said}", process::describe(output.status))))
    }

    /// After a boot that fell silent: resets the board, if there is a way and it said anything at all, so that one boot
    /// that hangs does not end an hour of them. Returns whether it did.
    fn give_up_boot(&mut self, limit: Duration) -> Result<bool, Error> {
        let wanted = self.options.boots.unwrap_or(1);
        let begun = self.current.as_ref().is_some_and(|(_, receiver)| receiver.started());
        if self.options.power_cycle.is_none() || !begun || self.boots.len() as u32 + 1 >= wanted {
            return Ok(false);
        }
        self.close(Some(Stop::Silence(limit)));
        self.power_cycle()?;
        Ok(true)
    }

    /// Counts what is text, so that a wrong speed is seen.
    fn look_at(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.no_text += bytes.iter().filter(|&&byte| !is_text(byte)).count() as u64;
        let nothing_read = self
            .current
            .as_ref()
            .is_none_or(|(_, receiver)| receiver.records() == 0);
        if nothing_read && !self.told_garbage && self.bytes >= ENOUGH_GARBAGE && self.is_garbage() {
            self.told_garbage = true;
            let note = self.garbage();
            self.note(note);
        }
    }

    fn is_garbage(&self) -> bool {
        self.bytes >= 16 && self.no_text * 4 > self.bytes
    }

    fn garbage(&self) -> String {
        format!(
            "{} of {} bytes are no text: the speed of the line is probably not the board's (many use 115200, Rockchip \
             boards 1500000), or this is no console",
            self.no_text, self.bytes
        )
    }

    fn note(&mut self, note: String) {
        match &mut self.current {
            Some((_, receiver)) => receiver.say(&note),
            None => eprintln!("note: {note}"),
        }
        self.notes.push(note);
    }

    /// Says why nothing could be read, where nothing could.
    fn nothing(&self, began: bool) -> Option<String> {
        if let Some(reason) = &self.lost {
            Some(format!("the line was lost and did not come back: {reason}"))
        } else if began {
            None
        } else if self.bytes == 0 {
            Some(if self.is_file {
                "the log is empty".to_owned()
            } else {
                "not a byte came: is the board on, is this its console, are RX and TX crossed, is the kernel's console the \
                 board's (`bench-host image --console`)?"
                    .to_owned()
            })
        } else if self.is_garbage() {
            Some(self.garbage())
        } else {
            let what = if self.is_file { "log" } else { "console" };
            Some(format!(
                "the {what} has no line of a run (`TLB,0,start,...` is the first): is it the console of this kernel, whole \
                 and as text?"
            ))
        }
    }

    fn end(mut self, stop: Stop) -> Heard {
        let mut errors = Vec::new();
        let interrupted = matches!(stop, Stop::Interrupted);
        let silent = matches!(stop, Stop::Silence(_));
        let closed = matches!(stop, Stop::Closed(Ok(())));
        let open = self
            .current
            .as_ref()
            .filter(|(_, receiver)| !receiver.ended() && (closed || silent));
        let nothing = open.and_then(|(_, receiver)| self.nothing(receiver.records() > 0));
        if let Some((_, receiver)) = &mut self.current
            && !receiver.ended()
        {
            nothing.into_iter().for_each(|nothing| receiver.defect(nothing));
            if closed && receiver.records() > 0 && receiver.halted().is_none() {
                receiver.defect("the log stops before the end line");
            }
        }
        let stop = match stop {
            Stop::Closed(Ok(())) | Stop::Ended if self.current.is_none() => None,
            stop => Some(stop),
        };
        let why = self.current.is_none().then(|| match &stop {
            Some(Stop::Silence(limit)) => Some(format!(
                "no further boot began within {} s (--timeout)",
                limit.as_secs()
            )),
            Some(Stop::Closed(Err(error))) => Some(format!("reading the console failed: {error}")),
            _ => None,
        });
        errors.extend(why.flatten());
        if self.current.is_some() {
            self.close(Some(stop.unwrap_or(Stop::Ended)));
        }
        let mut heard = Heard {
            boots: self.boots,
            exit: Exit::Ok,
            errors,
            notes: self.notes,
        };
        heard.exit = exit(&heard, self.options.boots, self.whole, interrupted);
        if let Some(wanted) = self.options.boots
            && self.whole < wanted
            && wanted > 1
            && !interrupted
        {
            let boots = plural(self.whole.into(), "whole boot", "whole boots");
            heard.errors.push(format!("{boots} of {wanted} came"));
        }
        heard
    }
}

/// Returns the exit code: of the boots that count, of failures in any, and of boots that did not come.
fn exit(heard: &Heard, wanted: Option<u32>, whole: u32, interrupted: bool) -> Exit {
    if interrupted {
        return Exit::Interrupted;
    }
    let mut exit = heard.counted().fold(Exit::Ok, |exit, boot| exit.or(boot.finished.exit));
    for boot in heard.cut() {
        // A board that failed and then reset has failed.
        if !boot.finished.received.failures.is_empty() {
            exit = exit.or(Exit::Failure);
        }
        if boot.finished.store_error.is_some() {
            exit = exit.or(Exit::Store);
        }
    }
    // With --boots, each one that is asked for is a part of the answer.
    let missing = wanted.is_some_and(|wanted| wanted > whole);
    if missing || heard.boots.is_empty() {
        exit.or(Exit::Incomplete)
    } else {
        exit
    }
}

const fn is_text(byte: u8) -> bool {
    // What a terminal is sent to move, color and erase begins with ESC.
    matches!(byte, b' '..=b'~' | b'\t'..=b'\r' | 0x08 | 0x1b | 0x07)
}

fn shell(command: &str) -> Command {
    let (program, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut shell = Command::new(program);
    shell.args([flag, command]);
    shell
}

/// Moves the folder of a boot that does not count out of the way, so that the name is free for one that does.
fn set_aside(folder: &Path) -> Result<PathBuf, StoreError> {
    let name = |n: u32| {
        let mut name = folder.as_os_str().to_owned();
        name.push(if n == 1 { "-cut".to_owned() } else { format!("-cut-{n}") });
        PathBuf::from(name)
    };
    let aside = (1..).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(0));
    fs::rename(folder, &aside).map_err(|source| StoreError::Io {
        action: "rename folder",
        path: folder.to_owned(),
        source,
    })?;
    Ok(aside)
}
