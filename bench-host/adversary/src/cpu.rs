// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state of a PE outside of the memory system: exception level, system registers, counters, power.

use crate::sysreg::{self, COUNTERS, CPU_CYCLES, INST_RETIRED, Plain};

/// Why a PE executes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It executes.
    On,
    /// It waits for an event, which comes at this tick of the timer if not before.
    Waiting(Option<u64>),
    /// It is off.
    Off,
}

/// A PE.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// The exception level.
    pub el: u8,
    /// `PSTATE.SP`: whether the exception level's own stack pointer is in use.
    pub own_stack: bool,
    /// `PSTATE.{D,A,I,F}`, bits 9 to 6.
    pub daif: u64,
    /// The stack pointers that are not in use; the one in use is among the general registers.
    pub stacks: [u64; 3],
    /// Registers that only keep their value.
    pub plain: Plain,
    /// Whether it runs.
    pub power: Power,
    /// The event register.
    pub event: bool,
    /// The exclusive monitor.
    pub monitor: Option<(u64, u32)>,
    /// Instructions executed.
    pub instructions: u64,
    /// `CNTVOFF_EL2`.
    pub virtual_offset: u64,
    /// The performance counters.
    pub pmu: Pmu,
}

impl Cpu {
    /// Returns a PE that is off.
    pub const fn new() -> Self {
        Self {
            el: 2,
            own_stack: true,
            daif: 0xf << 6,
            stacks: [0; 3],
            plain: Plain::new(),
            power: Power::Off,
            event: false,
            monitor: None,
            instructions: 0,
            virtual_offset: 0,
            pmu: Pmu::new(),
        }
    }

    /// Returns which of [`Self::stacks`] is in use.
    pub const fn stack(&self) -> usize {
        if self.own_stack { self.el as usize } else { 0 }
    }

    /// Counts what was executed at this exception level.
    pub fn count(&mut self) {
        let filter = self.plain.read(sysreg::PMCCFILTR_EL0);
        self.pmu.count(self.instructions, self.el, filter);
    }

    /// Returns the tick at which the event stream has its next event, if it is on.
    pub fn next_event(&self, now: u64) -> Option<u64> {
        let control = self.plain.read(sysreg::CNTHCTL_EL2);
        if control & 1 << 2 == 0 {
            return None;
        }
        // An event at each change of the bit from 0 to 1, or with EVNTDIR from 1 to 0.
        let bit = control >> 4 & 15;
        let period = 2 << bit;
        let phase = if control & 1 << 3 == 0 { 1 << bit } else { 0 };
        Some((now.wrapping_sub(phase) / period + 1) * period + phase)
    }
}

/// The Performance Monitors: a cycle counter and event counters that count instructions.
#[derive(Debug, Clone)]
pub struct Pmu {
    /// `PMCR_EL0` without what reads as it is.
    pub control: u64,
    /// `PMCNTENSET_EL0`.
    pub enabled: u64,
    /// `PMCCNTR_EL0`.
    pub cycles: u64,
    /// `PMEVCNTR<n>_EL0`.
    pub events: [u64; COUNTERS],
    /// `PMEVTYPER<n>_EL0`.
    pub types: [u64; COUNTERS],
    /// `PMSELR_EL0`.
    pub selected: u64,
    counted: u64,
}

impl Pmu {
    /// Enables all counters.
    pub const ENABLE: u64 = 1 << 0;
    /// Resets the event counters.
    pub const RESET_EVENTS: u64 = 1 << 1;
    /// Resets the cycle counter.
    pub const RESET_CYCLES: u64 = 1 << 2;

    const fn new() -> Self {
        Self {
            control: 0,
            enabled: 0,
            cycles: 0,
            events: [0; COUNTERS],
            types: [0; COUNTERS],
            selected: 0,
            counted: 0,
        }
    }

    fn count(&mut self, instructions: u64, el: u8, filter: u64) {
        let more = instructions - self.counted;
        self.counted = instructions;
        if self.control & Self::ENABLE == 0 {
            return;
        }
        let counts = |filter: u64| match el {
            0 => filter & 1 << 30 == 0,
            1 => filter & 1 << 31 == 0,
            _ => filter & 1 << 27 != 0,
        };
        if self.enabled & 1 << 31 != 0 && counts(filter) {
            self.cycles = self.cycles.wrapping_add(more);
        }
        for (n, (counter, &of)) in self.events.iter_mut().zip(&self.types).enumerate() {
            let counted = matches!(of & 0xffff, INST_RETIRED | CPU_CYCLES);
            if counted && self.enabled & 1 << n != 0 && counts(of) {
                *counter = counter.wrapping_add(more) & 0xffff_ffff;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_at_every_other_change_of_the_bit() {
        let mut cpu = Cpu::new();
        assert_eq!(cpu.next_event(0), None);
        cpu.plain.set(sysreg::CNTHCTL_EL2, 9 << 4 | 1 << 2);
        for (now, next) in [(512, 1536), (513, 1536), (1535, 1536), (1536, 2560)] {
            assert_eq!(cpu.next_event(now), Some(next), "{now}");
        }
    }

    #[test]
    fn counters_count_where_their_filter_lets_them() {
        let mut cpu = Cpu::new();
        cpu.pmu.control = Pmu::ENABLE;
        cpu.pmu.enabled = 1 << 31 | 1;
        cpu.pmu.types[0] = 1 << 27 | INST_RETIRED;
        cpu.instructions = 10;
        cpu.count();
        assert_eq!(
            (cpu.pmu.cycles, cpu.pmu.events[0]),
            (0, 10),
            "no cycles at EL2 without NSH"
        );
        cpu.plain.set(sysreg::PMCCFILTR_EL0, 1 << 27);
        cpu.instructions = 15;
        cpu.count();
        assert_eq!((cpu.pmu.cycles, cpu.pmu.events[0]), (5, 15));
    }
}
