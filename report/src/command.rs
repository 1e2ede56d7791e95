// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands, broken into lines that can be pasted as they stand.

use crate::plain_text::printable;

/// Columns of a command in a report: with its indent it fits a terminal.
pub const WIDTH: usize = 96;

/// Breaks a command at its options into lines of at most `width` columns, unless one option alone is longer.
pub fn broken(command: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in words(&printable(command)) {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        // Two for the backslash.
        let fits = line + 1 + word.chars().count() + 2 <= width;
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(&word),
            Some(last) if fits => {
                last.push(' ');
                last.push_str(&word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines.join(" \\\n")
}

/// Splits a command into options with their values; what is quoted stays whole.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in command.chars() {
        quoted ^= c == '\'';
        match (c, words.last_mut()) {
            (' ', _) if !quoted => words.push(String::new()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    let mut joined: Vec<String> = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        match joined.last_mut() {
            Some(option) if option.starts_with("--") && !option.contains(' ') && !word.starts_with("--") => {
                option.push(' ');
                option.push_str(&word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_broken_between_its_options() {
        let long = "bench-host run --cpu cortex-a72 --smp 1 --sequence xen_head_old --sequence 'mine=dsb ishst; tlbi \
                    vae2is, {va}; dsb ish; isb' --deterministic";
        assert_eq!(
            broken(long, 70),
            "bench-host run --cpu cortex-a72 --smp 1 --sequence xen_head_old \\\n    --sequence 'mine=dsb ishst; tlbi vae2is, \
             {va}; dsb ish; isb' \\\n    --deterministic"
        );
        assert!(broken(long, 70).lines().all(|line| line.len() <= 70));
        assert_eq!(broken("bench-host check", 70), "bench-host check");
    }
}
