// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rule 2, a TLBI takes effect as late as it may: per PE, at the DSB that completes it there.
//!
//! A DSB completes a TLBI of its own PE if it covers loads and stores, for the PEs that are in its domain and in the scope
//! of the TLBI; a DSB of the nXS kind completes TLBIs of that kind only. What was cached before the TLBI was issued is
//! then gone; what was cached later may have been cached after it acted, and stays. On the PE that issued it the effect
//! counts for fetches, and without FEAT_ETS2 for loads and stores, from its next context synchronization event on; on
//! other PEs for fetches from theirs on.

use sequences::tlbi::TlbiOp;

use crate::config::{self, Regime};
use crate::core::{Core, Issued};
use crate::invalidate::{Op, State};
use crate::stale::{Counts, Stale, Use};
use crate::story::{Event, Why};

/// TLBIs of one PE that wait. Beyond, the oldest is complete: nothing takes for ever.
const MOST_ISSUED: usize = 64;
/// Instructions of its PE after which a TLBI or a store has taken effect without any barrier.
const PATIENCE: u64 = 1_000_000;

impl Core {
    /// Issues a TLBI. Returns `false` if it is none of EL1 or EL2.
    pub fn issue(&mut self, pe: usize, operation: TlbiOp, operand: u64, el: u8) -> bool {
        // Rule 4: the VMID and the regime are those of the last context synchronization event. (A kind machine's are
        // synchronized at once.)
        let registers = self.pes[pe].synced;
        let el1 = if el == 2 && registers.e2h() && registers.tge() {
            Regime::El20
        } else {
            Regime::El10
        };
        let el2 = if registers.e2h() { Regime::El20 } else { Regime::El2 };
        let state = State {
            el1,
            el2,
            vmid: config::vmid(&registers),
            asid_mask: [el1, el2].map(|regime| config::asid_mask(&registers, regime)),
            force_broadcast: el == 1 && registers.hcr >> 9 & 1 != 0,
            ttl: self.features.ttl,
        };
        let Some(op) = Op::new(operation, operand, &state) else {
            return false;
        };
        self.tell(pe, || Event::Issue { op: operation, operand });
        let at = self.tick();
        let missing = if op.broadcast {
            (1 << self.pes.len()) - 1
        } else {
            1 << pe
        };
        if self.kind {
            (0..self.pes.len())
                .filter(|target| missing >> target & 1 != 0)
                .for_each(|target| self.reach(target, &op, at, Counts::ALL));
            return true;
        }
        if self.pes[pe].issued.len() >= MOST_ISSUED {
            let oldest = self.pes[pe].issued.remove(0);
            self.complete(pe, &oldest, u32::MAX);
        }
        let instructions = self.pes[pe].instructions;
        self.pes[pe].issued.push(Issued {
            op,
            at,
            instructions,
            missing,
        });
        true
    }

    /// Has a TLBI take effect on those of its PEs that are in a set.
    fn complete(&mut self, pe: usize, issued: &Issued, domain: u32) {
        for target in 0..self.pes.len() {
            if issued.missing & domain & 1 << target != 0 {
                let counts = Counts {
                    data: target != pe || self.features.ets2,
                    fetch: false,
                };
                self.reach(target, &issued.op, issued.at, counts);
            }
        }
    }

    /// A TLBI reaches a PE.
    fn reach(&mut self, pe: usize, op: &Op, issued: u64, counts: Counts) {
        let now = self.tick();
        let kind = self.kind;
        let state = &mut self.pes[pe];
        let mut gone = false;
        let mut touched = false;
        for stale in &mut state.stale[op.regime() as usize] {
            if stale.invalidate(op, issued, now, counts) {
                touched = true;
                gone |= stale.is_gone();
                if stale.stage2 {
                    state.micro.clear();
                } else {
                    state.micro.forget(stale.base, stale.shift);
                }
            }
        }
        state.unsynchronized |= touched && counts != Counts::ALL;
        if gone {
            state.stale[op.regime() as usize].retain(|stale| !stale.is_gone());
        }
        if kind {
            // What is walked from here on is walked anew.
            state.micro.clear();
        }
        self.remember(pe, *op, issued);
    }

    /// Executes a `dsb`.
    pub fn dsb(&mut self, pe: usize, crm: u8, nxs: bool) {
        const NON_SHAREABLE: u8 = 1;
        const LOADS: u8 = 1;
        const STORES: u8 = 2;
        if !nxs && matches!(crm, 0 | 4) {
            // SSBB and PSSBB: about speculation only.
            return;
        }
        let access = if nxs { 3 } else { crm & 3 };
        let mut invalidations = 0;
        if !matches!(access, LOADS | STORES) && !self.pes[pe].issued.is_empty() {
            let domain = if crm >> 2 & 3 == NON_SHAREABLE {
                1 << pe
            } else {
                u32::MAX
            };
            let mut waiting = std::mem::take(&mut self.pes[pe].issued);
            for issued in &mut waiting {
                if issued.missing & domain != 0 && (!nxs || issued.op.is_nxs()) {
                    self.complete(pe, issued, domain);
                    issued.missing &= !domain;
                    invalidations += 1;
                }
            }
            waiting.retain(|issued| issued.missing != 0);
            self.pes[pe].issued = waiting;
        }
        // After the TLBIs: what they removed may have been walked again before.
        let stores = self.pes[pe].pending.len();
        if access != LOADS {
            self.complete_stores(pe);
        }
        let own = crm >> 2 & 3 == NON_SHAREABLE;
        self.tell(pe, || Event::Barrier {
            stores,
            invalidations,
            own,
        });
    }

    /// Executes a `dmb`: stores wait for earlier ones, and walks for nothing.
    pub fn dmb(&mut self, pe: usize, crm: u8) {
        let state = &mut self.pes[pe];
        if crm & 3 != 1 && !state.pending.is_empty() {
            state.ordered = true;
            state.micro.clear();
        }
    }

    /// Nothing takes for ever: what has waited too long takes effect.
    pub fn relent(&mut self, pe: usize) {
        let instructions = self.pes[pe].instructions;
        let late = |since: u64| instructions - since > PATIENCE;
        if self.pes[pe].issued.iter().any(|issued| late(issued.instructions)) {
            let waiting = std::mem::take(&mut self.pes[pe].issued);
            for issued in waiting {
                if late(issued.instructions) {
                    self.complete(pe, &issued, u32::MAX);
                } else {
                    self.pes[pe].issued.push(issued);
                }
            }
        }
        if !self.pes[pe].pending.is_empty() && late(self.pes[pe].pending_since) {
            self.complete_stores(pe);
        }
    }

    /// Returns why an entry of an overwritten descriptor is still there.
    pub fn why(&self, pe: usize, place: u64, descriptor: u64, r#use: Use) -> Why {
        let state = &self.pes[pe];
        let mut held = state.stale.iter().flatten();
        let Some(stale) = held.rfind(|stale| (stale.place, stale.descriptor) == (place, descriptor)) else {
            return Why::NotNamed;
        };
        if let Some(op) = stale.removed_for_others(r#use) {
            return Why::NotSynchronized(op);
        }
        if stale.stage2 && !stale.has_upper(r#use) {
            return Why::Joined;
        }
        let pending = self.pes.iter().flat_map(|other| &other.issued);
        let mut pending = pending.filter(|issued| issued.missing >> pe & 1 != 0 && stale.is_named_by(&issued.op));
        if let Some(issued) = pending.next() {
            return Why::NotComplete(issued.op.operation);
        }
        let mut log = state.log.iter().rev();
        let between = log.find(|(op, issued)| (stale.stored..stale.over).contains(issued) && stale.is_named_by(op));
        match between {
            Some((op, _)) => Why::WalkedAgain(op.operation),
            None => Why::NotNamed,
        }
    }

    /// A kind machine forgets the entries of a regime, as an emulator does where it has no tags for them.
    pub fn flush_kindly(&mut self, pe: usize, regime: Option<Regime>) {
        let now = self.now;
        let state = &mut self.pes[pe];
        match regime {
            Some(regime) => state.stale[regime as usize].clear(),
            None => state.stale.iter_mut().for_each(Vec::<Stale>::clear),
        }
        state.log_floor = now;
        state.micro.clear();
    }
}
