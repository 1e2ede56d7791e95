// SPDX-License-Identifier: MIT OR Apache-2.0
//! The way in through UEFI: takes from firmware what the kernel needs to know, and leaves it (UEFI 2.10, sections 2.3.6,
//! 4.6 and 7.4.6).
//!
//! `head` calls `uefi_main` on firmware's stack, with caches and the 1:1 map of firmware on. Some boot loaders (GRUB 2.06 as
//! Debian has it) enter a file that they have read as it is, with no room behind it for zeroed data. So the image is copied
//! to memory of its own, what is found is kept in the copy, and the kernel begins there. All of it is in memory, not only
//! in a cache, when `uefi_main` returns: the kernel begins with the caches off.
#![expect(unsafe_code)]
// UNSAFETY: calls firmware, and reads what it points at.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::slice;

use uefi_raw::table::boot::{AllocateType, BootServices, MemoryAttribute, MemoryDescriptor, MemoryType};
use uefi_raw::table::configuration::ConfigurationTable;
use uefi_raw::table::system::SystemTable;
use uefi_raw::{Guid, Handle, Status, guid};

use crate::image::{image, in_file};
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
/// Bytes of UEFI's pages, whatever the granule.
const PAGE: usize = 4096;
/// Room for the memory map: of some thousand entries.
const MAP_SIZE: usize = 256 * 1024;

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

/// Written once, by the image that firmware has loaded into its copy. Not zero-initialized data, which the entry code
/// clears.
#[repr(transparent)]
struct FoundCell(UnsafeCell<Option<Found>>);

// SAFETY: nobody writes it in the image that refers to it.
unsafe impl Sync for FoundCell {}

#[unsafe(link_section = ".data.uefi")]
static FOUND: FoundCell = FoundCell(UnsafeCell::new(None));

/// Returns what UEFI said, if the kernel came through it.
pub fn found() -> Option<&'static Found> {
    // SAFETY: it was written, if at all, before this copy of the image began.
    unsafe { (*core::hint::black_box(FOUND.0.get())).as_ref() }
}

/// What `uefi_main` returns in x0 and x1.
#[repr(C)]
#[derive(Debug)]
pub struct Left {
    /// The address of the device tree, or 0; a status for firmware if that is still there.
    value: usize,
    /// The address of the image's copy, or 0 if firmware is still there.
    image: usize,
}

/// Takes what is needed from firmware, copies the image, and ends boot services.
pub extern "C" fn uefi_main(handle: Handle, system: *const SystemTable) -> Left {
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
    let (copy, memory) = match copy_and_leave(services, handle) {
        Ok(left) => left,
        Err(status) => {
            say(
                system,
                "el2-kernel: UEFI gives no memory, or does not end its boot services\r\n",
            );
            return Left {
                value: status.0,
                image: 0,
            };
        }
    };
    let found = Found { machine, memory, board };
    let (start, size) = image();
    let place = copy + (FOUND.0.get() as usize - start);
    // SAFETY: the copy has it at the same distance from its start, and nobody else refers to the copy yet.
    unsafe { (place as *mut Option<Found>).write(Some(found)) };
    clean(copy, size);
    // This one runs on until the caches are off.
    clean(start, in_file());
    Left {
        value: device_tree.unwrap_or(0),
        image: copy,
    }
}

fn entry(tables: &[ConfigurationTable], wanted: Guid) -> Option<usize> {
    let table = tables.iter().find(|table| table.vendor_guid == wanted)?;
    Some(table.vendor_table as usize).filter(|&address| address != 0)
}

/// Cleans a device tree to memory; returns whether it is one, and of a machine: under ACPI a boot loader may leave a tree
/// that has its own words only.
fn clean_tree(address: usize) -> bool {
    if !address.is_multiple_of(8) {
        return false;
    }
    // SAFETY: firmware's word for it that a device tree is there.
    let header = unsafe { &*(address as *const [u8; 40]) };
    let Some(size) = blob::size(header) else { return false };
    clean(address, size);
    // SAFETY: the magic number says that it is one, of that size.
    let tree = blob::open(unsafe { slice::from_raw_parts(address as *const u8, size) });
    tree.is_some_and(|tree| tree.find_node("/cpus").is_some())
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

/// Copies the image to memory of its own and ends boot services. Returns the copy's address, and the memory around it.
fn copy_and_leave(services: &BootServices, handle: Handle) -> Result<(usize, Option<Memory>), Status> {
    let (start, size) = image();
    let copy = allocate(services, MemoryType::LOADER_CODE, size)?;
    let map = allocate(services, MemoryType::LOADER_DATA, MAP_SIZE)?;
    // SAFETY: so much of the image is in the file, and so in memory; the copy has room for all of it.
    unsafe { core::ptr::copy_nonoverlapping(start as *const u8, copy as *mut u8, in_file()) };
    let mut status = Status::ABORTED;
    for _ in 0..ATTEMPTS {
        let (mut size, mut key, mut stride, mut version) = (MAP_SIZE, 0, 0, 0);
        let entries = map as *mut MemoryDescriptor;
        // SAFETY: so many bytes are there, and nobody else uses them.
        status = unsafe { (services.get_memory_map)(&mut size, entries, &mut key, &mut stride, &mut version) };
        if status != Status::SUCCESS {
            return Err(status);
        }
        let usable = (0..size / stride.max(1)).filter_map(|index| {
            let entry = (map + index * stride) as *const MemoryDescriptor;
            // SAFETY: firmware has written so many entries, one every `stride` bytes.
            usable(unsafe { &*entry })
        });
        let memory = Memory::of_map(copy as u64, || usable.clone());
        // SAFETY: nothing of boot services is used afterwards if it succeeds.
        status = unsafe { (services.exit_boot_services)(handle, key) };
        if status == Status::SUCCESS {
            return Ok((copy, memory));
        }
    }
    Err(status)
}

/// Returns the address of so many bytes of firmware's memory, a multiple of 4 KiB.
fn allocate(services: &BootServices, kind: MemoryType, size: usize) -> Result<usize, Status> {
    let mut address = 0;
    let pages = size.div_ceil(PAGE);
    // SAFETY: firmware writes the address; what it returns belongs to the caller.
    let status = unsafe { (services.allocate_pages)(AllocateType::ANY_PAGES, kind, pages, &mut address) };
    match status {
        Status::SUCCESS => Ok(address as usize),
        status => Err(status),
    }
}

/// Returns an entry's range if it is ordinary memory that belongs to nobody once boot services have ended.
fn usable(entry: &MemoryDescriptor) -> Option<core::ops::Range<u64>> {
    let is_free = [
        MemoryType::LOADER_CODE,
        MemoryType::LOADER_DATA,
        MemoryType::BOOT_SERVICES_CODE,
        MemoryType::BOOT_SERVICES_DATA,
        MemoryType::CONVENTIONAL,
    ]
    .contains(&entry.ty);
    let size = entry.page_count.checked_mul(PAGE as u64)?;
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
