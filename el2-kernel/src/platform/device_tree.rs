// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the device tree says about the machine: where the console is, and how to call the firmware.

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use results::plan::{Conduit, Console, MAX_PES};

use crate::platform::memory::Memory;

/// What the kernel needs to know about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// The console, if it is one the kernel drives.
    pub console: Option<Console>,
    /// The PSCI conduit, if there is PSCI.
    pub conduit: Option<Conduit>,
    /// The PEs, in the order of the tree.
    pub cpus: [Option<Cpu>; MAX_PES as usize],
    /// The memory around the image.
    pub memory: Option<Memory>,
}

/// How a PE is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enable {
    /// PSCI CPU_ON.
    Psci,
    /// Its entry address is written to this address.
    SpinTable(u64),
}

/// A PE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    /// Affinity fields of `MPIDR_EL1`.
    pub mpidr: u64,
    /// How it is started.
    pub enable: Enable,
}

/// Deepest device tree path followed.
const MAX_DEPTH: usize = 8;

impl Machine {
    /// Reads a device tree.
    pub fn from_device_tree(fdt: Fdt<'_>) -> Self {
        Self {
            console: stdout(fdt).or_else(|| any_console(fdt)),
            conduit: conduit(fdt),
            cpus: cpus(fdt),
            memory: None,
        }
    }
}

/// Returns the console named by `/chosen/stdout-path`: a path or an alias, with options behind a colon.
fn stdout(fdt: Fdt<'_>) -> Option<Console> {
    let chosen = fdt.find_node("/chosen")?;
    let path = text(&chosen, "stdout-path")?.split(':').next()?;
    if path.starts_with('/') {
        console_at(fdt, path)
    } else {
        console_at(fdt, text(&fdt.find_node("/aliases")?, path)?)
    }
}

/// Returns the first console below the root, for trees that name none.
fn any_console(fdt: Fdt<'_>) -> Option<Console> {
    fdt.root()
        .children()
        .find_map(|node| console(&node, node_address(&node)?))
}

fn console_at(fdt: Fdt<'_>, path: &str) -> Option<Console> {
    let mut nodes = [fdt.root(); MAX_DEPTH];
    let mut depth = 0;
    for component in path.split('/').filter(|component| !component.is_empty()) {
        let child = nodes[depth].child(component)?;
        depth += 1;
        *nodes.get_mut(depth)? = child;
    }
    let mut address = node_address(&nodes[depth])?;
    // Each bus between the device and the root may map its children's addresses to others. No `ranges` at all means
    // that the processor cannot reach the bus.
    for bus in nodes[1..depth].iter().rev() {
        let mut ranges = bus.ranges().ok()??.peekable();
        if ranges.peek().is_some() {
            address = ranges.find_map(|range| {
                let offset = address.checked_sub(range.child_bus_address().ok()?)?;
                (offset < range.length().ok()?).then_some(offset + range.parent_bus_address::<u64>().ok()?)
            })?;
        }
    }
    console(&nodes[depth], address)
}

fn console(node: &FdtNode<'_>, address: u64) -> Option<Console> {
    node.compatible()?.find_map(|compatible| match compatible {
        "arm,pl011" | "arm,sbsa-uart" => Some(Console::Pl011(address)),
        "ns16550a" | "ns16550" | "snps,dw-apb-uart" | "brcm,bcm2835-aux-uart" => Some(Console::Uart16550(address)),
        _ => None,
    })
}

fn node_address(node: &FdtNode<'_>) -> Option<u64> {
    node.reg().ok()??.next()?.address().ok()
}

fn conduit(fdt: Fdt<'_>) -> Option<Conduit> {
    match text(&fdt.find_node("/psci")?, "method")? {
        "smc" => Some(Conduit::Smc),
        "hvc" => Some(Conduit::Hvc),
        _ => None,
    }
}

/// Returns the first PEs that can be started; more than [`MAX_PES`] are not needed.
fn cpus(fdt: Fdt<'_>) -> [Option<Cpu>; MAX_PES as usize] {
    let mut all = [None; MAX_PES as usize];
    let Some(node) = fdt.find_node("/cpus") else { return all };
    let cpus = node.children().filter_map(|node| {
        let is_cpu = text(&node, "device_type") == Some("cpu");
        let enable = match text(&node, "enable-method") {
            Some("psci") => Enable::Psci,
            Some("spin-table") => {
                let address = node.property("cpu-release-addr")?.value_as::<u64>().ok()?;
                Enable::SpinTable(address)
            }
            // A single PE needs no method.
            _ => Enable::Psci,
        };
        let mpidr = node_address(&node)?;
        is_cpu.then_some(Cpu { mpidr, enable })
    });
    all.iter_mut().zip(cpus).for_each(|(entry, cpu)| *entry = Some(cpu));
    all
}

fn text<'a>(node: &FdtNode<'a>, property: &str) -> Option<&'a str> {
    node.property(property)?.value_as::<&'a str>().ok()
}

#[cfg(test)]
mod tests {
    use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

    use super::*;

    fn node(name: &str, properties: &[(&str, Vec<u8>)], children: Vec<DeviceTreeNode>) -> DeviceTreeNode {
        let mut node = DeviceTreeNode::new(name).unwrap();
        for (name, value) in properties {
            node.add_property(DeviceTreeProperty::new(*name, value.as_slice()).unwrap());
        }
        children.into_iter().for_each(|child| {
            node.add_child(child);
        });
        node
    }

    fn string(text: &str) -> Vec<u8> {
        [text.as_bytes(), &[0]].concat()
    }

    fn cells(cells: &[u32]) -> Vec<u8> {
        cells.iter().flat_map(|cell| cell.to_be_bytes()).collect()
    }

    fn machine(nodes: Vec<DeviceTreeNode>) -> Machine {
        let mut tree = DeviceTree::new();
        for (name, value) in [("#address-cells", cells(&[2])), ("#size-cells", cells(&[2]))] {
            tree.root
                .add_property(DeviceTreeProperty::new(name, value.as_slice()).unwrap());
        }
        nodes.into_iter().for_each(|node| {
            tree.root.add_child(node);
        });
        let dtb = tree.to_dtb();
        Machine::from_device_tree(Fdt::new(&dtb).unwrap())
    }

    fn pl011(name: &str) -> DeviceTreeNode {
        let properties = [
            ("compatible", string("arm,pl011")),
            ("reg", cells(&[0, 0x900_0000, 0, 0x1000])),
        ];
        node(name, &properties, vec![])
    }

    #[test]
    fn a_path_in_stdout_path_is_followed_and_options_are_ignored() {
        let chosen = node("chosen", &[("stdout-path", string("/pl011@9000000:115200n8"))], vec![]);
        let psci = node("psci", &[("method", string("smc"))], vec![]);
        let machine = machine(vec![chosen, pl011("pl011@9000000"), psci]);
        assert_eq!(
            machine,
            Machine {
                console: Some(Console::Pl011(0x900_0000)),
                conduit: Some(Conduit::Smc),
                ..Machine::default()
            }
        );
    }

    #[test]
    fn processors_are_found_with_how_they_are_started() {
        let cpu = |name: &str, reg: u32, more: (&str, Vec<u8>)| {
            let properties = [("device_type", string("cpu")), ("reg", cells(&[0, reg])), more];
            node(name, &properties, vec![])
        };
        let release = ("cpu-release-addr", cells(&[0, 0xe0]));
        let mut spinning = cpu("cpu@1", 1, ("enable-method", string("spin-table")));
        spinning.add_property(DeviceTreeProperty::new(release.0, release.1.as_slice()).unwrap());
        let properties = [("#address-cells", cells(&[2])), ("#size-cells", cells(&[0]))];
        let map = node("cpu-map", &[], vec![]);
        let first = cpu("cpu@100", 0x100, ("enable-method", string("psci")));
        let cpus = node("cpus", &properties, vec![map, first, spinning]);
        let machine = machine(vec![cpus]);
        let expected = [
            Cpu {
                mpidr: 0x100,
                enable: Enable::Psci,
            },
            Cpu {
                mpidr: 1,
                enable: Enable::SpinTable(0xe0),
            },
        ];
        assert!(machine.cpus.iter().flatten().eq(&expected));
    }

    #[test]
    fn an_alias_is_resolved_and_bus_ranges_are_applied() {
        // As on a Raspberry Pi: the bus says 0x7e215040, the processor reaches it at 0xfe215040.
        let uart_properties = [
            ("compatible", string("brcm,bcm2835-aux-uart")),
            ("reg", cells(&[0x7e21_5040, 0x40])),
        ];
        let uart = node("serial@7e215040", &uart_properties, vec![]);
        let soc_properties = [
            ("#address-cells", cells(&[1])),
            ("#size-cells", cells(&[1])),
            ("ranges", cells(&[0x7e00_0000, 0, 0xfe00_0000, 0x180_0000])),
        ];
        let soc = node("soc", &soc_properties, vec![uart]);
        let aliases = node("aliases", &[("serial0", string("/soc/serial@7e215040"))], vec![]);
        let chosen = node("chosen", &[("stdout-path", string("serial0:115200n8"))], vec![]);
        let machine = machine(vec![chosen, aliases, soc]);
        assert_eq!(machine.console, Some(Console::Uart16550(0xfe21_5040)));
        assert_eq!(machine.conduit, None);
    }

    #[test]
    fn without_stdout_path_the_first_console_is_taken() {
        assert_eq!(
            machine(vec![pl011("uart@9000000")]).console,
            Some(Console::Pl011(0x900_0000))
        );
        assert_eq!(machine(vec![]), Machine::default());
    }
}
