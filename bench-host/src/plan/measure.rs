// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the command line to the conditions of a measurement.

use clap::Args;
use results::manifest;
use results::order::{Order, Places};
use results::plan::{MAX_PES, Measure, Scenarios};
use results::record::Event;
use results::scenario::{Axis, MAX_SCENARIOS, Scenario};

/// What `--full` measures.
const FULL: [&str; 8] = [
    "live=0,16,64,256,1024",
    "refill=16,64,256",
    "dirty=0,16,64,256",
    "tlbis=1,2,4,8,16",
    "repeat=1,2,4",
    "idle=0,1",
    "busy=0,1",
    "broadcast=0,1",
];

/// Conditions to time sequences under; the same options for `run` and `image`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Conditions (docs/measurement.md explains them)")]
pub struct MeasureArgs {
    /// Time every sequence under these conditions too, all at once: live (pages touched before), refill (pages touched
    /// again after, inside the frame), dirty (cache lines stored to right before), tlbis (every TLBI issued N times
    /// before its DSB), repeat (the whole sequence N times), idle, busy, broadcast (other PEs that wait, load, or
    /// broadcast TLBIs); repeatable
    #[arg(long, value_name = "AXIS=N[,AXIS=N...]", value_parser = scenario)]
    pub scenario: Vec<Scenario>,
    /// Vary one condition: a scenario for each value; repeatable. tlbis gives issue and completion cost, repeat the
    /// cost without the frame
    #[arg(long, value_name = "AXIS=N,N,...", value_parser = sweep)]
    pub sweep: Vec<Sweep>,
    /// A sensible set of sweeps, and all events (needs 2 PEs)
    #[arg(long)]
    pub full: bool,
    /// PMU events to count too, each in samples of its own, where the PE implements them: all, or some of inst_retired,
    /// l1i_tlb_refill, l1d_tlb_refill, l2d_tlb_refill, l1d_tlb, l2d_tlb, dtlb_walk, itlb_walk, mem_access, bus_access,
    /// bus_cycles, stall_frontend, stall_backend
    #[arg(long, value_name = "all|EVENT,...", value_parser = events)]
    pub events: Option<Events>,
    /// The order of samples: thue-morse, abba or random
    #[arg(long, value_name = "ORDER", default_value = "thue-morse", value_parser = order)]
    pub order: Order,
    /// Rounds to run before each batch without keeping their samples
    #[arg(long, value_name = "N", default_value_t = Measure::PLAIN.warmup)]
    pub warm_up: u16,
    /// PEs that time themselves, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_PES)))]
    pub timed_pes: u8,
    /// Time the timing: what taking the samples costs beside a bare loop over the same instructions
    #[arg(long, conflicts_with_all = ["scenario", "sweep", "full", "events", "timed_pes"])]
    pub overhead: bool,
}

/// A mask of events, as `--events` takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Events(u32);

/// Values on one axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    axis: Axis,
    values: Vec<u16>,
}

impl MeasureArgs {
    /// Returns the measurement that the options ask for, or what is wrong with them.
    pub fn measure(&self) -> Result<Measure, String> {
        let mut scenarios = Scenarios::PLAIN;
        let full = FULL.iter().filter(|_| self.full).map(|text| sweep(text));
        let full = full.collect::<Result<Vec<_>, _>>()?;
        let points = full.iter().chain(&self.sweep).flat_map(Sweep::points);
        for wanted in self.scenario.iter().copied().chain(points) {
            // What is subtracted from the cost of touching pages again is the flush with the same pages live.
            let flush_only = wanted.with(Axis::Live, wanted.touched()).with(Axis::Refill, 0);
            let needed = [Some(wanted), (wanted.get(Axis::Refill) > 0).then_some(flush_only)];
            for scenario in needed.into_iter().flatten() {
                if !scenarios.add(scenario) {
                    return Err(format!("more than {MAX_SCENARIOS} scenarios: leave some out"));
                }
            }
        }
        let events = if self.full { Some(Events::ALL) } else { self.events };
        Ok(Measure {
            order: self.order,
            warmup: self.warm_up,
            events: events.map_or(0, |events| events.0),
            timed_pes: self.timed_pes,
            overhead: self.overhead,
            scenarios,
        })
    }

    /// Returns whether more than the plain scenario is asked for.
    pub const fn is_plain(&self) -> bool {
        self.scenario.is_empty() && self.sweep.is_empty() && !self.full
    }

    /// Returns the options that ask for the same again.
    pub fn options(&self) -> Vec<(&'static str, Option<String>)> {
        let mut options = Vec::new();
        for scenario in &self.scenario {
            options.push(("scenario", Some(scenario_text(scenario))));
        }
        for sweep in &self.sweep {
            let values: Vec<_> = sweep.values.iter().map(u16::to_string).collect();
            options.push(("sweep", Some(format!("{}={}", sweep.axis.id(), values.join(",")))));
        }
        if let Some(events) = self.events {
            options.push(("events", Some(events.text())));
        }
        options.push(("order", Some(self.order.id().to_owned())));
        options.push(("warm-up", Some(self.warm_up.to_string())));
        if self.timed_pes != 1 {
            options.push(("timed-pes", Some(self.timed_pes.to_string())));
        }
        for (flag, set) in [("full", self.full), ("overhead", self.overhead)] {
            options.extend(set.then_some((flag, None)));
        }
        options
    }
}

/// Describes a measurement for the manifest.
pub fn describe(measure: &Measure) -> manifest::Measure {
    manifest::Measure {
        order: measure.order,
        warmup: measure.warmup.into(),
        // The kernel says.
        places: Places::default(),
        timed_pes: measure.timed_pes.into(),
        events: Event::counted()
            .filter(|event| measure.events & event.mask() != 0)
            .collect(),
        scenarios: measure
            .scenarios
            .as_slice()
            .iter()
            .copied()
            .map(manifest::ScenarioPlan::of)
            .collect(),
    }
}

impl Sweep {
    fn points(&self) -> impl Iterator<Item = Scenario> {
        self.values.iter().map(|&value| Scenario::PLAIN.with(self.axis, value))
    }
}

impl Events {
    const ALL: Self = {
        let (mut mask, mut index) = (0, 0);
        while index < Event::ALL.len() {
            if Event::ALL[index].number().is_some() {
                mask |= Event::ALL[index].mask();
            }
            index += 1;
        }
        Self(mask)
    };

    fn text(self) -> String {
        if self == Self::ALL {
            return "all".to_owned();
        }
        let ids: Vec<_> = Event::counted()
            .filter(|event| self.0 & event.mask() != 0)
            .map(Event::id)
            .collect();
        ids.join(",")
    }
}

fn axis_ids() -> String {
    Axis::ALL.map(Axis::id).join(", ")
}

fn axis(name: &str) -> Result<Axis, String> {
    match Axis::from_id(name) {
        Some(axis) => Ok(axis),
        None if name == "pes" => {
            Err("`pes` says too little: idle=N, busy=N or broadcast=N says what N other PEs do".to_owned())
        }
        None => Err(format!("no condition `{name}`; there are {}", axis_ids())),
    }
}

fn value(axis: Axis, text: &str) -> Result<u16, String> {
    let range = axis.neutral()..=axis.largest();
    let (low, high) = (range.start(), range.end());
    text.parse()
        .ok()
        .filter(|value| range.contains(value))
        .ok_or_else(|| format!("{}={text}: not a number from {low} to {high}", axis.id()))
}

fn scenario(text: &str) -> Result<Scenario, String> {
    let mut scenario = Scenario::PLAIN;
    let mut given = Vec::new();
    for part in text.split(',') {
        let (name, number) = part
            .split_once('=')
            .ok_or_else(|| format!("`{part}` is not AXIS=N, with an AXIS of {}", axis_ids()))?;
        let axis = axis(name)?;
        if given.contains(&axis) {
            return Err(format!(
                "`{name}` is given twice (--sweep {name}=N,N takes several values)"
            ));
        }
        given.push(axis);
        scenario = scenario.with(axis, value(axis, number)?);
    }
    scenario
        .obstacle()
        .map_or(Ok(scenario), |obstacle| Err(obstacle.to_owned()))
}

fn scenario_text(scenario: &Scenario) -> String {
    let parts: Vec<_> = Axis::ALL
        .into_iter()
        .filter(|&axis| scenario.get(axis) != axis.neutral())
        .map(|axis| format!("{}={}", axis.id(), scenario.get(axis)))
        .collect();
    if parts.is_empty() {
        "live=0".to_owned()
    } else {
        parts.join(",")
    }
}

fn sweep(text: &str) -> Result<Sweep, String> {
    let (name, values) = text
        .split_once('=')
        .ok_or_else(|| format!("not AXIS=N,N,..., with an AXIS of {}", axis_ids()))?;
    let axis = axis(name)?;
    let values = values.split(',').map(|text| value(axis, text));
    Ok(Sweep {
        axis,
        values: values.collect::<Result<_, _>>()?,
    })
}

fn events(text: &str) -> Result<Events, String> {
    if text == "all" {
        return Ok(Events::ALL);
    }
    let mut mask = 0;
    for id in text.split(',') {
        let event = Event::from_id(id)
            .filter(|event| event.number().is_some())
            .ok_or_else(|| {
                let ids: Vec<_> = Event::counted().map(Event::id).collect();
                format!("no event `{id}`; there are all, {}", ids.join(", "))
            })?;
        mask |= event.mask();
    }
    Ok(Events(mask))
}

fn order(text: &str) -> Result<Order, String> {
    Order::from_id(text).ok_or_else(|| "none of thue-morse, abba, random".to_owned())
}

/// Reads a number of samples: decimal, with k or M for thousands or millions.
pub fn samples(text: &str) -> Result<u32, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'M']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (text, 1),
    };
    let number = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    number.ok_or_else(|| format!("not a number up to {}, such as 2000, 50k or 100M", u32::MAX))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        measure: MeasureArgs,
    }

    fn measure(arguments: &[&str]) -> Measure {
        let arguments = ["x"].iter().chain(arguments);
        Cli::try_parse_from(arguments).unwrap().measure.measure().unwrap()
    }

    fn ids(arguments: &[&str]) -> Vec<String> {
        let measure = measure(arguments);
        measure.scenarios.as_slice().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_asked_for_is_the_plain_measurement() {
        assert_eq!(measure(&[]), Measure::PLAIN);
    }

    #[test]
    fn a_sweep_is_a_scenario_for_each_value_and_its_neutral_value_is_the_plain_one() {
        assert_eq!(ids(&["--sweep", "live=0,16,64"]), ["plain", "live_16", "live_64"]);
        assert_eq!(
            ids(&["--sweep", "tlbis=1,2", "--scenario", "live=64,tlbis=2"]),
            ["plain", "live_64_tlbis_2", "tlbis_2"]
        );
        assert_eq!(measure(&["--sweep", "busy=0,1,3"]).pes(), 4);
    }

    #[test]
    fn refill_brings_the_flush_it_is_held_against() {
        assert_eq!(ids(&["--scenario", "refill=64"]), ["plain", "refill_64", "live_64"]);
        assert_eq!(
            ids(&["--scenario", "refill=64,live=128"]),
            ["plain", "live_128_refill_64", "live_128"]
        );
    }

    #[test]
    fn the_full_set_fits_a_plan() {
        let full = measure(&["--full"]);
        assert_eq!((full.pes(), full.events), (2, Events::ALL.0));
        assert!(full.scenarios.as_slice().len() > 15);
    }

    #[test]
    fn options_ask_for_the_same_again() {
        let arguments = [
            "--scenario",
            "live=64,tlbis=8",
            "--sweep",
            "busy=1,3",
            "--events",
            "dtlb_walk,inst_retired",
            "--order",
            "abba",
            "--warm-up",
            "3",
            "--timed-pes",
            "2",
        ];
        let parse = |arguments: &[String]| Cli::try_parse_from(arguments).unwrap().measure;
        let first = parse(
            &["x"]
                .iter()
                .chain(&arguments)
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        );
        let mut again = vec!["x".to_owned()];
        for (name, value) in first.options() {
            again.push(format!("--{name}"));
            again.extend(value);
        }
        assert_eq!(parse(&again).measure(), first.measure());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refusal = |option: &str, value: &str| match Cli::try_parse_from(["x", option, value]) {
            Ok(_) => panic!("{option} {value} is taken"),
            Err(error) => error.to_string(),
        };
        assert!(refusal("--scenario", "lives=3").contains("no condition `lives`"));
        assert!(refusal("--scenario", "64").contains("`64` is not AXIS=N"));
        assert!(refusal("--scenario", "live=2000").contains("from 0 to 1024"));
        assert!(refusal("--scenario", "tlbis=0").contains("from 1 to 256"));
        assert!(refusal("--scenario", "live=1,live=2").contains("twice"));
        assert!(refusal("--scenario", "busy=1,idle=1").contains("only one of"));
        assert!(refusal("--sweep", "pes=1,2").contains("busy=N"));
        assert!(refusal("--sweep", "live=1,x").contains("live=x"));
        assert!(refusal("--events", "cycles").contains("no event `cycles`"));
        assert!(refusal("--order", "baab").contains("thue-morse"));
    }

    #[test]
    fn numbers_of_samples_have_units() {
        assert_eq!(
            (samples("100M"), samples("50k"), samples("7")),
            (Ok(100_000_000), Ok(50_000), Ok(7))
        );
        assert!(samples("5000M").is_err() && samples("M").is_err() && samples("1G").is_err());
    }
}
