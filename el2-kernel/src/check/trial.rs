// SPDX-License-Identifier: MIT OR Apache-2.0
//! One trial of a check: use a translation, change it, run the sequence, use it again.
//!
//! Between the first use and the last nothing else happens: no output, and as few other pages as the code allows.
#![expect(unsafe_code)]
// UNSAFETY: runs stubs, and changes live translation tables under addresses that no Rust object uses.

mod access;
mod parts;

use results::check::{self, Change, Check, Observer, Outcome, Spec, Tag};

use self::parts::Part;
use crate::arch::instructions::{dsb_ishst, flush_guests, isb};
use crate::arch::probe::{self, Fault, Probed};
use crate::arch::regime::{flush_own, flush_own_is, flush_own_page};
use crate::check::context::Context;
use crate::check::expectation::Expectation;
use crate::check::message::{self, Receiver};
use crate::check::regime::{ASIDS, Setup};
use crate::check::target::Target;
use crate::handover::Handover;
use crate::mmu::identity::Identity;
use crate::mmu::tables::{self, ACCESS_FLAG, DIRTY_BIT_MODIFIER, Entry, NOT_GLOBAL, Use, clean, leaf};
use crate::mmu::test_pages::{OLD, Pages, SECRET};
use crate::random::Random;
use crate::smp::bring_up::{self, read_on};
use crate::smp::kept::Kept;
use crate::smp::power::{self, Path};
use crate::smp::stress::disturb;
use crate::stub::call;
use crate::stub::operands::{Operands, Subject};

/// The trial that is going on.
static PART: Kept<Part> = Kept::new();

/// A fault at a level.
type Expected = (Fault, u8);

/// A check at one address.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    spec: &'static Spec,
    setup: &'static Setup,
    boot: &'static Handover,
    pages: Pages,
    identity: Option<&'static Identity>,
    /// The address accessed; further ones follow at a distance of 4 KiB.
    va: u64,
    /// What the sequence is to invalidate: the virtual address, and the intermediate physical one if that is known.
    subject: Subject,
    entries: &'static [Entry],
    /// The entry of the table below that is rewritten while the table is out, and its descriptors before and after.
    below: Option<(&'static Entry, [u64; 2])>,
    /// Output address distance of neighboring entries.
    stride: u64,
    /// The descriptors before and after the change, and what tells which is used.
    expectation: Expectation,
    /// Break-before-make: the descriptor made after the sequence.
    make: Option<u64>,
    /// The fault that the changed descriptor calls for.
    fault: Expected,
    /// Descriptor to leave behind.
    rest: u64,
    /// The page that gets a new owner.
    reused: Option<u64>,
}

impl Trial {
    /// Prepares a check at one of its candidate addresses. `None`: there is no such candidate.
    pub fn new(context: &Context, check: Check, candidate: u64) -> Option<Self> {
        let spec = check.spec();
        if matches!(spec.change, Change::Identity | Change::IdentityOfSecondaries) {
            return Self::of_identity(context, spec, candidate);
        }
        let target = Target::new(context, spec, candidate)?;
        let level = usize::from(spec.level);
        let executable = spec.access == check::Access::Fetch;
        let before_use = if executable { Use::Text } else { Use::Data };
        let stage2 = spec.regime.changes_stage2();
        let make_leaf = |output: u64, r#use, level| {
            let leaf = match &context.setup.guest {
                Some(guest) => guest.leaf(output, r#use, level),
                None => leaf(output, r#use, level),
            };
            let contiguous = if spec.contiguous { tables::CONTIGUOUS } else { 0 };
            leaf | contiguous | if context.setup.tagged { NOT_GLOBAL } else { 0 }
        };
        let [old, new] = target.outputs;
        let mapped = make_leaf(old, before_use, level);
        let dirty = mapped | DIRTY_BIT_MODIFIER;
        let table = target.entries[0].get();
        let (before, after, fault) = match spec.change {
            Change::WriteProtect => (mapped, make_leaf(old, Use::ReadOnly, level), Fault::Permission),
            Change::NoExecute => (mapped, make_leaf(old, Use::ReadOnly, level), Fault::Permission),
            Change::AccessFlag | Change::Age => (mapped, mapped & !ACCESS_FLAG, Fault::AccessFlag),
            Change::Clean => (dirty, clean(dirty, stage2), Fault::Permission),
            Change::RemoveTable | Change::Relink => (table, 0, Fault::Translation),
            Change::Map => (0, mapped, Fault::Translation),
            _ => (mapped, 0, Fault::Translation),
        };
        Some(Self {
            spec,
            setup: context.setup,
            boot: context.boot,
            pages: context.pages,
            identity: context.identity,
            va: target.va,
            subject: Subject {
                va: target.va,
                ipa: target.ipa,
                asid: if context.setup.tagged { ASIDS[0] } else { 0 },
                granule: spec.granule,
            },
            entries: target.entries,
            below: target
                .below
                .map(|entry| (entry, [old, new].map(|output| make_leaf(output, before_use, 3)))),
            stride: if spec.contiguous { 4096 } else { 0 },
            expectation: Expectation {
                change: spec.change,
                access: spec.access,
                before,
                after,
                old_value: OLD,
            },
            make: match spec.change {
                Change::Remap => Some(make_leaf(new, before_use, level)),
                Change::Relink => Some(table),
                _ => None,
            },
            fault: (fault, spec.level),
            rest: match spec.change {
                // What is left must not change when the next trial reads it as its own.
                Change::RemoveTable | Change::Relink => before,
                _ if spec.is_block() => 0,
                _ => make_leaf(context.pages.before(0), Use::Data, level),
            },
            reused: (spec.change == Change::Reuse).then(|| context.pages.before(candidate as usize)),
        })
    }

    /// The 1:1 map is one page, so there is one candidate.
    fn of_identity(context: &Context, spec: &'static Spec, candidate: u64) -> Option<Self> {
        let identity = context.identity.filter(|_| candidate == 0)?;
        let Probed::Done(old_value) = probe::read(context.boot.layout.image) else {
            return None;
        };
        Some(Self {
            spec,
            setup: context.setup,
            boot: context.boot,
            pages: context.pages,
            identity: context.identity,
            va: identity.address,
            subject: Subject::at(identity.address),
            entries: core::slice::from_ref(identity.entry),
            below: None,
            stride: 0,
            expectation: Expectation {
                change: spec.change,
                access: spec.access,
                before: identity.descriptor,
                after: 0,
                old_value,
            },
            make: None,
            fault: (Fault::Translation, identity.level as u8),
            rest: 0,
            reused: None,
        })
    }

    /// Returns what the sequence is to invalidate.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the index of the PE that observes.
    pub const fn observer(&self) -> usize {
        match self.spec.observer {
            Observer::Own => 0,
            Observer::Other | Observer::Loop => 1,
            Observer::Relay => 2,
        }
    }

    /// Makes one trial with an emitted stub. With stress, every step waits up to so many turns.
    #[inline(never)]
    pub fn run(&self, stub: usize, operands: &Operands, random: &mut Random, stress: u16) -> Outcome {
        let mut delay = || match stress {
            0 => 0,
            stress => random.below(usize::from(stress) + 1) as u32,
        };
        disturb(delay());
        let (before_use, before_access) = (delay(), delay());
        // SAFETY: the trial before is over, and its part looked at by nobody but a lost PE.
        let part = unsafe { PART.put(self.part(stub, operands, before_access)) };
        // Whatever was cached before is gone, and the translation is made.
        self.set_all(0);
        self.flush();
        if let Some(page) = self.reused {
            self.pages.write(page, OLD);
        }
        self.set_below(0);
        self.set_all(self.expectation.before);
        // Invalid to valid: the store must be complete and the context synchronized; there is nothing to invalidate.
        dsb_ishst();
        isb();
        let primed = part.trial.prime(before_use);
        if !self.all_answer() {
            return Outcome::Other;
        }
        part.begin();
        disturb(delay());
        self.set_all(self.expectation.after);
        self.use_other_tag(true);
        match self.spec.observer {
            // The change is ordered before the message; what follows is the other PE's business.
            Observer::Relay => message::tell(Receiver::Relay, part.number),
            // There the sequence runs with its access.
            Observer::Own if self.spec.in_el1 => {}
            // SAFETY: stubs hold validated words only, which change no memory and no other register.
            _ => _ = unsafe { call::run(stub, operands) },
        }
        self.use_other_tag(false);
        if let Some(make) = self.make {
            if self.below.is_some() {
                self.set_below(1);
                // Before the table is put back: what leads to the entry must not be seen without it.
                dsb_ishst();
            }
            self.set_all(make);
            dsb_ishst();
            if !self.spec.late {
                isb();
            }
        }
        if let Some(page) = self.reused {
            self.pages.write(page, SECRET);
        }
        let outcome = part.finish();
        // Used before the change as it should be?
        if primed == self.expectation.primed() {
            outcome
        } else {
            Outcome::Other
        }
    }

    /// Makes one trial of a 1:1 map that is brought back to start another PE.
    #[inline(never)]
    pub fn run_start(&self, stub: usize, operands: &Operands) -> Outcome {
        let (Some(identity), Some(cpu)) = (self.identity, self.boot.cpus[1]) else {
            return Outcome::Other;
        };
        power::stop(&cpu, 1);
        self.set_all(self.expectation.before);
        dsb_ishst();
        isb();
        if !power::start(&cpu, 1, self.boot.load, Some(identity), Path::Identity) {
            return Outcome::Other;
        }
        let primed = read_on(1, self.va);
        // SAFETY: as in `run`.
        let part = unsafe { PART.put(self.part(stub, operands, 0)) };
        part.begin();
        self.set_all(0);
        // SAFETY: as in `run`.
        unsafe { call::run(stub, operands) };
        let outcome = part.finish();
        if primed == Outcome::Stale {
            outcome
        } else {
            Outcome::Other
        }
    }

    /// Returns whether the PEs that the check needs are there.
    fn all_answer(&self) -> bool {
        bring_up::all_answer(self.observer() + 1)
    }

    /// Returns what every PE in a trial has to know.
    fn part(&self, stub: usize, operands: &Operands, delay: u32) -> Part {
        Part {
            trial: *self,
            number: message::new_trial(),
            stub,
            operands: *operands,
            delay,
        }
    }

    /// Leaves the tables as the next check wants them.
    pub fn finish(&self) {
        self.set_all(0);
        self.flush();
        self.set_below(0);
        self.set_all(self.rest);
        if let Some(page) = self.reused {
            self.pages.write(page, OLD);
        }
        dsb_ishst();
        isb();
    }

    fn set_all(&self, descriptor: u64) {
        let stride = if descriptor == 0 { 0 } else { self.stride };
        for (entry, offset) in self.entries.iter().zip(0..) {
            entry.set(descriptor + stride * offset);
        }
    }

    /// Writes the entry below the table under test, as before (0) or after (1) the change.
    fn set_below(&self, which: usize) {
        if let Some((entry, descriptors)) = self.below {
            entry.set(descriptors[which]);
        }
    }

    /// Invalidates the regime's entries wherever an observer is.
    fn flush(&self) {
        let is_own = self.setup.guest.is_none();
        // All of the regime would take the kernel's own pages with it, and the trials a third of their pace. (Where E2H is
        // 1, some emulators get by-VA operations wrong.)
        let one_page = is_own && !self.spec.regime.is_host() && (self.spec.level, self.spec.entries) == (3, 1);
        if one_page && !matches!(self.spec.change, Change::Identity | Change::IdentityOfSecondaries) {
            return flush_own_page(self.va, self.spec.observer != Observer::Own);
        }
        match (is_own, self.spec.observer) {
            (true, Observer::Own) => flush_own(),
            (true, _) => flush_own_is(),
            (false, observer) => flush_guests(observer != Observer::Own),
        }
    }

    fn use_other_tag(&self, other: bool) {
        match self.spec.tag {
            Tag::OtherAsid => self.setup.use_asid(usize::from(other)),
            Tag::OtherVmid => self.setup.use_vmid(usize::from(other)),
            Tag::Global | Tag::Asid => {}
        }
    }
}
