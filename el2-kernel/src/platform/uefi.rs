// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way in through UEFI: takes from firmware what the kernel needs to know, and leaves it (UEFI 2.10, sections 2.3.6,
//! 4.6 and 7.4.6).
//!
//! `head` calls `uefi_main` on firmware's stack, with caches and the 1:1 map of firmware on. What is found is kept in the
//! image, and is in memory, not only in a cache, when `uefi_main` returns: the kernel begins with the caches off.
#![expect(unsafe_code)]
// UNSAFETY: calls firmware, and reads what it points at.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::slice;

use uefi_raw::table::boot::{BootServices, MemoryAttribute, MemoryDescriptor, MemoryType};
use uefi_raw::table::configuration::ConfigurationTable;
use uefi_raw::table::system::SystemTable;
use uefi_raw::{Guid, Handle, Status, guid};

use crate::image::{BOOT_STACK, BOOT_STACK_SIZE, image};
use crate::platform::acpi::{self, Tables};
use crate::platform::blob;
use crate::platform::board::Board;
use crate::platform::device_tree::Machine;
use crate::platform::memory::Memory;
use crate::platform::smbios;

const DEVICE_TREE: Guid = guid!("b1b621d5-f19c-41a5-830b-d9152c69aae0");
const ACPI_2: Guid = guid!("8868e871-e4f1-11d3-bc22-0080c73c8881");
const SMBIOS_3: Guid = guid!("f2fd1544-9794-4a2c-992e-e5bbcf20e394");

/// How often boot services are asked to end: the memory map may change between reading it and that.
const ATTEMPTS: usize = 8;

/// What UEFI said about the machine.
#[derive(Debug)]
pub struct Found {
    /// By ACPI, where there is no device tree.
    pub machine: Option<Machine>,
    /// The memory around the image that is nobody's once firmware is gone.
    pub memory: Option<Memory>,
    /// By SMBIOS, and firmware's own name.
    pub board: Board,
}

/// Written once, before the kernel proper begins. Not zero-initialized data, which the entry code clears.
#[repr(transparent)]
struct FoundCell(UnsafeCell<Option<Found>>);

// SAFETY: written by `uefi_main`, read afterwards, on one PE.
unsafe impl Sync for FoundCell {}

#[unsafe(link_section = ".data.uefi")]
static FOUND: FoundCell = FoundCell(UnsafeCell::new(None));

/// Returns what UEFI said, if the kernel came through it.
pub fn found() -> Option<&'static Found> {
    // SAFETY: nobody writes it any more once the kernel proper has begun.
    unsafe { (*FOUND.0.get()).as_ref() }
}

/// What `uefi_main` returns in x0 and x1.
#[repr(C)]
#[derive(Debug)]
pub struct Left {
    /// The address of the device tree, or 0; a status for firmware if that is still there.
    value: usize,
    /// Whether firmware is gone.
    gone: usize,
}

/// Takes what is needed from firmware, and ends its boot services.
pub extern "C" fn uefi_main(handle: Handle, system: *const SystemTable, load: usize) -> Left {
    // SAFETY: firmware passes a pointer to its system table, which it keeps until boot services end.
    let system = unsafe { &*system };
    let tables = if system.configuration_table.is_null() {
        &[][..]
    } else {
        // SAFETY: as many entries are there as the system table says.
        unsafe { slice::from_raw_parts(system.configuration_table, system.number_of_configuration_table_entries) }
    };
    let device_tree = entry(tables, DEVICE_TREE).filter(|&address| clean_tree(address));
    let machine = match device_tree {
        Some(_) => None,
        None => entry(tables, ACPI_2).and_then(|rsdp| acpi::read(&Physical, rsdp as u64)),
    };
    let names = entry(tables, SMBIOS_3).map_or_else(smbios::Names::default, smbios_names);
    let board = Board::of_smbios(&names, vendor(system));
    // SAFETY: boot services are there until they are ended.
    let services = unsafe { &*system.boot_services };
    let memory = match leave(services, handle, load as u64) {
        Ok(memory) => memory,
        Err(status) => {
            say(system, "el2-kernel: UEFI does not end its boot services\r\n");
            return Left {
                value: status.0,
                gone: 0,
            };
        }
    };
    let found = Found { machine, memory, board };
    // SAFETY: nobody reads it before this function has returned.
    unsafe { *FOUND.0.get() = Some(found) };
    let (start, size) = image();
    clean(start, size);
    Left {
        value: device_tree.unwrap_or(0),
        gone: 1,
    }
}

fn entry(tables: &[ConfigurationTable], wanted: Guid) -> Option<usize> {
    let table = tables.iter().find(|table| table.vendor_guid == wanted)?;
    Some(table.vendor_table as usize).filter(|&address| address != 0)
}

/// Cleans a device tree to memory; returns whether it is one.
fn clean_tree(address: usize) -> bool {
    if !address.is_multiple_of(8) {
        return false;
    }
    // SAFETY: firmware's word for it that a device tree is there.
    let header = unsafe { &*(address as *const [u8; 40]) };
    let Some(size) = blob::size(header) else { return false };
    clean(address, size);
    // SAFETY: the magic number says that it is one, of that size.
    blob::open(unsafe { slice::from_raw_parts(address as *const u8, size) }).is_some()
}

/// Memory at its physical address, as firmware maps it.
struct Physical;

impl Tables for Physical {
    fn bytes(&self, address: u64, size: usize) -> Option<&[u8]> {
        let address = usize::try_from(address).ok().filter(|&address| address != 0)?;
        // SAFETY: by the tables of firmware, which maps all memory 1:1, another table is there.
        Some(unsafe { slice::from_raw_parts(address as *const u8, size) })
    }
}

fn smbios_names(entry: usize) -> smbios::Names<'static> {
    // SAFETY: firmware's word for it that an entry point is there.
    let entry = unsafe { &*(entry as *const [u8; smbios::ENTRY]) };
    let Some((address, size)) = smbios::structures(entry).filter(|&(address, _)| address != 0) else {
        return smbios::Names::default();
    };
    // SAFETY: the entry point, whose checksum is right, says that so many bytes are there.
    smbios::names(unsafe { slice::from_raw_parts(address as *const u8, size) })
}

/// Returns the name of firmware's maker, in UTF-16.
fn vendor(system: &SystemTable) -> impl Iterator<Item = u16> {
    const LONGEST: usize = 64;
    let mut next = system.firmware_vendor;
    let mut left = if next.is_null() { 0 } else { LONGEST };
    core::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        // SAFETY: a string that ends with 0, and it has not ended yet.
        let character = unsafe { *next };
        next = next.wrapping_add(1);
        (character != 0).then_some(character)
    })
    .fuse()
}

/// Reads the memory map and ends boot services with it. Returns the memory around the image.
fn leave(services: &BootServices, handle: Handle, load: u64) -> Result<Option<Memory>, Status> {
    let mut status = Status::ABORTED;
    for _ in 0..ATTEMPTS {
        // The kernel's stack is not in use yet, and large enough for a thousand entries.
        let map = BOOT_STACK.address() as *mut MemoryDescriptor;
        let (mut size, mut key, mut stride, mut version) = (BOOT_STACK_SIZE, 0, 0, 0);
        // SAFETY: so many bytes are there, and nobody else uses them.
        status = unsafe { (services.get_memory_map)(&mut size, map, &mut key, &mut stride, &mut version) };
        if status != Status::SUCCESS {
            return Err(status);
        }
        let usable = (0..size / stride.max(1)).filter_map(|index| {
            let entry = map.cast::<u8>().wrapping_add(index * stride).cast::<MemoryDescriptor>();
            // SAFETY: firmware has written so many entries, one every `stride` bytes.
            usable(unsafe { &*entry })
        });
        let memory = Memory::of_map(load, || usable.clone());
        // SAFETY: nothing of boot services is used afterwards if it succeeds.
        status = unsafe { (services.exit_boot_services)(handle, key) };
        if status == Status::SUCCESS {
            return Ok(memory);
        }
    }
    Err(status)
}

/// Returns an entry's range if it is ordinary memory that belongs to nobody once boot services have ended.
fn usable(entry: &MemoryDescriptor) -> Option<core::ops::Range<u64>> {
    const PAGE: u64 = 4096;
    let is_free = [
        MemoryType::LOADER_CODE,
        MemoryType::LOADER_DATA,
        MemoryType::BOOT_SERVICES_CODE,
        MemoryType::BOOT_SERVICES_DATA,
        MemoryType::CONVENTIONAL,
    ]
    .contains(&entry.ty);
    let size = entry.page_count.checked_mul(PAGE)?;
    (is_free && entry.att.contains(MemoryAttribute::WRITE_BACK))
        .then_some(entry.phys_start..entry.phys_start.checked_add(size)?)
}

/// Says something on firmware's console.
fn say(system: &SystemTable, text: &str) {
    let mut wide = [0; 80];
    for (to, from) in wide[..79].iter_mut().zip(text.encode_utf16()) {
        *to = from;
    }
    if !system.stdout.is_null() {
        // SAFETY: boot services are still there, and the text ends with 0.
        let _ = unsafe { ((*system.stdout).output_string)(system.stdout, wide.as_ptr()) };
    }
}

/// Cleans and invalidates what is cached of a range, to the point of coherency.
fn clean(start: usize, size: usize) {
    let line = 4 << (crate::arch::instructions::mrs!("ctr_el0") >> 16 & 0xf);
    let mut address = start & !(line - 1);
    while address < start + size {
        // SAFETY: the address is in memory that firmware maps; nothing but where its contents are changes.
        unsafe { asm!("dc civac, {}", in(reg) address, options(nostack, preserves_flags)) };
        address += line;
    }
    crate::arch::instructions::dsb_sy();
}

/// The handle of an image is a pointer that nobody here follows.
const _: () = assert!(size_of::<Handle>() == size_of::<*mut c_void>());
