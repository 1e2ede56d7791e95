// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes sure that what the boot loader has passed is a device tree that can be read.
//!
//! `dtoolkit` checks more than that: it refuses a whole tree for one name of more than 31 characters, which the
//! specification forbids and most trees of real boards have. Its unchecked form takes any name, but panics on a damaged
//! tree. So what it relies on is checked here, and names are left alone.

use dtoolkit::fdt::Fdt;

const MAGIC: u32 = 0xd00d_feed;
/// The version whose layout is read; a later one says that it is compatible.
const VERSION: u32 = 17;
/// Bytes of the header.
const HEADER: usize = 40;
/// Largest size believed. The arm64 boot protocol allows 2 MiB, but QEMU doubles the size of a file given as `-dtb`, and
/// most of that is nothing; only what the header points at is read.
const MAX_SIZE: usize = 64 << 20;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// Returns the size that a header says, if it is one of a device tree.
pub fn size(header: &[u8; HEADER]) -> Option<usize> {
    let size = word(header, 4)? as usize;
    (word(header, 0)? == MAGIC && (HEADER..=MAX_SIZE).contains(&size)).then_some(size)
}

/// Opens a device tree. `None`: it is none, or damaged.
pub fn open(data: &[u8]) -> Option<Fdt<'_>> {
    let header = data.first_chunk::<HEADER>()?;
    if size(header)? != data.len() || word(data, 20)? < VERSION || word(data, 24)? > VERSION {
        return None;
    }
    let block = |offset: usize, size: usize| {
        let start = word(header, offset)? as usize;
        let length = word(header, size)? as usize;
        Some((start, data.get(start..start.checked_add(length)?)?))
    };
    let (structure_at, structure) = block(8, 36)?;
    let (_, strings) = block(12, 32)?;
    if !structure_at.is_multiple_of(4) || !reservations_end(data, word(header, 16)? as usize) {
        return None;
    }
    is_well_formed(structure, strings).then_some(Fdt::new_unchecked(data))
}

/// Returns whether the memory reservations end with the entry of zeros.
fn reservations_end(data: &[u8], start: usize) -> bool {
    let entries = data.get(start..).unwrap_or_default().chunks_exact(16);
    start.is_multiple_of(8) && entries.into_iter().any(|entry| entry.iter().all(|&byte| byte == 0))
}

/// Returns whether tokens nest, properties come before child nodes, and every name and value is there.
fn is_well_formed(structure: &[u8], strings: &[u8]) -> bool {
    walk(structure, strings).is_some()
}

fn walk(structure: &[u8], strings: &[u8]) -> Option<()> {
    let mut at = 0;
    let mut depth = 0_usize;
    // Whether a property may come: not behind a child node.
    let mut properties = false;
    loop {
        let token = word(structure, at)?;
        at += 4;
        match token {
            NOP => {}
            BEGIN_NODE => {
                // There is one root, and nothing before it.
                if depth == 0 && at != 4 {
                    return None;
                }
                at = (at + text(structure, at)?.len() + 1).next_multiple_of(4);
                depth += 1;
                properties = true;
            }
            END_NODE => {
                depth = depth.checked_sub(1)?;
                properties = false;
            }
            PROP if properties => {
                let length = word(structure, at)? as usize;
                text(strings, word(structure, at + 4)? as usize)?;
                at += 8;
                structure.get(at..at.checked_add(length)?)?;
                at = (at + length).next_multiple_of(4);
            }
            END => return (depth == 0 && at > 4).then_some(()),
            _ => return None,
        }
    }
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn text(data: &[u8], at: usize) -> Option<&str> {
    core::ffi::CStr::from_bytes_until_nul(data.get(at..)?)
        .ok()?
        .to_str()
        .ok()
}

#[cfg(test)]
mod tests {
    use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

    use super::*;
    use crate::platform::device_tree::Machine;
    use crate::platform::memory::Memory;

    /// A tree with everything that is read of one.
    fn tree() -> Vec<u8> {
        let node = |name: &str, properties: &[(&str, &[u8])]| {
            let mut node = DeviceTreeNode::new(name).unwrap();
            for &(name, value) in properties {
                node.add_property(DeviceTreeProperty::new(name, value).unwrap());
            }
            node
        };
        let mut tree = DeviceTree::new();
        let cell = |value: u32| value.to_be_bytes();
        for name in ["#address-cells", "#size-cells"] {
            tree.root
                .add_property(DeviceTreeProperty::new(name, cell(1).as_slice()).unwrap());
        }
        let reg = [cell(0x1000), cell(0x100)].concat();
        let ranges = [cell(0), cell(0x4000_0000), cell(0x1000_0000)].concat();
        let one = cell(1);
        let mut bus = node(
            "soc",
            &[("#address-cells", &one), ("#size-cells", &one), ("ranges", &ranges)],
        );
        bus.add_child(node(
            "serial@1000",
            &[
                ("compatible", b"ns16550a\0"),
                ("reg", &reg),
                ("reg-shift", &cell(2)),
                ("status", b"okay\0"),
            ],
        ));
        tree.root
            .add_child(node("chosen", &[("stdout-path", b"serial0:115200n8\0")]));
        tree.root
            .add_child(node("aliases", &[("serial0", b"/soc/serial@1000\0")]));
        tree.root.add_child(bus);
        tree.root.add_child(node("memory@1000", &[("reg", &reg)]));
        tree.root.add_child(node("psci", &[("method", b"smc\0")]));
        let mut cpus = node("cpus", &[("#address-cells", &one), ("#size-cells", &cell(0))]);
        cpus.add_child(node("cpu@0", &[("device_type", b"cpu\0"), ("reg", &cell(0))]));
        tree.root.add_child(cpus);
        tree.to_dtb()
    }

    fn read(data: &[u8]) -> Option<Machine> {
        let fdt = open(data)?;
        let mut machine = Machine::from_device_tree(fdt, &Machine::default());
        machine.memory = Memory::around(fdt, 0x1000);
        Some(machine)
    }

    #[test]
    fn a_whole_tree_is_read_and_a_part_of_one_refused() {
        let whole = tree();
        let machine = read(&whole).unwrap();
        assert_eq!(machine.console.unwrap().address, 0x4000_1000);
        assert!(machine.conduit.is_some() && machine.memory.is_some() && machine.cpus[0].is_some());
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn room_behind_a_tree_is_no_reason_to_refuse_it() {
        let mut padded = tree();
        padded.resize(3 << 20, 0);
        let size = (padded.len() as u32).to_be_bytes();
        padded[4..8].copy_from_slice(&size);
        assert_eq!(read(&padded), read(&tree()));
    }

    #[test]
    fn a_damaged_tree_is_refused_or_read_but_never_a_reason_to_panic() {
        let whole = tree();
        for at in 0..whole.len() {
            for value in [0, 1, 2, 3, 9, 0x2f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                read(&damaged);
            }
        }
        // A magic number, and nothing behind it that makes sense.
        assert!(open(&[0xd0, 0x0d, 0xfe, 0xed]).is_none());
        assert_eq!(size(&[0xff; HEADER]), None);
    }
}
