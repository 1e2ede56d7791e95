// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log of a LAVA job: an object in every line, some of which hold a line of the board's console.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

/// A line of the log.
#[derive(Deserialize)]
struct Entry<'a> {
    /// Who speaks: `target` is the board.
    lvl: &'a str,
    /// What; of other levels it may be anything.
    msg: serde_json::Value,
}

/// Longest line read; a line of a job's log is not much longer than the line of the console in it.
const LONGEST: u64 = 1 << 20;

/// Returns whether this is the beginning of a job's log: `output.yaml` of a server (a list), or what `lava-run` prints.
pub fn is_log(beginning: &[u8]) -> bool {
    let text = beginning.trim_ascii_start();
    let text = text.strip_prefix(b"- ").unwrap_or(text).trim_ascii_start();
    text.starts_with(b"{\"dt\":") || text.starts_with(b"{\"dt\" :")
}

/// Reads the console out of a job's log.
pub struct Console<R> {
    log: BufReader<R>,
    line: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
}

impl<R: Read> Console<R> {
    /// Reads from the beginning of a log.
    pub fn new(log: R) -> Self {
        Self {
            log: BufReader::new(log),
            line: Vec::new(),
            ready: Vec::new(),
            taken: 0,
        }
    }
}

impl<R: Read> Read for Console<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() {
            (self.taken, self.line) = (0, Vec::new());
            self.ready.clear();
            if (&mut self.log).take(LONGEST).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(0);
            }
            if let Some(text) = console_line(&self.line) {
                self.ready.extend_from_slice(text.as_bytes());
                self.ready.push(b'\n');
            }
        }
        let n = buffer.len().min(self.ready.len() - self.taken);
        buffer[..n].copy_from_slice(&self.ready[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

fn console_line(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"- ").unwrap_or(line);
    let entry: Entry<'_> = serde_json::from_slice(line).ok()?;
    let text = entry.msg.as_str().filter(|_| entry.lvl == "target")?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_is_what_the_target_says() {
        let log = concat!(
            "- {\"dt\": \"2026-11-27T10:00:00.1\", \"lvl\": \"info\", \"msg\": \"start: 1 deploy\"}\n",
            "- {\"dt\": \"2026-11-27T10:00:01.2\", \"lvl\": \"target\", \"msg\": \"TLB,0,start,\\\"2\\\"\"}\n",
            "- {\"dt\": \"2026-11-27T10:00:01.3\", \"lvl\": \"results\", \"msg\": {\"case\": \"x\", \"result\": \"pass\"}}\n",
            "no entry\n",
            "{\"dt\": \"2026-11-27T10:00:01.4\", \"lvl\": \"target\", \"msg\": \"end\"}",
        );
        assert!(is_log(log.as_bytes()) && !is_log(b"TLB,0,start") && !is_log(b"- {"));
        let mut text = String::new();
        Console::new(log.as_bytes()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "TLB,0,start,\"2\"\nend\n");
    }
}
