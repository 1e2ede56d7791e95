// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QEMU plugin: sees every instruction and store of a guest, and records what matters for its TLB maintenance.
//!
//! Arguments: `log=FILE` (needed), `ram=FILE` and `base=ADDRESS` (the guest's memory, as QEMU's
//! `memory-backend-file,share=on` has it, and where it begins: 0x40000000 unless said; needed before QEMU 10.1, whose
//! interface reads memory itself), `limit=BYTES`. `probe=FILE` alone writes the versions that QEMU announces.
//!
//! It must cost little. Code of EL0 is left alone. A store ends at a page that is known to be no table; a barrier is recorded
//! only where it can matter, which is once of each kind after the last store, TLBI or register write of the PE; a load is
//! looked at only while there are new entries to be used. The last two are counters that generated code compares.

mod api;
mod loads;
mod ram;
mod recorder;
mod uses;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::sync::OnceLock;

use api::{Api, Block, Info, Instruction};
use loads::{Address, may_load, may_store, may_write};
use recorder::{Kind, Recorder, Site};

/// The interface version that a plugin says it is written for, and a mark: QEMU takes plugins from its oldest version to its
/// own, so that no one number fits all of 9.0 to 11.1, and who writes the file out puts another one in front of the mark.
#[repr(C)]
pub struct Version {
    number: c_int,
    mark: [u8; 28],
}

/// What QEMU reads before it installs the plugin.
#[unsafe(no_mangle)]
#[used]
#[allow(unsafe_code, reason = "QEMU looks for this name")]
#[allow(non_upper_case_globals, reason = "QEMU looks for this name")]
pub static qemu_plugin_version: Version = Version {
    number: 2,
    mark: *b"<- tlb-trace plugin version\n",
};

/// What the callbacks work with.
struct Plugin {
    api: &'static Api,
    recorder: Recorder,
}

static PLUGIN: OnceLock<Plugin> = OnceLock::new();

/// Most bytes of a log, unless said.
const LIMIT: u64 = 1 << 30;
/// Where RAM of the `virt` machine begins.
const BASE: u64 = 0x4000_0000;

/// Called by QEMU when the plugin is loaded.
///
/// # Safety
///
/// Called by QEMU only, with an information block and `count` strings.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "QEMU looks for this name, and passes pointers")]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    info: *const Info,
    count: c_int,
    values: *const *const c_char,
) -> c_int {
    // SAFETY: QEMU passes a valid block.
    let info = unsafe { &*info };
    // SAFETY: QEMU passes so many strings.
    let arguments = unsafe { api::arguments(count, values) };
    match install(id, info, &arguments) {
        Ok(()) => 0,
        Err(message) => {
            eprintln!("trace plugin: {message}");
            1
        }
    }
}

fn install(id: u64, info: &Info, arguments: &[String]) -> Result<(), String> {
    if info.current < 2 {
        return Err(format!(
            "this QEMU has plugin interface version {}, which has no register values; QEMU 9.0 or newer is needed",
            info.current
        ));
    }
    if !info.system {
        return Err("it is made for qemu-system-aarch64".to_owned());
    }
    if let [argument] = arguments
        && let Some(file) = argument.strip_prefix("probe=")
    {
        std::fs::write(file, format!("{} {}\n", info.oldest, info.current))
            .map_err(|error| format!("cannot write {file}: {error}"))?;
        return Err("it was asked for the version only".to_owned());
    }
    let api = Api::find(info.current).map_err(|name| format!("this QEMU lacks {name}"))?;
    let (mut log, mut ram, mut base, mut limit) = (None, None, BASE, LIMIT);
    for argument in arguments {
        let Some((name, value)) = argument.split_once('=') else {
            return Err(format!(
                "what is {argument:?}? log=FILE,ram=FILE[,base=ADDRESS][,limit=BYTES]"
            ));
        };
        let number = || number(value).ok_or_else(|| format!("{name}={value:?} is no number"));
        match name {
            "log" => log = Some(value),
            "ram" => ram = Some(value),
            "base" => base = number()?,
            "limit" => limit = number()?,
            _ => return Err(format!("unknown argument {name:?}")),
        }
    }
    let log = log.ok_or("log=FILE is needed")?;
    let api: &'static Api = Box::leak(Box::new(api));
    let ram = match ram {
        Some(ram) => ram::Ram::open(ram, base).map_err(|error| format!("cannot read {ram}: {error}"))?,
        None if api.reads_memory() => ram::Ram::of_interface(api),
        None => {
            return Err(format!(
                "ram=FILE is needed, the file of -object memory-backend-file,share=on: interface version {} cannot read \
                 memory",
                info.current
            ));
        }
    };
    let file = File::create(log).map_err(|error| format!("cannot write {log}: {error}"))?;
    let pes = usize::try_from(info.most_pes.max(info.pes)).unwrap_or(1).max(1);
    let recorder = Recorder::new(file, ram, pes, limit, api.board());
    let plugin = Plugin { api, recorder };
    if PLUGIN.set(plugin).is_err() {
        return Err("it is loaded twice".to_owned());
    }
    let Some(plugin) = PLUGIN.get() else {
        return Err("it is gone".to_owned());
    };
    plugin.api.call_for(id, on_vcpu, on_block, on_end);
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn on_vcpu(vcpu: c_uint) {
    let Some(plugin) = PLUGIN.get() else { return };
    if let Err(message) = plugin.recorder.vcpu(plugin.api, vcpu) {
        // The order and the numbers of the PEs would be wrong: nothing that is recorded could be judged.
        eprintln!("trace plugin: {message}");
        std::process::exit(1);
    }
}

fn on_block(block: *mut Block) {
    let Some(plugin) = PLUGIN.get() else { return };
    let (api, recorder) = (plugin.api, &plugin.recorder);
    // At EL0 nothing of maintenance is executed, and no table is written.
    let el = recorder.translates(api);
    if el == Some(0) {
        return;
    }
    let on_store = match el {
        Some(1) => on_store_el1,
        Some(2) => on_store_el2,
        _ => on_store_elsewhere,
    };
    let mut groups = Groups::default();
    for (number, instruction) in api.instructions(block).enumerate() {
        let (address, word) = api.word(instruction);
        if number == 0 {
            api.call_while(block, on_fetch, recorder.board, recorder::WATCHING, address);
            // Exceptions go to multiples of 0x80.
            if address & 0x7f == 0 {
                call(plugin, instruction, address, word, Kind::Vector);
            }
        }
        if let Some(kind) = Kind::of(word) {
            groups.end(plugin);
            call(plugin, instruction, address, word, kind);
        }
        if is_access(word) {
            if may_store(word) {
                groups.end(plugin);
                api.call_after_access(instruction, on_store, api::STORES, address);
            }
            // Stores look for uses themselves.
            if may_load(word) {
                match Address::of(word).filter(|_| api.has_conditions()) {
                    Some(from) => groups.add(plugin, instruction, address, from),
                    None => api.call_after_access(instruction, on_load, api::LOADS, address),
                }
            }
        }
        groups.written(plugin, may_write(word));
    }
    groups.end(plugin);
}

/// Asks to be called before an instruction of a kind, where it can matter.
fn call(plugin: &Plugin, instruction: *mut Instruction, address: u64, word: u32, kind: Kind) {
    let site = plugin.recorder.site(address, word, kind);
    let registers = kind.reads_registers();
    match kind.counter() {
        Some(counter) => {
            let counter = (plugin.recorder.board, counter);
            plugin
                .api
                .call_before_while(instruction, on_instruction, registers, counter, site);
        }
        None => plugin.api.call_before(instruction, on_instruction, registers, site),
    }
}

/// Loads of a block from the same base, which nothing writes between them, and no store or barrier between them: what the
/// first finds in registers is what all of them do, and one comparison of a counter does for all.
#[derive(Default)]
struct Groups(Vec<Group>);

struct Group {
    base: u8,
    first: *mut Instruction,
    loads: Vec<(u64, Address)>,
}

impl Groups {
    fn add(&mut self, plugin: &Plugin, instruction: *mut Instruction, address: u64, from: Address) {
        let base = match from {
            // What is on the stack was stored there.
            Address::Base(31, _) => return,
            Address::Base(base, _) => base,
            Address::Literal(_) | Address::Indexed { .. } => 31,
        };
        match self.0.iter_mut().find(|group| group.base == base && base != 31) {
            Some(group) => group.loads.push((address, from)),
            None => {
                let group = Group {
                    base,
                    first: instruction,
                    loads: vec![(address, from)],
                };
                if base == 31 {
                    group.end(plugin);
                } else {
                    self.0.push(group);
                }
            }
        }
    }

    /// Ends the groups whose bases may have been written.
    fn written(&mut self, plugin: &Plugin, registers: u32) {
        let mut at = 0;
        while at < self.0.len() {
            if registers >> self.0[at].base & 1 != 0 {
                self.0.swap_remove(at).end(plugin);
            } else {
                at += 1;
            }
        }
    }

    fn end(&mut self, plugin: &Plugin) {
        for group in self.0.drain(..) {
            group.end(plugin);
        }
    }
}

impl Group {
    fn end(self, plugin: &Plugin) {
        let loads = plugin.recorder.loads(self.loads);
        let counter = (plugin.recorder.board, recorder::WATCHING);
        plugin
            .api
            .call_before_while(self.first, on_watched_loads, true, counter, loads);
    }
}

/// Returns whether an instruction can access memory: loads and stores have bit 27 set and bit 25 clear.
const fn is_access(word: u32) -> bool {
    word & 0x0a00_0000 == 0x0800_0000
}

extern "C" fn on_instruction(vcpu: c_uint, site: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let site: &Site = recorder::at(site as usize);
    plugin.recorder.instruction(plugin.api, vcpu, site);
}

extern "C" fn on_fetch(vcpu: c_uint, address: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let address = address as usize as u64;
    plugin.recorder.fetch(plugin.api, vcpu, address);
}

extern "C" fn on_load(vcpu: c_uint, _: u32, address: u64, pc: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    plugin.recorder.load(plugin.api, vcpu, pc as usize as u64, address);
}

extern "C" fn on_watched_loads(vcpu: c_uint, loads: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let loads = recorder::loads_at(loads as usize);
    plugin.recorder.watched_loads(plugin.api, vcpu, loads);
}

extern "C" fn on_store_el1(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void) {
    store(vcpu, info, address, pc, 1);
}

extern "C" fn on_store_el2(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void) {
    store(vcpu, info, address, pc, 2);
}

extern "C" fn on_store_elsewhere(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void) {
    store(vcpu, info, address, pc, 0);
}

/// A store was made by code of a regime: EL1 and EL2 have the same addresses for different memory. 0 is for what is
/// not known.
#[inline]
fn store(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void, el: u64) {
    let Some(plugin) = PLUGIN.get() else { return };
    let recorder = &plugin.recorder;
    if !recorder.is_plain(vcpu, address, el) {
        recorder.store(plugin.api, vcpu, pc as usize as u64, info, address, el);
    }
}

fn on_end() {
    if let Some(plugin) = PLUGIN.get() {
        plugin.recorder.end();
    }
}
