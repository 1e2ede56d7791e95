// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of every plot as CSV.
//!
//! Ids, phases and events hold no comma, quote or line break when a run wrote them; anything else is quoted.

use std::borrow::Cow;

use crate::model::{Net, Ratio, Statistics, Summary};

/// A CSV file: name and contents.
pub type File = (&'static str, String);

/// Returns the files, in the order of the plots.
pub fn files(summary: &Summary) -> Vec<File> {
    vec![
        ("timing.csv", timing(summary)),
        ("ratios.csv", ratios(summary)),
        ("distribution.csv", distribution(summary)),
        ("batches.csv", batches(summary)),
        ("boot.csv", boot(summary)),
        ("spread.csv", spread(summary)),
        ("shifts.csv", shifts(summary)),
    ]
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

/// Quotes a field if it must be (RFC 4180).
fn field(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
    }
}
