// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the device tree says about the machine: where the console is, and how to call the firmware.

use core::fmt;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use results::plan::{Conduit, Console, MAX_PES, Uart, Width};

use crate::platform::gic::Gic;
use crate::platform::memory::Memory;

/// What the kernel needs to know about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// The console, if there is one that the kernel drives.
    pub console: Option<Console>,
    /// The PSCI conduit, if there is PSCI.
    pub conduit: Option<Conduit>,
    /// The PEs, in the order of the tree.
    pub cpus: [Option<Cpu>; MAX_PES as usize],
    /// The memory around the image.
    pub memory: Option<Memory>,
    /// The interrupt controller, if there is one that the kernel knows.
    pub gic: Option<Gic>,
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

/// Why a UART that a tree names is no console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// `/chosen` has no `stdout-path`.
    NotNamed,
    /// `stdout-path` names an alias that there is not.
    NoSuchAlias,
    /// The path leads nowhere.
    NoSuchNode,
    /// The path is deeper than the kernel follows.
    TooDeep,
    /// The node, or a bus above it, has a `status` that is not "okay".
    Disabled,
    /// None of its `compatible` strings is of a UART that the kernel drives.
    Unknown,
    /// Its registers are not as the kernel reaches them: `big-endian`, or a `reg-shift` or `reg-io-width` out of range.
    Form,
    /// It has no `reg`.
    NoAddress,
    /// A bus above it does not map it into the processor's addresses.
    NotMapped,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotNamed => "no stdout-path",
            Self::NoSuchAlias => "stdout-path is an alias that there is not",
            Self::NoSuchNode => "stdout-path leads nowhere",
            Self::TooDeep => "stdout-path is too deep",
            Self::Disabled => "the UART is disabled",
            Self::Unknown => "not a UART that the kernel drives",
            Self::Form => "a register layout that the kernel does not drive",
            Self::NoAddress => "the UART has no address",
            Self::NotMapped => "no bus maps the UART to the processor",
        })
    }
}

/// Deepest device tree path followed, the root included.
const MAX_DEPTH: usize = 10;
/// `aliases` of UARTs looked at, from `serial0` on.
const SERIALS: [&str; 10] = [
    "serial0", "serial1", "serial2", "serial3", "serial4", "serial5", "serial6", "serial7", "serial8", "serial9",
];

impl Machine {
    /// Reads a device tree.
    ///
    /// A planned console goes before that of the tree: whoever plans one knows what is wired. A UART that nothing names
    /// comes next: without firmware's word for it, it may have no clock. A board whose tree has no UART at all is known
    /// by its name, or silent.
    pub fn from_device_tree(fdt: Fdt<'_>, planned: &Self) -> Self {
        Self {
            console: planned
                .console
                .or_else(|| stdout(fdt).ok())
                .or_else(|| any_console(fdt))
                .or_else(|| known_console(fdt)),
            conduit: conduit(fdt).or(planned.conduit),
            cpus: cpus(fdt),
            memory: None,
            gic: first(Place::root(fdt), &|place| place.gic().ok_or(())),
        }
    }
}

/// The nodes from the root down to one.
#[derive(Clone, Copy)]
struct Place<'a> {
    nodes: [FdtNode<'a>; MAX_DEPTH],
    depth: usize,
}

impl<'a> Place<'a> {
    fn root(fdt: Fdt<'a>) -> Self {
        Self {
            nodes: [fdt.root(); MAX_DEPTH],
            depth: 0,
        }
    }

    fn find(fdt: Fdt<'a>, path: &str) -> Result<Self, Unusable> {
        let mut place = Self::root(fdt);
        for component in path.split('/').filter(|component| !component.is_empty()) {
            let child = place.node().child(component).ok_or(Unusable::NoSuchNode)?;
            place = place.below(child).ok_or(Unusable::TooDeep)?;
        }
        Ok(place)
    }

    fn below(mut self, child: FdtNode<'a>) -> Option<Self> {
        self.depth += 1;
        *self.nodes.get_mut(self.depth)? = child;
        Some(self)
    }

    fn node(&self) -> &FdtNode<'a> {
        &self.nodes[self.depth]
    }

    fn is_enabled(&self) -> bool {
        self.nodes[..=self.depth].iter().all(is_enabled)
    }

    /// Returns the address at which the processor reaches what the node's bus has at `address`.
    fn translate(&self, mut address: u64) -> Option<u64> {
        // Each bus between the device and the root may map its children's addresses to others. No `ranges` at all means
        // that the processor cannot reach the bus.
        let buses = self.nodes.get(1..self.depth).unwrap_or_default();
        for bus in buses.iter().rev() {
            let mut ranges = bus.ranges().ok()??.peekable();
            if ranges.peek().is_some() {
                address = ranges.find_map(|range| {
                    let offset = address.checked_sub(range.child_bus_address().ok()?)?;
                    let parent = range.parent_bus_address::<u64>().ok()?;
                    (offset < range.length().ok()?).then_some(parent.checked_add(offset)?)
                })?;
            }
        }
        Some(address)
    }

    /// Returns the console that the node is.
    fn console(&self) -> Result<Console, Unusable> {
        let node = self.node();
        if !self.is_enabled() {
            return Err(Unusable::Disabled);
        }
        let uart = uart(node)?;
        let address = node_address(node).ok_or(Unusable::NoAddress)?;
        let offset = u64::from(cell(node, "reg-offset").unwrap_or(0));
        let address = self.translate(address).ok_or(Unusable::NotMapped)?;
        let address = address.checked_add(offset).ok_or(Unusable::Form)?;
        Ok(Console { uart, address })
    }

    /// Returns the interrupt controller that the node is.
    fn gic(&self) -> Option<Gic> {
        let node = self.node();
        let mut reg = node.reg().ok()??;
        let mut next = || {
            let range = reg.next()?;
            Some((self.translate(range.address().ok()?)?, range.size().ok()?))
        };
        let places = [next()?, next()?];
        let mut strings = node.compatible().into_iter().flatten();
        strings.find_map(|compatible| Gic::named(compatible, places))
    }
}

/// Returns the console named by `/chosen/stdout-path`: a path or an alias, with options behind a colon.
pub fn stdout(fdt: Fdt<'_>) -> Result<Console, Unusable> {
    let chosen = fdt.find_node("/chosen").ok_or(Unusable::NotNamed)?;
    let path = text(&chosen, "stdout-path")
        .or_else(|| text(&chosen, "linux,stdout-path"))
        .and_then(|path| path.split(':').next())
        .ok_or(Unusable::NotNamed)?;
    if path.starts_with('/') {
        Place::find(fdt, path)?.console()
    } else {
        alias(fdt, path)?.console()
    }
}

fn alias<'a>(fdt: Fdt<'a>, name: &str) -> Result<Place<'a>, Unusable> {
    let aliases = fdt.find_node("/aliases").ok_or(Unusable::NoSuchAlias)?;
    Place::find(fdt, text(&aliases, name).ok_or(Unusable::NoSuchAlias)?)
}

/// Returns a console of a tree that names none: the first `serial` alias that is one, else the first in the tree.
pub fn any_console(fdt: Fdt<'_>) -> Option<Console> {
    SERIALS
        .iter()
        .find_map(|name| alias(fdt, name).ok()?.console().ok())
        .or_else(|| first(Place::root(fdt), &|place| place.console()))
}

/// Boards whose trees leave their UART to firmware: the `compatible` of the root, and where it is.
const KNOWN: [(&str, Console); 1] = [(
    // QEMU's server board (its documentation, "Arm Server Base System Architecture Reference board").
    "linux,sbsa-ref",
    Console {
        uart: Uart::Pl011,
        address: 0x6000_0000,
    },
)];

/// Returns the console of a board that is known by its name.
fn known_console(fdt: Fdt<'_>) -> Option<Console> {
    let root = fdt.root();
    let mut strings = root.compatible().into_iter().flatten();
    strings.find_map(|name| {
        KNOWN
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, console)| *console)
    })
}

/// Returns what the first enabled node is that is one.
fn first<T, E>(place: Place<'_>, is: &impl Fn(&Place<'_>) -> Result<T, E>) -> Option<T> {
    if !is_enabled(place.node()) {
        return None;
    }
    let below = |child| first(place.below(child)?, is);
    is(&place).ok().or_else(|| place.node().children().find_map(below))
}

/// Returns the kind of UART that a node describes.
fn uart(node: &FdtNode<'_>) -> Result<Uart, Unusable> {
    // The strings go from the special to the general; the first one known says the most.
    let strings = node.compatible().into_iter().flatten();
    let uart = strings.filter_map(named_uart).next();
    let uart = match uart.ok_or(Unusable::Unknown)? {
        Uart::Ns16550 { shift, width } => {
            let shift = cell(node, "reg-shift").unwrap_or(u32::from(shift));
            let bytes = cell(node, "reg-io-width").unwrap_or(u32::from(width.bytes()));
            let width = Width::ALL.into_iter().find(|width| u32::from(width.bytes()) == bytes);
            let width = width.ok_or(Unusable::Form)?;
            if shift > 3 {
                return Err(Unusable::Form);
            }
            let shift = shift as u8;
            Uart::Ns16550 { shift, width }
        }
        uart => uart,
    };
    if node.property("big-endian").is_some() && uart != Uart::Lpuart32Be {
        return Err(Unusable::Form);
    }
    Ok(uart)
}

/// Returns the kind of UART of a `compatible` string, with the register layout it has unless properties say otherwise.
fn named_uart(compatible: &str) -> Option<Uart> {
    let ns16550 = |shift, width| Uart::Ns16550 { shift, width };
    Some(match compatible {
        "arm,pl011" | "arm,sbsa-uart" => Uart::Pl011,
        "ns16550a" | "ns16550" | "ns16750" | "ns16850" | "fsl,ns16550" | "snps,dw-apb-uart" => ns16550(0, Width::Byte),
        // The mini-UART of the Raspberry Pi, and those of makers whose trees leave the layout to the name.
        "brcm,bcm2835-aux-uart"
        | "mediatek,mt6577-uart"
        | "nuvoton,wpcm450-uart"
        | "nuvoton,npcm750-uart"
        | "nvidia,tegra20-uart"
        | "ti,am654-uart"
        | "ti,omap2-uart"
        | "ti,omap3-uart"
        | "ti,omap4-uart" => ns16550(2, Width::Word),
        "xlnx,xuartps" | "cdns,uart-r1p8" | "cdns,uart-r1p12" | "xlnx,zynqmp-uart" => Uart::Cadence,
        "fsl,vf610-lpuart" => Uart::Lpuart8,
        "fsl,ls1021a-lpuart" => Uart::Lpuart32Be,
        "fsl,ls1028a-lpuart" => Uart::Lpuart32,
        "fsl,imx7ulp-lpuart" | "fsl,imx8qxp-lpuart" => Uart::LpuartImx,
        "fsl,imx6q-uart" | "fsl,imx53-uart" | "fsl,imx21-uart" => Uart::Imx,
        "amlogic,meson-ao-uart" | "amlogic,meson-gx-uart" | "amlogic,meson-uart" => Uart::Meson,
        "qcom,geni-debug-uart" | "qcom,geni-uart" => Uart::Geni,
        "qcom,msm-uartdm-v1.4" => Uart::MsmDm,
        "samsung,exynos4210-uart"
        | "samsung,exynos5433-uart"
        | "samsung,exynos850-uart"
        | "google,gs101-uart"
        | "apple,s5l-uart" => Uart::Samsung,
        "renesas,scif" | "renesas,hscif" => Uart::Scif,
        "renesas,scif-r9a07g044" | "renesas,scif-r9a09g057" => Uart::ScifRz,
        "marvell,armada-3700-uart" => Uart::Armada3700,
        "st,stm32h7-uart" => Uart::Stm32,
        _ => return None,
    })
}

fn is_enabled(node: &FdtNode<'_>) -> bool {
    matches!(text(node, "status"), None | Some("okay" | "ok"))
}

fn node_address(node: &FdtNode<'_>) -> Option<u64> {
    node.reg().ok()??.next()?.address().ok()
}

fn cell(node: &FdtNode<'_>, property: &str) -> Option<u32> {
    node.property(property)?.value_as::<u32>().ok()
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
        // Not every tree has the device type.
        let is_cpu = match text(&node, "device_type") {
            Some(device) => device == "cpu",
            None => node.name_without_address() == "cpu",
        };
        // "disabled" is a PE that waits to be started; "fail" is one that cannot be.
        let has_failed = text(&node, "status").is_some_and(|status| status.starts_with("fail"));
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
        (is_cpu && !has_failed).then_some(Cpu { mpidr, enable })
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
    use crate::platform::blob;

    const PL011: Console = Console {
        uart: Uart::Pl011,
        address: 0x900_0000,
    };
    const WORDS: Uart = Uart::Ns16550 {
        shift: 2,
        width: Width::Word,
    };

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

    fn tree(nodes: Vec<DeviceTreeNode>) -> Vec<u8> {
        let mut tree = DeviceTree::new();
        for (name, value) in [("#address-cells", cells(&[2])), ("#size-cells", cells(&[2]))] {
            tree.root
                .add_property(DeviceTreeProperty::new(name, value.as_slice()).unwrap());
        }
        nodes.into_iter().for_each(|node| {
            tree.root.add_child(node);
        });
        tree.to_dtb()
    }

    fn machine(nodes: Vec<DeviceTreeNode>) -> Machine {
        let dtb = tree(nodes);
        Machine::from_device_tree(blob::open(&dtb).unwrap(), &Machine::default())
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
                console: Some(PL011),
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
        assert_eq!(
            machine.console,
            Some(Console {
                uart: WORDS,
                address: 0xfe21_5040
            })
        );
        assert_eq!(machine.conduit, None);
    }

    #[test]
    fn without_stdout_path_the_first_console_is_taken() {
        assert_eq!(machine(vec![pl011("uart@9000000")]).console, Some(PL011));
        assert_eq!(machine(vec![]), Machine::default());
    }

    /// A 16550 at 0x1000 with further properties.
    fn serial(name: &str, compatible: &str, more: &[(&str, Vec<u8>)]) -> DeviceTreeNode {
        let mut properties = vec![
            ("compatible", string(compatible)),
            ("reg", cells(&[0, 0x1000, 0, 0x100])),
        ];
        properties.extend(more.iter().cloned());
        node(name, &properties, vec![])
    }

    /// What `stdout-path` leads to in a tree with one UART.
    fn named(uart: DeviceTreeNode) -> Result<Console, Unusable> {
        let path = string(&format!("/{}", uart.name()));
        let chosen = node("chosen", &[("stdout-path", path)], vec![]);
        stdout(blob::open(&tree(vec![chosen, uart])).unwrap())
    }

    #[test]
    fn a_16550_has_the_layout_that_its_properties_say() {
        let at = |shift, width, address| {
            let uart = Uart::Ns16550 { shift, width };
            Ok(Console { uart, address })
        };
        let layout = |shift, width| [("reg-shift", cells(&[shift])), ("reg-io-width", cells(&[width]))];
        let dw = |more: &[(&str, Vec<u8>)]| named(serial("s@1000", "snps,dw-apb-uart", more));
        assert_eq!(dw(&layout(2, 4)), at(2, Width::Word, 0x1000));
        assert_eq!(dw(&layout(2, 1)), at(2, Width::Byte, 0x1000));
        assert_eq!(dw(&layout(1, 2)), at(1, Width::Half, 0x1000));
        // Byte registers side by side is what the bindings say of a tree that says nothing.
        assert_eq!(dw(&[]), at(0, Width::Byte, 0x1000));
        assert_eq!(dw(&[("reg-offset", cells(&[0x40]))]), at(0, Width::Byte, 0x1040));
        assert_eq!(dw(&layout(4, 1)), Err(Unusable::Form));
        assert_eq!(dw(&layout(2, 3)), Err(Unusable::Form));
        assert_eq!(dw(&[("big-endian", vec![])]), Err(Unusable::Form));
        // The more special name comes first, and knows its layout.
        let tegra = serial("s@1000", "nvidia,tegra20-uart", &[]);
        assert_eq!(named(tegra), at(2, Width::Word, 0x1000));
    }

    #[test]
    fn a_console_that_cannot_be_used_says_why() {
        let other = |name: &str, value| serial("s@1000", "ns16550a", &[(name, value)]);
        assert_eq!(named(other("status", string("disabled"))), Err(Unusable::Disabled));
        assert!(named(other("status", string("okay"))).is_ok());
        assert_eq!(named(serial("s@1000", "acme,uart", &[])), Err(Unusable::Unknown));
        let without_reg = node("s", &[("compatible", string("ns16550a"))], vec![]);
        assert_eq!(named(without_reg), Err(Unusable::NoAddress));
        let look = |path: &str| {
            let chosen = node("chosen", &[("stdout-path", string(path))], vec![]);
            stdout(blob::open(&tree(vec![chosen, pl011("pl011@9000000")])).unwrap())
        };
        assert_eq!(look("/pl011@9000000"), Ok(PL011));
        assert_eq!(look("/pl012@9000000"), Err(Unusable::NoSuchNode));
        assert_eq!(look("serial0"), Err(Unusable::NoSuchAlias));
        assert_eq!(stdout(blob::open(&tree(vec![])).unwrap()), Err(Unusable::NotNamed));
        // A bus without `ranges` leads nowhere.
        let two_cells = [("#address-cells", cells(&[2])), ("#size-cells", cells(&[2]))];
        let bus = node("bus", &two_cells, vec![pl011("pl011@9000000")]);
        let chosen = node("chosen", &[("stdout-path", string("/bus/pl011@9000000"))], vec![]);
        assert_eq!(
            stdout(blob::open(&tree(vec![chosen, bus])).unwrap()),
            Err(Unusable::NotMapped)
        );
    }

    #[test]
    fn a_tree_that_names_none_gives_an_enabled_uart_wherever_it_is() {
        let cells_of_bus = [
            ("#address-cells", cells(&[2])),
            ("#size-cells", cells(&[2])),
            ("ranges", vec![]),
        ];
        let off = serial("s@1000", "ns16550a", &[("status", string("disabled"))]);
        let bus = |name: &str, child| node(name, &cells_of_bus, vec![child]);
        let nodes = vec![off, bus("soc", bus("apb", pl011("pl011@9000000")))];
        assert_eq!(machine(nodes.clone()).console, Some(PL011));
        // Aliases go first.
        let aliases = node("aliases", &[("serial1", string("/s@2000"))], vec![]);
        let aliased = serial("s@2000", "ns16550a", &[]);
        let with_alias = [nodes.clone(), vec![aliases, aliased]].concat();
        assert_eq!(machine(with_alias).console.unwrap().address, 0x1000);
        // A planned one goes before all.
        let planned = Machine {
            console: Some(Console {
                uart: Uart::Imx,
                address: 0x3086_0000,
            }),
            conduit: Some(Conduit::Hvc),
            ..Machine::default()
        };
        let dtb = tree(nodes);
        let machine = Machine::from_device_tree(blob::open(&dtb).unwrap(), &planned);
        assert_eq!((machine.console, machine.conduit), (planned.console, planned.conduit));
    }

    /// The tree of QEMU's `sbsa-ref` is its PEs and its memory, and its firmware knows the rest.
    #[test]
    fn a_board_without_a_uart_in_its_tree_is_known_by_its_name() {
        let of = |compatible: &str| {
            let mut tree = DeviceTree::new();
            let value = string(compatible);
            tree.root
                .add_property(DeviceTreeProperty::new("compatible", value.as_slice()).unwrap());
            let dtb = tree.to_dtb();
            Machine::from_device_tree(blob::open(&dtb).unwrap(), &Machine::default()).console
        };
        let address = 0x6000_0000;
        assert_eq!(of("linux,sbsa-ref"), Some(Console { address, ..PL011 }));
        assert_eq!(of("linux,sbsa"), None);
    }

    #[test]
    fn long_names_are_no_reason_to_refuse_a_tree() {
        let mut uart = serial("s@1000", "ns16550a", &[]);
        let name = "snps,quirk-frame-length-adjustment";
        uart.add_property(DeviceTreeProperty::new_unchecked(name, 1_u32));
        let long = DeviceTreeNode::new_unchecked("a-node-whose-name-is-longer-than-thirty-one@0");
        let dtb = tree(vec![long, uart]);
        assert!(Fdt::new(&dtb).is_err());
        let fdt = blob::open(&dtb).unwrap();
        assert!(Machine::from_device_tree(fdt, &Machine::default()).console.is_some());
    }

    /// Reads the trees in the folder that `DEVICE_TREES` names (`scripts/device-trees.sh` fetches those of Debian), and
    /// says of each whether its console is driven, and if not, why.
    #[test]
    #[ignore = "needs the device trees that scripts/device-trees.sh fetches"]
    fn real_trees() {
        let mut files = Vec::new();
        let mut folders = vec![std::path::PathBuf::from(std::env::var("DEVICE_TREES").unwrap())];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "dtb") {
                    files.push(path);
                }
            }
        }
        files.sort();
        assert!(!files.is_empty(), "no device trees");
        let (mut named, mut driven, mut guessed, mut without_pes) = (0, 0, 0, 0);
        let mut kinds = std::collections::BTreeMap::<String, u32>::new();
        for file in &files {
            let data = std::fs::read(file).unwrap();
            let shown = file.file_name().unwrap().to_string_lossy();
            let fdt = blob::open(&data).unwrap_or_else(|| panic!("{shown} is refused"));
            let machine = Machine::from_device_tree(fdt, &Machine::default());
            Memory::around(fdt, 0x8020_0000);
            without_pes += u32::from(machine.cpus[0].is_none());
            match stdout(fdt) {
                Ok(console) => {
                    named += 1;
                    driven += 1;
                    *kinds.entry(console.uart.to_string()).or_default() += 1;
                    let end = (console.address & 0xfff) + crate::platform::uart::span(console.uart);
                    assert!(end <= 4096, "{shown}: {console} does not fit the page mapped for it");
                }
                Err(reason) => {
                    let silent = matches!(
                        reason,
                        Unusable::NotNamed | Unusable::NoSuchAlias | Unusable::NoSuchNode
                    );
                    named += u32::from(!silent);
                    guessed += u32::from(machine.console.is_some());
                    let instead = machine.console.map_or("none".to_owned(), |console| console.to_string());
                    println!("{shown}: {reason}; instead: {instead}");
                }
            }
        }
        println!("{} trees, none refused; {without_pes} without a PE", files.len());
        println!("{named} name a console, {driven} of them driven: {kinds:?}");
        println!("{guessed} of the others have another UART that is tried");
        assert!(100 * driven >= 95 * named);
    }
}
