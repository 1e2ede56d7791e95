// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ACPI says about a machine that has no device tree: its console (SPCR), its PEs (MADT), its firmware (FADT).
//!
//! Fixed tables only: no AML is read. Layouts are those of the ACPI specification 6.5, sections 5.2.5 (RSDP), 5.2.8
//! (XSDT), 5.2.9 (FADT) and 5.2.12 (MADT), and of Microsoft's Serial Port Console Redirection table, revision 4. A table
//! whose checksum is wrong is not believed.

use results::plan::{Conduit, Console, MAX_PES, Uart, Width};

use crate::platform::device_tree::{Cpu, Enable, Machine};

/// Memory that tables are read from, by physical address.
pub trait Tables {
    /// Returns `size` bytes at an address; `None` where no table can be.
    fn bytes(&self, address: u64, size: usize) -> Option<&[u8]>;
}

/// Bytes of the root pointer since ACPI 2.0.
const RSDP: usize = 36;
/// Bytes of the header of every other table.
const HEADER: usize = 36;
/// Largest table believed; a MADT of 1,024 PEs has 84 KiB.
const MAX_TABLE: usize = 1 << 20;
/// Structure type of a PE in the MADT, "GIC CPU Interface".
const GICC: u8 = 0xb;
/// Address space of a generic address: memory.
const MEMORY: u8 = 0;

/// Reads the tables that the root pointer leads to. `None` without a root that can be believed.
pub fn read(tables: &impl Tables, rsdp: u64) -> Option<Machine> {
    let root = tables.bytes(rsdp, RSDP)?;
    if !root.starts_with(b"RSD PTR ") || root[15] < 2 || !is_whole(root) {
        return None;
    }
    let xsdt = table(tables, long(root, 24)?, b"XSDT")?;
    let mut machine = Machine::default();
    for entry in xsdt[HEADER..].chunks_exact(8) {
        let address = long(entry, 0)?;
        let Some(signature) = tables.bytes(address, 4) else {
            continue;
        };
        let Some(signature) = signature.first_chunk::<4>() else {
            continue;
        };
        let known = [*b"SPCR", *b"APIC", *b"FACP"].contains(signature);
        let Some(table) = known.then(|| table(tables, address, signature)).flatten() else {
            continue;
        };
        match signature {
            b"SPCR" => machine.console = console(table),
            b"APIC" => machine.cpus = cpus(table),
            _ => machine.conduit = conduit(table),
        }
    }
    Some(machine)
}

/// Returns a table by address, if it is the one named and whole.
fn table<'a>(tables: &'a impl Tables, address: u64, signature: &[u8; 4]) -> Option<&'a [u8]> {
    let header = tables.bytes(address, HEADER)?;
    let size = word(header, 4)? as usize;
    if !header.starts_with(signature) || !(HEADER..=MAX_TABLE).contains(&size) {
        return None;
    }
    let table = tables.bytes(address, size)?;
    is_whole(table).then_some(table)
}

/// Returns whether the bytes of a table add up to 0, as they have to.
fn is_whole(table: &[u8]) -> bool {
    table.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

/// Returns the console of an SPCR.
fn console(spcr: &[u8]) -> Option<Console> {
    let (kind, space, bits, access) = (*spcr.get(36)?, *spcr.get(40)?, *spcr.get(41)?, *spcr.get(43)?);
    let address = long(spcr, 44)?;
    if space != MEMORY || address == 0 {
        return None;
    }
    let ns16550 = |shift, width| Uart::Ns16550 { shift, width };
    let uart = match kind {
        // PL011, and the subset of it that SBSA names, for 32-bit accesses only or for any.
        0x03 | 0x0d | 0x0e => Uart::Pl011,
        // 16550 and its kin: registers lie as far apart as an access is wide. Older tables leave the access open.
        0x00 | 0x01 | 0x12 => match (access, bits) {
            (2, _) | (0, 16) => ns16550(1, Width::Half),
            (3, _) | (0, 32) => ns16550(2, Width::Word),
            _ => ns16550(0, Width::Byte),
        },
        // Broadcom's mini-UART.
        0x10 => ns16550(2, Width::Word),
        // Qualcomm GENI, by the two clocks it may have.
        0x11 | 0x13 => Uart::Geni,
        _ => return None,
    };
    // The mini-UART stands 0x40 into a block that some tables give instead; the block begins a page.
    let into = if kind == 0x10 && address & 0xfff == 0 { 0x40 } else { 0 };
    let address = address.checked_add(into)?;
    Some(Console { uart, address })
}

/// Returns the PEs of a MADT that are enabled.
fn cpus(madt: &[u8]) -> [Option<Cpu>; MAX_PES as usize] {
    const ENABLED: u32 = 1;
    let mut all = [None; MAX_PES as usize];
    let mut found = 0;
    let mut rest = madt.get(HEADER + 8..).unwrap_or_default();
    while let [kind, length, ..] = *rest {
        let length = usize::from(length);
        let Some(structure) = rest.get(..length).filter(|_| length >= 2) else {
            break;
        };
        rest = &rest[length..];
        let (Some(flags), Some(mpidr)) = (word(structure, 12), long(structure, 68)) else {
            continue;
        };
        if kind == GICC && flags & ENABLED != 0 && found < all.len() {
            let enable = Enable::Psci;
            all[found] = Some(Cpu { mpidr, enable });
            found += 1;
        }
    }
    all
}

/// Returns how firmware is called, by the "ARM Boot Architecture Flags" of a FADT.
fn conduit(fadt: &[u8]) -> Option<Conduit> {
    const PSCI_COMPLIANT: u16 = 1 << 0;
    const PSCI_USE_HVC: u16 = 1 << 1;
    let flags = u16::from_le_bytes(*fadt.get(129..)?.first_chunk()?);
    (flags & PSCI_COMPLIANT != 0).then_some(match flags & PSCI_USE_HVC {
        0 => Conduit::Smc,
        _ => Conduit::Hvc,
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x4000_0000;

    /// Tables one behind the other.
    #[derive(Clone)]
    struct Image(Vec<u8>);

    impl Tables for Image {
        fn bytes(&self, address: u64, size: usize) -> Option<&[u8]> {
            let start = usize::try_from(address.checked_sub(BASE)?).ok()?;
            self.0.get(start..start.checked_add(size)?)
        }
    }

    fn close(table: &mut [u8], at: usize) {
        table[at] = 0;
        let sum = table.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
        table[at] = sum.wrapping_neg();
    }

    fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut table = vec![0; HEADER];
        table[..4].copy_from_slice(signature);
        table[4..8].copy_from_slice(&((HEADER + body.len()) as u32).to_le_bytes());
        table.extend_from_slice(body);
        close(&mut table, 9);
        table
    }

    fn spcr(kind: u8, bits: u8, access: u8, address: u64) -> Vec<u8> {
        let mut body = vec![kind, 0, 0, 0, MEMORY, bits, 0, access];
        body.extend_from_slice(&address.to_le_bytes());
        body.resize(44, 0);
        table(b"SPCR", &body)
    }

    fn gicc(mpidr: u64, flags: u32) -> Vec<u8> {
        let mut gicc = vec![0; 82];
        (gicc[0], gicc[1]) = (GICC, 82);
        gicc[12..16].copy_from_slice(&flags.to_le_bytes());
        gicc[68..76].copy_from_slice(&mpidr.to_le_bytes());
        gicc
    }

    fn madt(structures: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![0; 8];
        structures
            .iter()
            .for_each(|structure| body.extend_from_slice(structure));
        table(b"APIC", &body)
    }

    fn fadt(flags: u16) -> Vec<u8> {
        let mut body = vec![0; 276 - HEADER];
        body[129 - HEADER..131 - HEADER].copy_from_slice(&flags.to_le_bytes());
        table(b"FACP", &body)
    }

    fn image(tables: &[Vec<u8>]) -> Image {
        let mut bytes = vec![0; RSDP];
        let mut addresses = Vec::new();
        for table in tables {
            addresses.extend_from_slice(&(BASE + bytes.len() as u64).to_le_bytes());
            bytes.extend_from_slice(table);
        }
        let xsdt = BASE + bytes.len() as u64;
        bytes.extend_from_slice(&self::table(b"XSDT", &addresses));
        bytes[..8].copy_from_slice(b"RSD PTR ");
        bytes[15] = 2;
        bytes[20..24].copy_from_slice(&(RSDP as u32).to_le_bytes());
        bytes[24..32].copy_from_slice(&xsdt.to_le_bytes());
        close(&mut bytes[..RSDP], 32);
        Image(bytes)
    }

    fn machine(image: &Image) -> Option<Machine> {
        read(image, BASE)
    }

    fn whole() -> Image {
        let other = vec![0x0c, 24].into_iter().chain([0; 22]).collect();
        image(&[
            table(b"DSDT", &[1; 64]),
            fadt(1),
            madt(&[gicc(0, 1), other, gicc(0x100, 0), gicc(0x8_0000_0001, 1)]),
            spcr(3, 32, 3, 0x900_0000),
        ])
    }

    #[test]
    fn console_processors_and_firmware_are_found() {
        let machine = machine(&whole()).unwrap();
        let console = machine.console.unwrap();
        assert_eq!((console.uart, console.address), (Uart::Pl011, 0x900_0000));
        assert_eq!(machine.conduit, Some(Conduit::Smc));
        let mpidrs: Vec<_> = machine.cpus.iter().flatten().map(|cpu| cpu.mpidr).collect();
        assert_eq!(mpidrs, [0, 0x8_0000_0001]);
        assert_eq!(super::conduit(&fadt(3)), Some(Conduit::Hvc));
        assert_eq!(super::conduit(&fadt(0)), None);
    }

    #[test]
    fn each_kind_of_uart_has_its_register_layout() {
        let uart = |kind, bits, access| console(&spcr(kind, bits, access, 0x1000)).map(|console| console.uart);
        let ns16550 = |shift, width| Some(Uart::Ns16550 { shift, width });
        assert_eq!(uart(0x0e, 32, 3), Some(Uart::Pl011));
        assert_eq!(uart(0x12, 8, 1), ns16550(0, Width::Byte));
        assert_eq!(uart(0x12, 32, 3), ns16550(2, Width::Word));
        assert_eq!(uart(0x00, 32, 0), ns16550(2, Width::Word));
        assert_eq!(uart(0x00, 16, 2), ns16550(1, Width::Half));
        assert_eq!(uart(0x13, 32, 3), Some(Uart::Geni));
        assert_eq!(uart(0x05, 32, 3), None);
        assert_eq!(console(&spcr(0x10, 32, 3, 0xfe21_5000)).unwrap().address, 0xfe21_5040);
        assert_eq!(console(&spcr(0x10, 32, 3, 0xfe21_5040)).unwrap().address, 0xfe21_5040);
        assert_eq!(console(&spcr(3, 32, 3, 0)), None);
    }

    #[test]
    fn a_table_with_a_wrong_checksum_is_not_believed() {
        let whole = whole();
        let sound = machine(&whole).unwrap();
        let at = whole.0.windows(4).position(|window| window == b"SPCR").unwrap();
        let mut damaged = whole.clone();
        damaged.0[at + 44] ^= 0x10;
        let machine = machine(&damaged).unwrap();
        assert_eq!(machine.console, None);
        assert_eq!(machine.cpus, sound.cpus);
    }

    #[test]
    fn damage_is_refused_or_read_but_never_a_reason_to_panic() {
        let whole = whole();
        for at in 0..whole.0.len() {
            for value in [0, 1, 0x0b, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged.0[at] = value;
                machine(&damaged);
                // With a checksum that is right all the same.
                let madt = damaged.0.windows(4).position(|window| window == b"APIC");
                if let Some(table) = madt.and_then(|at| damaged.0.get(at..)) {
                    cpus(table);
                    console(table);
                    conduit(table);
                }
            }
        }
        for length in 0..whole.0.len() {
            assert_eq!(machine(&Image(whole.0[..length].to_vec())), None, "{length} bytes");
        }
    }
}
