// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device tree that the guest finds in `x0`: memory, PEs, PSCI, the timer, and the console.

use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use crate::image::{MEMORY, MEMORY_SIZE};
use crate::uart;

/// Returns the flattened device tree of a machine.
pub fn device_tree(pes: usize) -> Vec<u8> {
    let mut tree = DeviceTree::new();
    add(&mut tree.root, "compatible", b"linux,dummy-virt\0");
    cells(&mut tree.root, "#address-cells", &[2]);
    cells(&mut tree.root, "#size-cells", &[2]);

    let mut chosen = node("chosen");
    add(&mut chosen, "stdout-path", b"/pl011@9000000\0");
    tree.root.add_child(chosen);

    let mut memory = node("memory@40000000");
    add(&mut memory, "device_type", b"memory\0");
    cells(&mut memory, "reg", &[0, MEMORY as u32, 0, MEMORY_SIZE as u32]);
    tree.root.add_child(memory);

    let mut cpus = node("cpus");
    cells(&mut cpus, "#address-cells", &[1]);
    cells(&mut cpus, "#size-cells", &[0]);
    for pe in 0..pes {
        let mut cpu = node(&format!("cpu@{pe:x}"));
        add(&mut cpu, "device_type", b"cpu\0");
        add(&mut cpu, "compatible", b"arm,armv8\0");
        cells(&mut cpu, "reg", &[pe as u32]);
        add(&mut cpu, "enable-method", b"psci\0");
        cpus.add_child(cpu);
    }
    tree.root.add_child(cpus);

    let mut psci = node("psci");
    add(&mut psci, "compatible", b"arm,psci-1.0\0arm,psci-0.2\0");
    add(&mut psci, "method", b"smc\0");
    tree.root.add_child(psci);

    let mut timer = node("timer");
    add(&mut timer, "compatible", b"arm,armv8-timer\0");
    add(&mut timer, "always-on", b"");
    tree.root.add_child(timer);

    let mut console = node("pl011@9000000");
    add(&mut console, "compatible", b"arm,pl011\0arm,primecell\0");
    cells(&mut console, "reg", &[0, uart::BASE as u32, 0, 0x1000]);
    tree.root.add_child(console);
    tree.to_dtb()
}

fn node(name: &str) -> DeviceTreeNode {
    DeviceTreeNode::new(name).unwrap()
}

fn add(node: &mut DeviceTreeNode, name: &str, value: &[u8]) {
    node.add_property(DeviceTreeProperty::new(name, value).unwrap());
}

fn cells(node: &mut DeviceTreeNode, name: &str, cells: &[u32]) {
    let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
    add(node, name, &bytes);
}

#[cfg(test)]
mod tests {
    use dtoolkit::fdt::Fdt;
    use dtoolkit::{Node, Property};

    use super::*;

    #[test]
    fn a_guest_finds_every_pe_and_the_console() {
        let tree = device_tree(3);
        let fdt = Fdt::new(&tree).unwrap();
        let cpus = fdt.find_node("/cpus").unwrap();
        assert_eq!(cpus.children().count(), 3);
        let console = fdt.find_node("/pl011@9000000").unwrap();
        let reg = console.reg().unwrap().unwrap().next().unwrap();
        assert_eq!(reg.address::<u64>().unwrap(), 0x900_0000);
        let method = fdt.find_node("/psci").unwrap();
        assert_eq!(method.property("method").unwrap().value_as::<&str>().unwrap(), "smc");
    }
}
