// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of options, from text and back.

use std::fmt;

use results::plan::{AtEnd, Conduit, Console, Fault, Flow, MAX_PES, Moment, Planted, RuntimeCase, Silence};

/// A slot case, with the address where it takes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runtime(pub(super) RuntimeCase, pub(super) u64);

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RuntimeCase::Address => write!(f, "{:#x}", self.1),
            case => f.write_str(case.id()),
        }
    }
}

pub(super) fn batch_samples(text: &str) -> Result<u32, String> {
    match super::measure::samples(text)? {
        0 => Err("a batch has at least one sample".to_owned()),
        samples => Ok(samples),
    }
}

/// Reads a slot case or an address.
pub fn runtime(text: &str) -> Result<Runtime, String> {
    if let Some(digits) = text.strip_prefix("0x") {
        let address = u64::from_str_radix(digits, 16).map_err(|error| error.to_string())?;
        if address % 4096 != 0 || address >= 1 << 48 {
            return Err("not a multiple of 4096 below 2^48".to_owned());
        }
        return Ok(Runtime(RuntimeCase::Address, address));
    }
    let case = RuntimeCase::from_id(text).filter(|&case| case != RuntimeCase::Address);
    case.map(|case| Runtime(case, 0))
        .ok_or_else(|| "none of level0, level1, level2, none, clash, 0xADDR".to_owned())
}

/// Reads a console.
pub fn console(text: &str) -> Result<Console, String> {
    Console::parse(text).ok_or_else(|| format!("not {}", Console::FORMS))
}

/// Returns a console in the form the option takes.
pub fn console_text(console: Console) -> String {
    console.to_string()
}

/// Reads a conduit.
pub fn conduit(text: &str) -> Result<Conduit, String> {
    match text {
        "smc" => Ok(Conduit::Smc),
        "hvc" => Ok(Conduit::Hvc),
        _ => Err("neither smc nor hvc".to_owned()),
    }
}

/// Returns a conduit in the form the option takes.
pub const fn conduit_text(conduit: Conduit) -> &'static str {
    match conduit {
        Conduit::Smc => "smc",
        Conduit::Hvc => "hvc",
    }
}

/// Reads what to do at the end.
pub fn at_end(text: &str) -> Result<AtEnd, String> {
    AtEnd::from_id(text).ok_or_else(|| "none of off, reset, loop, park".to_owned())
}

/// Reads where a PE is to fall silent: `PE:JOB:MOMENT`.
pub fn silence(text: &str) -> Result<Silence, String> {
    let wrong = || "not PE:JOB:before, :after or :late, with a PE from 1 to 7".to_owned();
    let [pe, job, moment] = text.split(':').collect::<Vec<_>>()[..] else {
        return Err(wrong());
    };
    Ok(Silence {
        pe: pe
            .parse()
            .ok()
            .filter(|pe| (1..MAX_PES).contains(pe))
            .ok_or_else(wrong)?,
        job: job.parse().map_err(|_| wrong())?,
        moment: Moment::ALL
            .into_iter()
            .find(|known| known.id() == moment)
            .ok_or_else(wrong)?,
    })
}

/// A fault to plant in a sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlantedFault {
    /// The sequence's id.
    pub sequence: String,
    /// What it does.
    pub fault: Fault,
}

impl PlantedFault {
    /// Returns it for a plan with sequences of these ids; `None` if the sequence is not among them.
    pub fn among<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> Option<Planted> {
        let at = ids.position(|id| id == self.sequence)?;
        Some(Planted::Fault(self.fault, u32::try_from(at).ok()?))
    }
}

/// Reads what a sequence is to do: `SEQUENCE:FAULT`.
pub fn fault(text: &str) -> Result<PlantedFault, String> {
    let wrong = || {
        format!(
            "not SEQUENCE:FAULT, with a fault of {}",
            Fault::ALL.map(Fault::id).join(", ")
        )
    };
    let (sequence, fault) = text.split_once(':').ok_or_else(wrong)?;
    let fault = Fault::ALL.into_iter().find(|known| known.id() == fault);
    Ok(PlantedFault {
        sequence: sequence.to_owned(),
        fault: fault.ok_or_else(wrong)?,
    })
}

pub(super) fn flow(text: &str) -> Result<Flow, String> {
    Flow::from_id(text).ok_or_else(|| "none of new, old, fixed".to_owned())
}
