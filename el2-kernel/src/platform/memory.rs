// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where memory is, by the device tree or the memory map of UEFI. A block maps more than the image, and must not map what
//! is no memory: a PE may read ahead there.

use core::ops::Range;

use dtoolkit::Node;
use dtoolkit::fdt::{Fdt, FdtNode};

/// A range of physical addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    start: u64,
    end: u64,
}

impl Memory {
    /// Returns the memory around an address that nobody has reserved; `None` if the tree knows of none there.
    pub fn around(fdt: Fdt<'_>, address: u64) -> Option<Self> {
        let root = fdt.root();
        let of_memory = |node: &FdtNode<'_>| node.name_without_address() == "memory";
        let mut found = root
            .children()
            .filter(of_memory)
            .flat_map(|node| ranges(&node))
            .find(|range| range.contains(&address))?;
        let reserved = fdt.find_node("/reserved-memory");
        let reserved = reserved
            .into_iter()
            .flat_map(|node| node.children())
            .flat_map(|node| ranges(&node));
        // A tree has two ways to reserve memory, and boot loaders use both.
        let listed = fdt.memory_reservations();
        let listed = listed.map(|r| r.address()..r.address().saturating_add(r.size()));
        for range in reserved.chain(listed) {
            if range.end <= address {
                found.start = found.start.max(range.end);
            } else if range.start > address {
                found.end = found.end.min(range.start);
            } else {
                // The image in memory that is somebody else's: then nothing is known.
                return None;
            }
        }
        Some(Self {
            start: found.start,
            end: found.end,
        })
    }

    /// Returns the memory around an address by a map of ranges in any order, which may adjoin; `None` if none holds it.
    pub fn of_map<I: Iterator<Item = Range<u64>>>(address: u64, map: impl Fn() -> I) -> Option<Self> {
        let Range { mut start, mut end } = map().find(|range| range.contains(&address))?;
        loop {
            let before = map().find(|range| range.end == start && !range.is_empty());
            let after = map().find(|range| range.start == end && !range.is_empty());
            start = before.as_ref().map_or(start, |range| range.start);
            end = after.as_ref().map_or(end, |range| range.end);
            if before.is_none() && after.is_none() {
                return Some(Self { start, end });
            }
        }
    }

    /// Returns whether all of a range is part of it.
    pub const fn covers(&self, start: u64, size: u64) -> bool {
        self.start <= start && size <= self.end.saturating_sub(start)
    }
}

/// Returns the `reg` ranges of a node. Those without an address or a size are left out.
fn ranges<'a>(node: &FdtNode<'a>) -> impl Iterator<Item = Range<u64>> + use<'a> {
    let all = node.reg().ok().flatten().into_iter().flatten();
    all.filter_map(|reg| {
        let start = reg.address::<u64>().ok()?;
        Some(start..start.checked_add(reg.size().ok()?)?)
    })
}

#[cfg(test)]
mod tests {
    use dtoolkit::memreserve::MemoryReservation;
    use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

    use super::*;

    fn node(name: &str, ranges: &[[u32; 2]]) -> DeviceTreeNode {
        let mut node = DeviceTreeNode::new(name).unwrap();
        add(&mut node, "#address-cells", &[1]);
        add(&mut node, "#size-cells", &[1]);
        if !ranges.is_empty() {
            add(&mut node, "reg", ranges.as_flattened());
        }
        node
    }

    fn add(node: &mut DeviceTreeNode, name: &str, cells: &[u32]) {
        let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
        node.add_property(DeviceTreeProperty::new(name, bytes.as_slice()).unwrap());
    }

    fn around(address: u64, reserved: &[[u32; 2]]) -> Option<Memory> {
        around_listed(address, reserved, &[])
    }

    fn around_listed(address: u64, reserved: &[[u32; 2]], listed: &[[u64; 2]]) -> Option<Memory> {
        let mut tree = DeviceTree::new();
        tree.memory_reservations = listed
            .iter()
            .map(|&[at, size]| MemoryReservation::new(at, size))
            .collect();
        add(&mut tree.root, "#address-cells", &[1]);
        add(&mut tree.root, "#size-cells", &[1]);
        tree.root
            .add_child(node("memory@0", &[[0, 0x1000_0000], [0x4000_0000, 0x4000_0000]]));
        let mut all = node("reserved-memory", &[]);
        for (index, range) in reserved.iter().enumerate() {
            all.add_child(node(&format!("r@{index}"), &[*range]));
        }
        tree.root.add_child(all);
        Memory::around(Fdt::new(&tree.to_dtb()).unwrap(), address)
    }

    #[test]
    fn the_range_around_the_image_is_found() {
        let memory = around(0x4020_0000, &[]).unwrap();
        assert!(memory.covers(0x4000_0000, 1 << 30) && !memory.covers(0x4000_0000, 1 << 31));
        assert!(!memory.covers(0x3fff_f000, 0x1000));
        assert!(around(0x8_0000, &[]).unwrap().covers(0, 2 << 20));
        assert_eq!(around(0x2000_0000, &[]), None);
    }

    #[test]
    fn what_is_listed_at_the_front_of_the_tree_is_no_part_of_it_either() {
        let listed = [[0x4000_0000, 0x1000], [0x6000_0000, 0x10_0000]];
        let memory = around_listed(0x4020_0000, &[], &listed).unwrap();
        assert!(!memory.covers(0x4000_0000, 2 << 20) && memory.covers(0x4000_1000, 0x1fff_f000));
        assert!(!memory.covers(0x4020_0000, 0x3000_0000));
        assert_eq!(around_listed(0x6000_8000, &[], &listed), None);
        assert_eq!(around(0x4020_0000, &[[0x4000_0000, 0x40_0000]]), None);
    }

    #[test]
    fn ranges_of_a_map_that_adjoin_are_one() {
        let map = [
            0x9000..0x9000,
            0x3000..0x5000,
            0x8000..0x9000,
            0x1000..0x3000,
            0x5000..0x6000,
        ];
        let memory = |address| Memory::of_map(address, || map.iter().cloned());
        let (start, end) = (0x1000, 0x6000);
        assert_eq!(memory(0x3800), Some(Memory { start, end }));
        assert_eq!(memory(0x7000), None);
    }

    #[test]
    fn what_is_reserved_is_no_part_of_it() {
        let memory = around(0x4020_0000, &[[0x4000_0000, 0x1_0000], [0x7000_0000, 0x1000]]).unwrap();
        assert!(!memory.covers(0x4000_0000, 2 << 20) && memory.covers(0x4001_0000, 0x2fff_0000));
        assert!(!memory.covers(0x4020_0000, 0x3000_0000));
    }
}
