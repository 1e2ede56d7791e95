// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QEMU plugin: sees every instruction and store of a guest, and records what matters for its TLB maintenance.
//!
//! Arguments: `log=FILE` (needed), `ram=FILE` and `base=ADDRESS` (the guest's memory, as QEMU's
//! `memory-backend-file,share=on` has it, and where it begins: 0x40000000 unless said), `limit=BYTES`.
//!
//! It must cost little. Most accesses end at one bit: whether the frame is one of a table. Barriers are recorded only where
//! they can matter, which is once of each kind after the last store, TLBI or register write of the PE.

mod api;
mod loads;
mod ram;
mod recorder;
mod uses;

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::fs::File;
use std::sync::OnceLock;

use api::{Api, Block, Info};
use loads::{Address, may_load};
use recorder::{Kind, Recorder, Site};

/// The interface version we are written for: QEMU takes plugins from its oldest version to its own.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "QEMU looks for this name")]
#[allow(non_upper_case_globals, reason = "QEMU looks for this name")]
pub static qemu_plugin_version: c_int = 2;

/// What the callbacks work with.
struct Plugin {
    api: Api,
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
    let ram = ram.ok_or("ram=FILE is needed: the file of -object memory-backend-file,share=on")?;
    let file = File::create(log).map_err(|error| format!("cannot write {log}: {error}"))?;
    let ram = ram::Ram::open(ram, base).map_err(|error| format!("cannot read {ram}: {error}"))?;
    let pes = usize::try_from(info.most_pes.max(info.pes)).unwrap_or(1).max(1);
    let counter = api.counter();
    let recorder = Recorder::new(file, ram, pes, limit, counter);
    let plugin = Plugin { api, recorder };
    if PLUGIN.set(plugin).is_err() {
        return Err("it is loaded twice".to_owned());
    }
    let Some(plugin) = PLUGIN.get() else {
        return Err("it is gone".to_owned());
    };
    plugin.api.call_for_vcpus(id, on_vcpu);
    plugin.api.call_for_blocks(id, on_block);
    plugin.api.call_at_end(id, on_end);
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

extern "C" fn on_vcpu(_: u64, vcpu: c_uint) {
    let Some(plugin) = PLUGIN.get() else { return };
    if let Err(message) = plugin.recorder.vcpu(&plugin.api, vcpu) {
        // The order and the numbers of the PEs would be wrong: nothing that is recorded could be judged.
        eprintln!("trace plugin: {message}");
        std::process::exit(1);
    }
}

extern "C" fn on_block(_: u64, block: *mut Block) {
    let Some(plugin) = PLUGIN.get() else { return };
    let api = &plugin.api;
    if plugin.recorder.translates_user(api) {
        // At EL0 nothing of maintenance is executed, and no table is written; a page that was one may be.
        for instruction in api.instructions(block) {
            let (address, word) = api.word(instruction);
            if is_access(word) {
                api.call_after_access(instruction, on_user_store, api::STORES, address);
            }
        }
        return;
    }
    for (number, instruction) in api.instructions(block).enumerate() {
        let (address, word) = api.word(instruction);
        if number == 0 {
            api.call_while(block, on_fetch, plugin.recorder.counter, address);
            // Exceptions go to multiples of 0x80.
            if address & 0x7f == 0 {
                let site = plugin.recorder.site(address, word, Kind::Vector);
                api.call_before(instruction, on_instruction, false, site);
            }
        }
        if let Some(kind) = Kind::of(word) {
            let site = plugin.recorder.site(address, word, kind);
            api.call_before(instruction, on_instruction, kind.reads_registers(), site);
        }
        if is_access(word) {
            api.call_after_access(instruction, on_store, api::STORES, address);
            let decoded = api.has_conditions().then(|| Address::of(word)).flatten();
            if !may_load(word) {
                // Stores look for uses themselves.
            } else if let Some(from) = decoded {
                let site = plugin.recorder.site(address, word, Kind::Load(from));
                api.call_before_while(instruction, on_watched_load, plugin.recorder.counter, site);
            } else {
                api.call_after_access(instruction, on_load, api::LOADS, address);
            }
        }
    }
}

/// Returns whether an instruction can access memory: loads and stores have bit 27 set and bit 25 clear.
const fn is_access(word: u32) -> bool {
    word & 0x0a00_0000 == 0x0800_0000
}

extern "C" fn on_user_store(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    if plugin.recorder.has_freed() {
        plugin
            .recorder
            .store(&plugin.api, vcpu, pc as usize as u64, info, address);
    }
}

extern "C" fn on_instruction(vcpu: c_uint, site: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let site: &Site = recorder::at(site as usize);
    plugin.recorder.instruction(&plugin.api, vcpu, site);
}

extern "C" fn on_fetch(vcpu: c_uint, address: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let address = address as usize as u64;
    plugin.recorder.fetch(&plugin.api, vcpu, address);
}

extern "C" fn on_load(vcpu: c_uint, _: u32, address: u64, pc: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    plugin.recorder.load(&plugin.api, vcpu, pc as usize as u64, address);
}

extern "C" fn on_watched_load(vcpu: c_uint, site: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    let site: &Site = recorder::at(site as usize);
    plugin.recorder.watched_load(&plugin.api, vcpu, site);
}

extern "C" fn on_store(vcpu: c_uint, info: u32, address: u64, pc: *mut c_void) {
    let Some(plugin) = PLUGIN.get() else { return };
    plugin
        .recorder
        .store(&plugin.api, vcpu, pc as usize as u64, info, address);
}

extern "C" fn on_end(_: u64, _: *mut c_void) {
    if let Some(plugin) = PLUGIN.get() {
        plugin.recorder.end();
    }
}
