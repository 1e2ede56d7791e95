// SPDX-License-Identifier: MIT OR Apache-2.0
//! The benchmark text format of Go, for benchstat.
//!
//! One line per batch: the number of samples, their mean, and their median as a second unit, because a mean is at the
//! mercy of a single interrupt (`golang.org/x/perf/benchfmt`; the format is
//! specified in Go's design document 14313-benchmark-format). The sequence, the PE and the conditions are parts of
//! the name that `-row` and `-col` can select. Only what must keep two files apart is a configuration line: benchstat
//! makes a table of its own for every configuration.

use std::collections::BTreeSet;
use std::fmt::Write;

use results::scenario::Scenario;
use results::store::Run;

use super::{ExportError, means, run_name, unit};

/// Returns the text of a run, and what the user should know about it.
pub fn render(run: &Run) -> Result<(String, Vec<String>), ExportError> {
    let means = means::read(run)?;
    let manifest = &run.manifest;
    let mut text = String::new();
    // Lines that are neither configuration, unit nor result are ignored by readers of the format.
    let _ = write!(
        text,
        "# run {}\n# raw counts, the overhead of the frame included (seq=empty is the frame alone)\n",
        run_name(run.folder())
    );
    let _ = write!(
        text,
        "goarch: arm64\npkg: tlb-maintenance\ncpu: {}\nlabel: {}\n",
        one_line(&manifest.machine),
        one_line(&manifest.label)
    );
    let units: BTreeSet<String> = means.series.keys().map(|series| unit(series.event, manifest)).collect();
    for unit in units {
        let _ = writeln!(text, "Unit {unit}/op better=lower\nUnit p50-{unit}/op better=lower");
    }
    for (series, batches) in &means.series {
        let mut name = format!("BenchmarkTLB/seq={}/pe={}", word(&series.seq), series.pe);
        if series.scenario != Scenario::PLAIN {
            let _ = write!(name, "/scenario={}", word(&series.scenario.to_string()));
        }
        let unit = unit(series.event, manifest);
        for batch in batches {
            let (count, mean, median) = (batch.count, batch.mean(), batch.median);
            let _ = writeln!(text, "{name} {count} {mean} {unit}/op {median} p50-{unit}/op");
        }
    }
    Ok((text, means.notes()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns a text as a part of a name. Blanks end a name, slashes its parts, and a number after a dash at its end is
/// taken for a number of threads.
fn word(text: &str) -> String {
    text.replace(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')), "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names_cannot_break_them() {
        assert_eq!(word("xen_head_old"), "xen_head_old");
        assert_eq!(word("a b/c-8"), "a_b_c_8");
        assert_eq!(one_line("QEMU TCG:\nnot hardware"), "QEMU TCG: not hardware");
    }
}
