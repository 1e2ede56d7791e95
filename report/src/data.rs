// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of every plot as CSV.
//!
//! Ids, phases and events hold no comma, quote or line break when a run wrote them; anything else is quoted.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::{BaselineRatio, Interval, Net, Ratio, Statistics, Summary};

/// Name of the file with the numbers of every series.
pub const TIMING: &str = "timing.csv";
/// Name of the file with the ratios to the baseline.
pub const RATIOS: &str = "ratios.csv";
/// Name of the file with every value of every series.
pub const DISTRIBUTION: &str = "distribution.csv";
/// Name of the file with the median of every batch.
pub const BATCHES: &str = "batches.csv";
/// Name of the file with the phases of the boot path.
pub const BOOT: &str = "boot.csv";
/// Name of the file with the spread of every series.
pub const SPREAD: &str = "spread.csv";
/// Name of the file with the shifts from the baseline and their tests.
pub const SHIFTS: &str = "shifts.csv";
/// Name of the file with the checks.
pub const CHECKS: &str = "checks.csv";
/// Name of the file with the mutants.
pub const MUTANTS: &str = "mutants.csv";
/// Name of the file with the cost by number of pages, for each way to invalidate them.
pub const BREAK_EVEN: &str = "break_even.csv";
/// Name of the file with the cost under varying conditions.
pub const SWEEPS: &str = "sweeps.csv";
/// Name of the file with the cost of flushes and of what follows them.
pub const REFILLS: &str = "refills.csv";
/// Name of the file with the events counted.
pub const EVENTS: &str = "events.csv";
/// Name of the file with the frequency of the cycle counter.
pub const CLOCKS: &str = "clocks.csv";

/// A CSV file: name and contents.
pub type File = (&'static str, String);

/// Returns the files: those that every run has, then those that this run has.
pub fn files(summary: &Summary) -> Vec<File> {
    let mut files = vec![
        (TIMING, timing(summary)),
        (RATIOS, ratios(summary)),
        (DISTRIBUTION, distribution(summary)),
        (BATCHES, batches(summary)),
        (BOOT, boot(summary)),
        (SPREAD, spread(summary)),
        (SHIFTS, shifts(summary)),
    ];
    let more = [
        (CHECKS, checks(summary)),
        (MUTANTS, mutants(summary)),
        (BREAK_EVEN, break_even(summary)),
        (SWEEPS, sweeps(summary)),
        (REFILLS, refills(summary)),
        (EVENTS, events(summary)),
        (CLOCKS, clocks(summary)),
    ];
    files.extend(
        more.into_iter()
            .filter(|(_, contents)| contents.lines().nth(1).is_some()),
    );
    files
}

/// Returns the files of several runs as one, with the name of the run as a first column; without every single value,
/// which the runs' own files have.
pub fn files_of_runs(runs: &[Summary]) -> Vec<File> {
    let mut all: Vec<File> = Vec::new();
    for run in runs {
        let name = field(&run.name).into_owned();
        let of_run = files(run)
            .into_iter()
            .filter(|(file, _)| ![DISTRIBUTION, BATCHES].contains(file));
        for (file, contents) in of_run {
            let at = all.iter().position(|(known, _)| *known == file).unwrap_or_else(|| {
                let header = contents.lines().next().unwrap_or_default();
                all.push((file, format!("run,{header}\n")));
                all.len() - 1
            });
            // No field has a line break.
            contents
                .lines()
                .skip(1)
                .for_each(|line| put(&mut all[at].1, format_args!("{name},{line}\n")));
        }
    }
    all
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(text);
}

/// One row per series: `seq,pe,event,samples,min,p1,p10,median,p90,p99,p999,max,mean,mad,net,net_low,net_high,label`.
/// `net` is empty when below resolution.
fn timing(summary: &Summary) -> String {
    let mut out =
        String::from("seq,pe,event,samples,min,p1,p10,median,p90,p99,p999,max,mean,mad,net,net_low,net_high,label\n");
    for series in &summary.series {
        let Some(s) = &series.stats else { continue };
        let Statistics {
            samples,
            min,
            p1,
            p10,
            median,
            p90,
            p99,
            p999,
            max,
            mean,
            mad,
            ..
        } = s;
        let net = match s.net {
            Net::Resolved(net) => net.to_string(),
            Net::BelowResolution(_) | Net::NoFrame | Net::IsFrame => String::new(),
        };
        let (low, high) = s
            .net_interval
            .map_or_else(Default::default, |i| (i.low.to_string(), i.high.to_string()));
        out.push_str(&format!(
            "{},{},{},{samples},{min},{p1},{p10},{median},{p90},{p99},{p999},{max},{mean},{mad},{net},{low},{high},{}\n",
            field(&series.seq),
            series.pe,
            series.event.id(),
            field(summary.label()),
        ));
    }
    out
}

/// One row per comparison and basis: `seq,baseline,pe,event,basis,ratio,low,high,batches,noise_floor,twin,label`.
fn ratios(summary: &Summary) -> String {
    let mut out = String::from("seq,baseline,pe,event,basis,ratio,low,high,batches,noise_floor,twin,label\n");
    for c in &summary.comparisons {
        for (basis, ratio) in [("net", c.net), ("raw", c.raw)] {
            let Some(Ratio {
                estimate,
                interval,
                batches,
            }) = ratio
            else {
                continue;
            };
            out.push_str(&format!(
                "{},{},{},{},{basis},{estimate},{},{},{batches},{},{},{}\n",
                field(&c.seq),
                field(&c.baseline),
                c.pe,
                c.event.id(),
                interval.low,
                interval.high,
                c.noise_floor.map(|floor| floor.to_string()).unwrap_or_default(),
                c.is_twin,
                field(summary.label()),
            ));
        }
    }
    out
}

/// One row per series and value: `seq,pe,event,value,count`, raw and exact.
fn distribution(summary: &Summary) -> String {
    let mut out = String::from("seq,pe,event,value,count\n");
    for series in &summary.series {
        let start = format!("{},{},{},", field(&series.seq), series.pe, series.event.id());
        for (value, count) in &series.distribution {
            out.push_str(&format!("{start}{value},{count}\n"));
        }
    }
    out
}

/// One row per series and batch: `seq,pe,event,batch,median`, raw, interpolated within one count.
fn batches(summary: &Summary) -> String {
    let mut out = String::from("seq,pe,event,batch,median\n");
    for series in &summary.series {
        let start = format!("{},{},{},", field(&series.seq), series.pe, series.event.id());
        for (batch, median) in &series.batches {
            out.push_str(&format!("{start}{batch},{median}\n"));
        }
    }
    out
}

/// One row per phase: `pe,phase,event,count,label`.
fn boot(summary: &Summary) -> String {
    let mut out = String::from("pe,phase,event,count,label\n");
    for phase in &summary.boot {
        let (pe, event, count) = (phase.pe, phase.event.id(), phase.count);
        out.push_str(&format!(
            "{pe},{},{event},{count},{}\n",
            field(&phase.phase),
            field(summary.label())
        ));
    }
    out
}

/// One row per series: `seq,pe,event,trimmed_mean,deviation,drift,mode_low,mode_high,upper_share,upper_batches,label`.
/// The modes are empty where there is one only.
fn spread(summary: &Summary) -> String {
    let header = "seq,pe,event,trimmed_mean,deviation,drift,mode_low,mode_high,upper_share,upper_batches,label\n";
    let mut out = header.to_owned();
    for series in &summary.series {
        let Some(s) = &series.stats else { continue };
        let modes = s.modes.map_or_else(
            || ",,,".to_owned(),
            |m| format!("{},{},{},{}", m.low, m.high, m.upper_share, m.upper_batches),
        );
        out.push_str(&format!(
            "{},{},{},{},{},{},{modes},{}\n",
            field(&series.seq),
            series.pe,
            series.event.id(),
            s.trimmed_mean,
            optional(s.deviation),
            optional(s.drift),
            field(summary.label()),
        ));
    }
    out
}

/// One row per comparison that has a shift:
/// `seq,baseline,pe,event,shift,low,high,sample_shift,superiority,p_signed_rank,p_mann_whitney,family,label`. The
/// p-values are corrected for `family` comparisons; they are empty for the A/A twin.
fn shifts(summary: &Summary) -> String {
    let header =
        "seq,baseline,pe,event,shift,low,high,sample_shift,superiority,p_signed_rank,p_mann_whitney,family,label\n";
    let mut out = header.to_owned();
    for c in &summary.comparisons {
        let Some(shift) = c.shift else { continue };
        out.push_str(&format!(
            "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
            field(&c.seq),
            field(&c.baseline),
            c.pe,
            c.event.id(),
            shift.batches,
            shift.interval.low,
            shift.interval.high,
            shift.samples,
            shift.superiority,
            optional(c.tests.map(|tests| tests.signed_rank)),
            optional(c.tests.map(|tests| tests.mann_whitney)),
            c.family,
            field(summary.label()),
        ));
    }
    out
}

fn optional(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// One row per check and sequence, the controls first: `check,seq,class,stale,new,fault,other,stale_rate_bound,reason`.
fn checks(summary: &Summary) -> String {
    let mut out = String::from("check,seq,class,stale,new,fault,other,stale_rate_bound,reason\n");
    for check in &summary.checks {
        let id = field(&check.id);
        let good = check
            .good_control
            .as_ref()
            .map(|(seq, outcomes)| (seq.as_str(), outcomes));
        let controls = [
            (
                "control_bad",
                check.bad_control.as_ref().map(|outcomes| ("none", outcomes)),
            ),
            (
                "control_bad",
                check.no_tlbi.as_ref().map(|outcomes| ("no_tlbi", outcomes)),
            ),
            ("control_good", good),
        ];
        for (class, control) in controls {
            let Some((seq, o)) = control else { continue };
            put(
                &mut out,
                format_args!(
                    "{id},{},{class},{},{},{},{},,\n",
                    field(seq),
                    o.stale,
                    o.new,
                    o.fault,
                    o.other
                ),
            );
        }
        for row in &check.rows {
            let o = row.outcomes;
            put(
                &mut out,
                format_args!(
                    "{id},{},{},{},{},{},{},{},{}\n",
                    field(&row.seq),
                    row.class.id(),
                    o.stale,
                    o.new,
                    o.fault,
                    o.other,
                    row.stale_rate_bound.map(|bound| bound.to_string()).unwrap_or_default(),
                    field(&row.reason)
                ),
            );
        }
    }
    out
}

/// One row per mutant: `kind,check,sequence,edit,judge,fate`.
fn mutants(summary: &Summary) -> String {
    let mut out = String::from("kind,check,sequence,edit,judge,fate\n");
    for m in &summary.mutants {
        let fields = [&m.kind, &m.check, &m.sequence, &m.edit, &m.judge].map(|text| field(text).into_owned());
        put(&mut out, format_args!("{},{}\n", fields.join(","), m.fate.name()));
    }
    out
}

/// Returns `net,low,high`, each empty if there is none.
fn net_and_ends(net: Net, ends: Option<Interval>) -> String {
    let net = match net {
        Net::Resolved(net) => net.to_string(),
        Net::BelowResolution(_) | Net::NoFrame | Net::IsFrame => String::new(),
    };
    let (low, high) = ends.map_or_else(Default::default, |i| (i.low.to_string(), i.high.to_string()));
    format!("{net},{low},{high}")
}

/// One row per way and number of pages: `scope,way,pe,event,pages,net,net_low,net_high,label`.
fn break_even(summary: &Summary) -> String {
    let mut out = format!("scope,way,pe,event,pages,net,net_low,net_high,{BESIDE},label\n");
    for b in &summary.break_even {
        for (way, point) in b
            .ways
            .iter()
            .flat_map(|way| way.points.iter().map(move |point| (way, point)))
        {
            put(
                &mut out,
                format_args!(
                    "{},{},{},{},{},{},{},{}\n",
                    field(&b.scope),
                    field(&way.name),
                    b.pe,
                    b.event.id(),
                    point.pages,
                    net_and_ends(point.net, point.interval),
                    baseline_ratio(point.beside.as_ref()),
                    field(summary.label())
                ),
            );
        }
    }
    out
}

/// Columns of a sequence beside the baseline under the same conditions.
const BESIDE: &str = "ratio,ratio_low,ratio_high,noise_floor";

/// Returns a sequence beside the baseline, as four columns; empty where there is none.
fn baseline_ratio(baseline_ratio: Option<&BaselineRatio>) -> String {
    let ratio = baseline_ratio.and_then(|baseline_ratio| baseline_ratio.ratio);
    let floor = baseline_ratio.and_then(|baseline_ratio| baseline_ratio.noise_floor);
    let of = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let ends = ratio.map(|ratio| ratio.interval);
    [
        ratio.map(|ratio| ratio.estimate),
        ends.map(|ends| ends.low),
        ends.map(|ends| ends.high),
        floor,
    ]
    .map(of)
    .join(",")
}

/// One row per point: `seq,pe,event,axis,base,x,scenario,samples,median,net,net_low,net_high`, what is net beside the
/// baseline ([`BESIDE`]), and the label.
fn sweeps(summary: &Summary) -> String {
    let mut out = format!("seq,pe,event,axis,base,x,scenario,samples,median,net,net_low,net_high,{BESIDE},label\n");
    for s in &summary.sweeps {
        for point in &s.points {
            put(
                &mut out,
                format_args!(
                    "{},{},{},{},{},{},{},{},{},{},{},{}\n",
                    field(&s.seq),
                    s.pe,
                    s.event.id(),
                    s.axis.id(),
                    field(&s.base),
                    point.x,
                    field(&point.scenario),
                    point.samples,
                    point.median,
                    net_and_ends(point.net, point.net_interval),
                    baseline_ratio(point.baseline_ratio.as_ref()),
                    field(summary.label())
                ),
            );
        }
    }
    out
}

/// One row per sequence and number of pages:
/// `seq,pe,event,pages,flush,refill,refill_low,refill_high,warm`, the refill beside the baseline's ([`BESIDE`]), and the
/// label.
fn refills(summary: &Summary) -> String {
    let mut out = format!("seq,pe,event,pages,flush,refill,refill_low,refill_high,warm,{BESIDE},label\n");
    for r in &summary.refills {
        let flush = match r.flush {
            Net::Resolved(net) => net.to_string(),
            Net::BelowResolution(_) | Net::NoFrame | Net::IsFrame => String::new(),
        };
        let refill = r.refill.map(|refill| refill.to_string()).unwrap_or_default();
        let (low, high) = r
            .refill_interval
            .map_or_else(Default::default, |i| (i.low.to_string(), i.high.to_string()));
        put(
            &mut out,
            format_args!(
                "{},{},{},{},{flush},{refill},{low},{high},{},{},{}\n",
                field(&r.seq),
                r.pe,
                r.event.id(),
                r.pages,
                r.warm,
                baseline_ratio(r.baseline_ratio.as_ref()),
                field(summary.label())
            ),
        );
    }
    out
}

/// One row per sequence, conditions and event: `seq,scenario,pe,event,samples,mean,net_mean,median,label`.
fn events(summary: &Summary) -> String {
    let mut out = String::from("seq,scenario,pe,event,samples,mean,net_mean,median,label\n");
    for e in &summary.events {
        put(
            &mut out,
            format_args!(
                "{},{},{},{},{},{},{},{},{}\n",
                field(&e.seq),
                field(&e.scenario),
                e.pe,
                e.event.id(),
                e.samples,
                e.mean,
                e.net_mean.map(|mean| mean.to_string()).unwrap_or_default(),
                e.median,
                field(summary.label())
            ),
        );
    }
    out
}

/// One row per PE and batch: `pe,batch,hertz,label`.
fn clocks(summary: &Summary) -> String {
    let mut out = String::from("pe,batch,hertz,label\n");
    for clock in &summary.clocks {
        for (batch, hertz) in &clock.frequencies {
            put(
                &mut out,
                format_args!("{},{batch},{hertz},{}\n", clock.pe, field(summary.label())),
            );
        }
    }
    out
}

/// Quotes a field if it must be (RFC 4180). A line break becomes a blank, so that a row is a line.
pub(crate) fn field(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        false => Cow::Borrowed(text),
        true => {
            let text = text.replace(['\n', '\r'], " ").replace('"', "\"\"");
            Cow::Owned(format!("\"{text}\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_line_whatever_a_name_holds() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("a\r\n\"b\""), "\"a  \"\"b\"\"\"");
    }
}
