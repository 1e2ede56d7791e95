// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is recorded of what the callbacks see.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use sequences::{Decoded, decode};
use trace::format::Entry;
use trace::log::{Access, Event, RETURN_IS_KNOWN, Writer};
use trace::registers::{Named, Register};
use trace::shadow::{Memory, Shadow};

use crate::api::{self, Api, Board, COUNTERS};
use crate::loads::Address;
use crate::ram::Ram;
use crate::uses::Uses;

/// Kinds of instructions that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A DSB, by its option.
    Dsb(u8),
    /// An ISB.
    Isb,
    /// A TLBI, by the number of its register.
    Tlbi(u8),
    /// Maintenance of caches.
    Cache,
    /// `dc zva`, by the number of its register.
    Zero(u8),
    /// A write of a translation register, by the number of the general-purpose register.
    Write(u8),
    /// An exception return.
    Return,
    /// A call of the firmware.
    Firmware,
    /// Where a vector may be.
    Vector,
}

impl Kind {
    /// Returns what an instruction word is, if it is looked at.
    pub fn of(word: u32) -> Option<Self> {
        if let Some((_, register)) = Named::of_msr(word) {
            return Some(Self::Write(register));
        }
        match decode(word) {
            Some(Decoded::Dsb(_)) => return Some(Self::Dsb((word >> 8 & 15) as u8)),
            // The options of nXS stand where the reserved ones are.
            Some(Decoded::DsbNxs(_)) => return Some(Self::Dsb((word >> 8 & 12) as u8)),
            Some(Decoded::Isb) => return Some(Self::Isb),
            Some(Decoded::Tlbi { rt, .. }) => return Some(Self::Tlbi(rt)),
            _ => {}
        }
        match word {
            0xd69f_03e0 | 0xd69f_0bff | 0xd69f_0fff => Some(Self::Return),
            _ if word & 0xffe0_001f == 0xd400_0002 || word & 0xffe0_001f == 0xd400_0003 => Some(Self::Firmware),
            _ if word & !31 == 0xd50b_7420 => Some(Self::Zero((word & 31) as u8)),
            // sys with CRn 7: ic, dc.
            _ if word & 0xfff8_f000 == 0xd508_7000 => Some(Self::Cache),
            _ => None,
        }
    }

    /// Returns whether registers are read to record it.
    pub const fn reads_registers(self) -> bool {
        match self {
            Self::Tlbi(_) | Self::Zero(_) | Self::Write(_) | Self::Firmware | Self::Return => true,
            Self::Dsb(_) | Self::Isb | Self::Cache | Self::Vector => false,
        }
    }

    /// Returns the counter that is not zero while a record of the kind matters; `None` where each is looked at.
    pub const fn counter(self) -> Option<usize> {
        match self {
            Self::Dsb(option) => Some((option & 15) as usize),
            Self::Isb => Some(ISB),
            Self::Return => Some(RETURN),
            Self::Vector => Some(VECTOR),
            Self::Cache => Some(CACHE),
            Self::Tlbi(_) | Self::Zero(_) | Self::Write(_) | Self::Firmware => None,
        }
    }
}

const ISB: usize = 16;
const RETURN: usize = 17;
const VECTOR: usize = 18;
const CACHE: usize = 19;
/// The counter that is not zero while there are uses to look for.
pub const WATCHING: usize = 20;
/// What synchronizes the context: it matters anew after each recorded DSB.
const SYNCHRONIZES: [usize; 4] = [ISB, RETURN, VECTOR, RETURN_ELSEWHERE];
/// A return to another level than EL0, among what is recorded; it is no counter.
const RETURN_ELSEWHERE: usize = 21;
/// Pages of a vCPU that are known to be no tables.
const PLAIN: usize = 256;

/// An instruction at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Site {
    address: u64,
    word: u32,
    kind: Kind,
}

/// Returns the site of a number that [`Recorder::site`] returned.
#[expect(unsafe_code, reason = "QEMU carries the number of a site for us")]
pub fn at(site: usize) -> &'static Site {
    // SAFETY: every number that is passed to QEMU with this callback is the address of a leaked site.
    unsafe { &*(site as *const Site) }
}

/// Returns the loads of a number that [`Recorder::loads`] returned.
#[expect(unsafe_code, reason = "QEMU carries the number of a list for us")]
pub fn loads_at(loads: usize) -> &'static [(u64, Address)] {
    // SAFETY: every number that is passed to QEMU with this callback is the address of a leaked list.
    unsafe { &*(loads as *const Vec<(u64, Address)>) }
}

/// Changes whenever an address may have got another translation, or a frame become one of a table: pages that were looked
/// up before are looked up again.
static GENERATION: AtomicU64 = AtomicU64::new(1);

fn look_again() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// What only the thread of a vCPU changes.
struct Vcpu {
    /// Pages of virtual addresses that are no tables, with the regime; as of `generation`.
    plain: [AtomicU64; PLAIN],
    generation: AtomicU64,
    /// Kinds recorded since something happened on which they have an effect.
    recorded: AtomicU32,
    /// Vectors: what VBAR_EL1 and VBAR_EL2 hold.
    vectors: [AtomicU64; 2],
    uses: Mutex<Uses>,
    /// There are uses to look for.
    watching: AtomicU32,
    /// A DSB since the last entry of `uses`.
    ordered: AtomicU32,
    /// When it last executed a TLBI, in events; 0 after the DSB behind it.
    invalidated: AtomicU64,
    registers: OnceLock<Handles>,
}

impl Default for Vcpu {
    fn default() -> Self {
        Self {
            plain: [const { AtomicU64::new(u64::MAX) }; PLAIN],
            generation: AtomicU64::new(0),
            recorded: AtomicU32::new(0),
            vectors: [AtomicU64::new(0), AtomicU64::new(0)],
            uses: Mutex::default(),
            watching: AtomicU32::new(0),
            ordered: AtomicU32::new(0),
            invalidated: AtomicU64::new(0),
            registers: OnceLock::new(),
        }
    }
}

#[derive(Clone)]
struct Handles {
    general: Vec<api::Register>,
    cpsr: api::Register,
    /// `SPSR_EL1` and `SPSR_EL2`, where QEMU shows them.
    saved: [Option<api::Register>; 2],
}

/// Everything that is in one order.
struct Shared {
    shadow: Shadow,
    recording: Recording,
    threads: HashMap<ThreadId, u32>,
}

/// The log, and memory as the shadow sees it: what it reads is recorded.
struct Recording {
    ram: &'static Ram,
    log: Writer<File>,
    /// Frames that were tables: how many more stores are recorded, and since when.
    freed: HashMap<u64, (u8, u64)>,
    events: u64,
    failed: bool,
}

/// Records.
pub struct Recorder {
    shared: Mutex<Shared>,
    ram: &'static Ram,
    vcpus: Box<[Vcpu]>,
    sites: Mutex<HashSet<&'static Site>>,
    lists: Mutex<HashSet<&'static Vec<(u64, Address)>>>,
    /// The same on all vCPUs.
    cpsr: OnceLock<api::Register>,
    /// What generated code compares before it calls: [`WATCHING`], and [`Kind::counter`].
    pub board: Board,
}

/// Stores to a page that was a table which are recorded: the first tell what it became.
const FREED: u8 = 16;
/// Bytes that `dc zva` clears, by `DCZID_EL0`; all PEs have the same.
static ZERO_BYTES: AtomicU64 = AtomicU64::new(64);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere left whole records; the log stays true up to it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recording {
    fn write(&mut self, event: &Event) {
        self.events += 1;
        if let Err(error) = self.log.write(event)
            && !self.failed
        {
            self.failed = true;
            eprintln!("trace plugin: cannot write the log: {error}");
        }
    }
}

impl Memory for Recording {
    fn read(&mut self, address: u64, entries: &mut [u64]) -> bool {
        let there = self.ram.read(address, entries);
        if there {
            self.write(&Event::Table {
                address,
                entries: entries.to_vec(),
            });
        }
        there
    }

    fn watch(&mut self, address: u64, bytes: u64) {
        for frame in address >> 12..=(address + bytes - 1) >> 12 {
            self.freed.remove(&frame);
        }
        self.ram.watch(address, bytes, true);
        look_again();
    }

    fn unwatch(&mut self, address: u64, bytes: u64, freed: bool) {
        if freed {
            // Watched a little longer: what it becomes may be visible to a walk.
            for frame in address >> 12..=(address + bytes - 1) >> 12 {
                self.freed.insert(frame, (FREED, self.events));
            }
        } else {
            self.ram.watch(address, bytes, false);
        }
    }
}

impl Recorder {
    /// Begins a log.
    pub fn new(file: File, ram: Ram, pes: usize, limit: u64, board: Board) -> Self {
        let ram: &'static Ram = Box::leak(Box::new(ram));
        let mut recording = Recording {
            ram,
            log: Writer::new(file, limit),
            freed: HashMap::new(),
            events: 0,
            failed: false,
        };
        recording.write(&Event::Pes(pes as u32));
        Self {
            shared: Mutex::new(Shared {
                shadow: Shadow::new(pes),
                recording,
                threads: HashMap::new(),
            }),
            ram,
            vcpus: (0..pes).map(|_| Vcpu::default()).collect(),
            sites: Mutex::new(HashSet::new()),
            lists: Mutex::new(HashSet::new()),
            cpsr: OnceLock::new(),
            board,
        }
    }

    /// Returns the number under which QEMU carries a site. It is kept for ever: blocks are translated again and again.
    pub fn site(&self, address: u64, word: u32, kind: Kind) -> usize {
        let site = Site { address, word, kind };
        let mut sites = lock(&self.sites);
        if let Some(known) = sites.get(&site) {
            return std::ptr::from_ref::<Site>(known) as usize;
        }
        let site: &'static Site = Box::leak(Box::new(site));
        sites.insert(site);
        std::ptr::from_ref(site) as usize
    }

    /// Returns the number under which QEMU carries loads; as in [`Recorder::site`].
    pub fn loads(&self, loads: Vec<(u64, Address)>) -> usize {
        let mut lists = lock(&self.lists);
        if let Some(known) = lists.get(&loads) {
            return std::ptr::from_ref::<Vec<(u64, Address)>>(known) as usize;
        }
        let list: &'static Vec<(u64, Address)> = Box::leak(Box::new(loads));
        lists.insert(list);
        std::ptr::from_ref(list) as usize
    }

    /// A vCPU came to be.
    pub fn vcpu(&self, api: &Api, vcpu: u32) -> Result<(), String> {
        let list = api.register_list();
        let find = |name: &str| {
            let found = list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, register)| *register)
        };
        // The stack pointer stands behind the others: 31 as the base of an address.
        let names = (0..31).map(|number| format!("x{number}")).chain(["sp".to_owned()]);
        let general: Option<Vec<_>> = names.map(|name| find(&name)).collect();
        let (Some(general), Some(cpsr)) = (general, find("cpsr")) else {
            return Err("this QEMU does not show the registers of the CPU".to_owned());
        };
        let Some(state) = self.vcpus.get(vcpu as usize) else {
            return Err(format!("vCPU {vcpu} was not announced"));
        };
        let _ = self.cpsr.set(cpsr);
        // A vCPU that comes back has the same.
        let saved = [find("SPSR_EL1"), find("SPSR_EL2")];
        let _ = state.registers.set(Handles { general, cpsr, saved });
        self.matters(api, vcpu, state);
        let mut shared = lock(&self.shared);
        let other = shared.threads.insert(thread::current().id(), vcpu);
        if other.is_some_and(|other| other != vcpu) {
            return Err(
                "several vCPUs share a thread, and QEMU then names the wrong one: use -accel tcg,thread=multi \
                        without -icount"
                    .to_owned(),
            );
        }
        if let Some(block) = find("DCZID_EL0").and_then(|register| api.read(register)) {
            ZERO_BYTES.store(4 << (block & 15).min(9), Ordering::Relaxed);
        }
        let names = ["ID_AA64MMFR0_EL1", "ID_AA64MMFR1_EL1", "ID_AA64MMFR2_EL1"];
        for (number, name) in names.iter().enumerate() {
            if let Some(register) = find(name) {
                let value = api.read(register).unwrap_or(0);
                shared.shadow.pe(vcpu).registers.id[number] = value;
                shared.recording.write(&Event::IdRegister {
                    pe: vcpu,
                    number: number as u8,
                    value,
                });
            }
        }
        Ok(())
    }

    fn read(&self, api: &Api, vcpu: u32, register: u8) -> u64 {
        let state = &self.vcpus[vcpu as usize];
        let handle = state
            .registers
            .get()
            .and_then(|handles| handles.general.get(usize::from(register)).copied());
        handle.and_then(|handle| api.read(handle)).unwrap_or(0)
    }

    fn el(&self, api: &Api, vcpu: u32) -> u8 {
        let handle = self.vcpus[vcpu as usize].registers.get().map(|handles| handles.cpsr);
        handle
            .and_then(|handle| api.read(handle))
            .map_or(0, |cpsr| (cpsr >> 2 & 3) as u8)
    }

    /// An instruction is about to be executed.
    pub fn instruction(&self, api: &Api, vcpu: u32, site: &Site) {
        let Some(state) = self.vcpus.get(vcpu as usize) else {
            return;
        };
        if site.kind == Kind::Vector {
            let table = site.address & !0x7ff;
            if state
                .vectors
                .iter()
                .all(|vector| vector.load(Ordering::Relaxed) != table)
            {
                return;
            }
        }
        self.synchronize(api, vcpu, state, site.kind);
        if let Some(counter) = site.kind.counter() {
            let recorded = state.recorded.load(Ordering::Relaxed);
            if recorded >> counter & 1 != 0 {
                return;
            }
            // Until a return to EL0 each is looked at, and recorded when it is the first: where it goes is to be known.
            let elsewhere =
                site.kind == Kind::Return && self.saved(api, vcpu, state).is_some_and(|saved| saved & 15 != 0);
            if elsewhere && recorded >> RETURN_ELSEWHERE & 1 != 0 {
                return;
            }
            let mut recorded = recorded | 1 << if elsewhere { RETURN_ELSEWHERE } else { counter };
            let again: &[usize] = match site.kind {
                Kind::Dsb(_) => &SYNCHRONIZES,
                _ => &[],
            };
            for counter in again {
                recorded &= !(1 << counter);
            }
            state.recorded.store(recorded, Ordering::Relaxed);
            api.set(self.board, vcpu, |counters| {
                counters[counter] = u64::from(elsewhere);
                for counter in again {
                    counters[*counter] = 1;
                }
            });
        }
        let (pe, pc, word) = (vcpu, site.address, site.word);
        match site.kind {
            Kind::Vector => lock(&self.shared).recording.write(&Event::Exception { pe, pc }),
            Kind::Zero(register) => self.zero(api, vcpu, state, pc, register),
            Kind::Firmware => self.firmware(api, vcpu),
            Kind::Write(register) => {
                let (el, value) = (self.el(api, vcpu), self.value(api, vcpu, register));
                let Some((named, _)) = Named::of_msr(word) else { return };
                self.matters(api, vcpu, state);
                let shared = &mut *lock(&self.shared);
                let hcr = shared.shadow.pe(pe).registers.get(Register::HcrEl2);
                let register = named.register(el, hcr);
                match register {
                    Register::VbarEl1 => state.vectors[0].store(value & !0x7ff, Ordering::Relaxed),
                    Register::VbarEl2 => state.vectors[1].store(value & !0x7ff, Ordering::Relaxed),
                    _ => {}
                }
                shared.shadow.register(pe, register, value, &mut shared.recording);
                look_again();
                shared.recording.write(&Event::Register {
                    pe,
                    pc,
                    register,
                    value,
                });
            }
            Kind::Tlbi(register) => {
                let (el, operand) = (self.el(api, vcpu), self.value(api, vcpu, register));
                self.matters(api, vcpu, state);
                look_again();
                self.plain(pe, pc, el, word, operand);
                state
                    .invalidated
                    .store(lock(&self.shared).recording.events, Ordering::Relaxed);
            }
            Kind::Return => {
                let saved = self.saved(api, vcpu, state).map_or(0, |saved| saved | RETURN_IS_KNOWN);
                self.plain(pe, pc, 0, word, saved);
            }
            Kind::Dsb(_) | Kind::Isb | Kind::Cache => {
                self.plain(pe, pc, 0, word, 0);
                let since = state.invalidated.load(Ordering::Relaxed);
                if since != 0 && matches!(site.kind, Kind::Dsb(_)) {
                    // Until now other vCPUs may have gone on with what the TLBI was to take from them.
                    look_again();
                    state.invalidated.store(0, Ordering::Relaxed);
                    self.expire(since);
                }
            }
        }
    }

    /// After an invalidation, frames that were tables before it are watched no longer: whether it was the right one
    /// is judged by other signs.
    fn expire(&self, since: u64) {
        let recording = &mut lock(&self.shared).recording;
        recording.freed.retain(|frame, (_, at)| {
            let stays = *at >= since;
            if !stays {
                self.ram.watch(*frame << 12, 1, false);
            }
            stays
        });
    }

    /// Returns for which exception level the block is that is being translated; `None` where that is not known.
    pub fn translates(&self, api: &Api) -> Option<u8> {
        let handle = self.cpsr.get().copied();
        let cpsr = handle.and_then(|handle| api.read(handle))?;
        // M[4] is for AArch32, of which nothing is decoded.
        Some(if cpsr & 0x10 == 0 { (cpsr >> 2 & 3) as u8 } else { 0 })
    }

    /// Something happened after which every kind of instruction matters anew.
    fn matters(&self, api: &Api, vcpu: u32, state: &Vcpu) {
        state.recorded.store(0, Ordering::Relaxed);
        let watching = u64::from(state.watching.load(Ordering::Relaxed));
        api.set(self.board, vcpu, |counters| {
            *counters = [1; COUNTERS];
            counters[WATCHING] = watching;
        });
    }

    fn watching(&self, api: &Api, vcpu: u32, state: &Vcpu, on: bool) {
        state.watching.store(u32::from(on), Ordering::Relaxed);
        api.set(self.board, vcpu, |counters| counters[WATCHING] = u64::from(on));
    }

    /// Returns the saved program status of the exception level a PE runs at.
    fn saved(&self, api: &Api, vcpu: u32, state: &Vcpu) -> Option<u64> {
        let handles = state.registers.get()?;
        let el = self.el(api, vcpu);
        let register = handles.saved.get(usize::from(el).checked_sub(1)?).copied().flatten()?;
        api.read(register)
    }

    fn plain(&self, pe: u32, pc: u64, el: u8, word: u32, operand: u64) {
        lock(&self.shared).recording.write(&Event::Instruction {
            pe,
            pc,
            el,
            word,
            operand,
        });
    }

    fn value(&self, api: &Api, vcpu: u32, register: u8) -> u64 {
        if register == 31 {
            0
        } else {
            self.read(api, vcpu, register)
        }
    }

    /// Ends the watch for uses where the context is synchronized.
    fn synchronize(&self, api: &Api, vcpu: u32, state: &Vcpu, kind: Kind) {
        if state.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        match kind {
            Kind::Dsb(_) => state.ordered.store(1, Ordering::Relaxed),
            Kind::Isb if state.ordered.load(Ordering::Relaxed) != 0 => self.unwatch(api, vcpu, state),
            Kind::Return | Kind::Vector => self.unwatch(api, vcpu, state),
            _ => {}
        }
    }

    fn unwatch(&self, api: &Api, vcpu: u32, state: &Vcpu) {
        let mut uses = lock(&state.uses);
        uses.clear();
        let dropped = std::mem::take(&mut uses.dropped);
        drop(uses);
        self.watching(api, vcpu, state, false);
        if dropped > 0 {
            lock(&self.shared).recording.write(&Event::Unwatched(dropped));
        }
    }

    fn used(&self, api: &Api, pe: u32, pc: u64, address: u64, access: Access) {
        let Some(state) = self.vcpus.get(pe as usize) else {
            return;
        };
        if state.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut uses = lock(&state.uses);
        if uses.take(address) {
            if uses.is_empty() {
                self.watching(api, pe, state, false);
            }
            drop(uses);
            lock(&self.shared).recording.write(&Event::Use {
                pe,
                pc,
                address,
                access,
            });
        }
    }

    /// A load was made.
    pub fn load(&self, api: &Api, vcpu: u32, pc: u64, address: u64) {
        self.used(api, vcpu, pc, address, Access::Load);
    }

    /// Loads are about to be made, while there are uses to look for.
    pub fn watched_loads(&self, api: &Api, vcpu: u32, loads: &[(u64, Address)]) {
        for (pc, from) in loads {
            let address = from.resolve(*pc, |register| self.read(api, vcpu, register));
            self.used(api, vcpu, *pc, address, Access::Load);
        }
    }

    /// Instructions are about to be fetched.
    pub fn fetch(&self, api: &Api, vcpu: u32, address: u64) {
        self.used(api, vcpu, address, address, Access::Fetch);
    }

    /// Returns whether a page is known to hold no table, and nothing is to be looked for.
    #[inline]
    pub fn is_plain(&self, vcpu: u32, address: u64, el: u64) -> bool {
        let Some(state) = self.vcpus.get(vcpu as usize) else {
            return true;
        };
        let page = address >> 12;
        state.generation.load(Ordering::Relaxed) == GENERATION.load(Ordering::Relaxed)
            && state.plain[page as usize % PLAIN].load(Ordering::Relaxed) == page << 2 | el
            && el != 0
            && state.watching.load(Ordering::Relaxed) == 0
    }

    /// Remembers that a page holds no table, as of a generation that was read before this was known.
    fn remember_plain(state: &Vcpu, generation: u64, address: u64, el: u64) {
        if el == 0 {
            return;
        }
        if state.generation.load(Ordering::Relaxed) != generation {
            for page in &state.plain {
                page.store(u64::MAX, Ordering::Relaxed);
            }
            state.generation.store(generation, Ordering::Relaxed);
        }
        let page = address >> 12;
        state.plain[page as usize % PLAIN].store(page << 2 | el, Ordering::Relaxed);
    }

    /// A store was made.
    pub fn store(&self, api: &Api, vcpu: u32, pc: u64, info: u32, address: u64, el: u64) {
        self.used(api, vcpu, pc, address, Access::Store);
        let generation = GENERATION.load(Ordering::Relaxed);
        let Some(state) = self.vcpus.get(vcpu as usize) else {
            return;
        };
        let Some((physical, bytes)) = api.access(info, address) else {
            Self::remember_plain(state, generation, address, el);
            return;
        };
        if !self.ram.is_watched(physical) {
            Self::remember_plain(state, generation, address, el);
            return;
        }
        let shared = &mut *lock(&self.shared);
        let mut word = physical & !7;
        while word < physical + bytes {
            let new = shared.recording.ram.word(word);
            if let Some(new) = new {
                self.changed(api, shared, vcpu, pc, word, new);
            }
            word += 8;
        }
    }

    /// A word of a watched frame was written.
    fn changed(&self, api: &Api, shared: &mut Shared, pe: u32, pc: u64, address: u64, new: u64) {
        let Some(held) = shared.shadow.held(address) else {
            self.freed(shared, pe, pc, address, new);
            return;
        };
        if !shared.shadow.is_live_at(address) {
            shared.shadow.make_stale(address, &mut shared.recording);
            return;
        }
        if held == new {
            return;
        }
        let state = &self.vcpus[pe as usize];
        self.matters(api, pe, state);
        look_again();
        let change = shared.shadow.store(address, new, &mut shared.recording);
        shared.recording.write(&Event::Store {
            pe,
            pc,
            address,
            old: held,
            new,
        });
        let Some(change) = change else { return };
        let place = &change.place;
        let valid = |descriptor| place.format.entry(place.level, descriptor) != Entry::Invalid;
        if valid(change.old) || !valid(change.new) {
            return;
        }
        let mut uses = lock(&state.uses);
        for way in &place.ways {
            if shared.shadow.roots[way.root].loaded[pe as usize] {
                uses.insert(way.address, 1 << place.format.shift(place.level));
                state.ordered.store(0, Ordering::Relaxed);
                self.watching(api, pe, state, true);
            }
        }
    }

    fn freed(&self, shared: &mut Shared, pe: u32, pc: u64, address: u64, new: u64) {
        let frame = address >> 12;
        let Some(left) = shared.recording.freed.get_mut(&frame) else {
            return;
        };
        // Zeroes translate nothing.
        if new == 0 {
            return;
        }
        left.0 -= 1;
        if left.0 == 0 {
            shared.recording.freed.remove(&frame);
            self.ram.watch(frame << 12, 1, false);
        }
        shared.recording.write(&Event::Freed { pe, pc, address, new });
    }

    /// `dc zva` is about to be executed: it stores without a callback.
    fn zero(&self, api: &Api, vcpu: u32, state: &Vcpu, pc: u64, register: u8) {
        let bytes = ZERO_BYTES.load(Ordering::Relaxed);
        let address = self.value(api, vcpu, register) & !(bytes - 1);
        let generation = GENERATION.load(Ordering::Relaxed);
        let el = self.el(api, vcpu);
        if self.is_plain(vcpu, address, u64::from(el)) {
            return;
        }
        let shared = &mut *lock(&self.shared);
        let physical = shared.shadow.translate(vcpu, el, address);
        let Some(physical) = physical.filter(|physical| self.ram.is_watched(*physical)) else {
            Self::remember_plain(state, generation, address, u64::from(el));
            return;
        };
        for word in (physical..physical + bytes).step_by(8) {
            self.changed(api, shared, vcpu, pc, word, 0);
        }
    }

    /// The firmware is called: it may turn this PE off, or all.
    fn firmware(&self, api: &Api, vcpu: u32) {
        const CPU_OFF: u64 = 0x8400_0002;
        const SYSTEM_RESET: u64 = 0x8400_0009;
        let function = self.value(api, vcpu, 0) & 0xffff_ffff;
        if function != CPU_OFF && function != SYSTEM_RESET {
            return;
        }
        let el = self.el(api, vcpu);
        let shared = &mut *lock(&self.shared);
        // Under a hypervisor, the call of a guest goes to it.
        if el < 2 && shared.shadow.pe(vcpu).registers.get(Register::VbarEl2) != 0 {
            return;
        }
        if function == CPU_OFF {
            shared.shadow.off(vcpu, &mut shared.recording);
            shared.recording.write(&Event::Off(vcpu));
        } else {
            for pe in 0..self.vcpus.len() as u32 {
                shared.shadow.off(pe, &mut shared.recording);
            }
            shared.recording.write(&Event::Reset);
        }
        look_again();
    }

    /// Ends the log.
    pub fn end(&self) {
        let mut shared = lock(&self.shared);
        if let Err(error) = shared.recording.log.end() {
            eprintln!("trace plugin: cannot write the log: {error}");
        }
    }
}
