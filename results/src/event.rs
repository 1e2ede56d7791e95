// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted: clocks, and the events of the Performance Monitors Extension.

/// What a counter counted, and so the unit of a sample.
///
/// Numbers and meanings: Arm ARM, "PMU events and event numbers" (common architectural and microarchitectural events).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// `PMCCNTR_EL0`: processor cycles (on a simulator, whatever it counts as such).
    Cycles,
    /// `CNTVCT_EL0`: ticks of the generic timer, where no PMU is implemented.
    TimerTicks,
    /// `INST_RETIRED`: instructions architecturally executed.
    InstRetired,
    /// `L1I_TLB_REFILL`: refills of the level 1 instruction TLB.
    L1iTlbRefill,
    /// `L1D_TLB_REFILL`: refills of the level 1 data TLB.
    L1dTlbRefill,
    /// `MEM_ACCESS`: data memory accesses.
    MemAccess,
    /// `BUS_ACCESS`: accesses on the bus.
    BusAccess,
    /// `BUS_CYCLES`: cycles of the bus.
    BusCycles,
    /// `STALL_FRONTEND`: cycles without an operation to issue because the front end had none.
    StallFrontend,
    /// `STALL_BACKEND`: cycles without an operation issued because the back end could take none.
    StallBackend,
    /// `L1D_TLB`: accesses to the level 1 data TLB.
    L1dTlb,
    /// `L2D_TLB_REFILL`: refills of the level 2 data or unified TLB.
    L2dTlbRefill,
    /// `L2D_TLB`: accesses to the level 2 data or unified TLB.
    L2dTlb,
    /// `DTLB_WALK`: data TLB accesses with at least one translation table walk.
    DtlbWalk,
    /// `ITLB_WALK`: instruction TLB accesses with at least one translation table walk.
    ItlbWalk,
}

impl Event {
    /// Every event; the place of one is its bit in the masks of a plan.
    pub const ALL: [Self; 15] = [
        Self::Cycles,
        Self::TimerTicks,
        Self::InstRetired,
        Self::L1iTlbRefill,
        Self::L1dTlbRefill,
        Self::MemAccess,
        Self::BusAccess,
        Self::BusCycles,
        Self::StallFrontend,
        Self::StallBackend,
        Self::L1dTlb,
        Self::L2dTlbRefill,
        Self::L2dTlb,
        Self::DtlbWalk,
        Self::ItlbWalk,
    ];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::TimerTicks => "cntvct",
            Self::InstRetired => "inst_retired",
            Self::L1iTlbRefill => "l1i_tlb_refill",
            Self::L1dTlbRefill => "l1d_tlb_refill",
            Self::MemAccess => "mem_access",
            Self::BusAccess => "bus_access",
            Self::BusCycles => "bus_cycles",
            Self::StallFrontend => "stall_frontend",
            Self::StallBackend => "stall_backend",
            Self::L1dTlb => "l1d_tlb",
            Self::L2dTlbRefill => "l2d_tlb_refill",
            Self::L2dTlb => "l2d_tlb",
            Self::DtlbWalk => "dtlb_walk",
            Self::ItlbWalk => "itlb_walk",
        }
    }

    /// Returns the event with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.id() == id)
    }

    /// Returns its number in `PMEVTYPER<n>_EL0.evtCount`; `None` for the clocks, which have registers of their own.
    pub const fn number(self) -> Option<u16> {
        Some(match self {
            Self::Cycles | Self::TimerTicks => return None,
            Self::L1iTlbRefill => 0x02,
            Self::L1dTlbRefill => 0x05,
            Self::InstRetired => 0x08,
            Self::MemAccess => 0x13,
            Self::BusAccess => 0x19,
            Self::BusCycles => 0x1d,
            Self::StallFrontend => 0x23,
            Self::StallBackend => 0x24,
            Self::L1dTlb => 0x25,
            Self::L2dTlbRefill => 0x2d,
            Self::L2dTlb => 0x2f,
            Self::DtlbWalk => 0x34,
            Self::ItlbWalk => 0x35,
        })
    }

    /// Returns its bit in a mask of events.
    pub const fn mask(self) -> u32 {
        1 << self as u32
    }

    /// Returns every event that an event counter can count.
    pub fn counted() -> impl Iterator<Item = Self> + Clone {
        Self::ALL.into_iter().filter(|event| event.number().is_some())
    }

    /// Returns whether `PMCEID0_EL0` and `PMCEID1_EL0` say that the PE implements it.
    pub const fn is_implemented(self, pmceid0: u64, pmceid1: u64) -> bool {
        match self.number() {
            Some(number @ 0..32) => pmceid0 >> number & 1 != 0,
            Some(number @ 32..64) => pmceid1 >> (number - 32) & 1 != 0,
            _ => false,
        }
    }
}

/// Whether an event asked for is counted on a PE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Support {
    /// It is counted.
    Counted,
    /// The PE does not implement it (`PMCEID<n>_EL0`).
    NotImplemented,
    /// The PE has no PMU, or a PMU without event counters.
    NoCounter,
}

impl Support {
    const ALL: [Self; 3] = [Self::Counted, Self::NotImplemented, Self::NoCounter];

    /// Returns the stable id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::NotImplemented => "not_implemented",
            Self::NoCounter => "no_counter",
        }
    }

    /// Returns the support with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|support| support.id() == id)
    }

    /// Returns it in a phrase.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::NotImplemented => "not implemented here (PMCEID0_EL0, PMCEID1_EL0)",
            Self::NoCounter => "no event counter here",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_masks_are_unique_and_read_back() {
        for (index, event) in Event::ALL.into_iter().enumerate() {
            assert_eq!((Event::from_id(event.id()), event.mask()), (Some(event), 1 << index));
        }
        for support in Support::ALL {
            assert_eq!(Support::from_id(support.id()), Some(support));
        }
        // All but the two clocks.
        assert_eq!(Event::counted().count(), Event::ALL.len() - 2);
    }

    #[test]
    fn implemented_events_are_those_of_the_identification_registers() {
        // Cortex-A72 TRM, PMCEID0_EL0 0x7fff0f3f and PMCEID1_EL0 0: L1D_TLB_REFILL and BUS_CYCLES, but no walks.
        let implemented = |event: Event| event.is_implemented(0x7fff_0f3f, 0);
        assert!(implemented(Event::L1dTlbRefill) && implemented(Event::BusCycles) && implemented(Event::InstRetired));
        assert!(!implemented(Event::DtlbWalk) && !implemented(Event::StallBackend) && !implemented(Event::Cycles));
        assert!(Event::DtlbWalk.is_implemented(0, 1 << 20) && !Event::DtlbWalk.is_implemented(1 << 20, 0));
    }
}
