// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which machine this is, as its firmware describes it.

use core::fmt::Write;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use results::record::{Record, text_byte};

use crate::platform::message::Message;
use crate::platform::smbios::Names;

/// What the device tree says of the machine: each part cut at the length of a record's field, and empty where nothing
/// is said.
#[derive(Debug)]
pub struct Board {
    model: Message,
    compatible: Message,
    firmware: Message,
}

impl Board {
    /// Reads the root of a device tree, and what a boot loader left in `/chosen`.
    pub fn of(fdt: Fdt<'_>) -> Self {
        let read = |node: &FdtNode<'_>, before: &str, name: &str| match node.property(name) {
            Some(property) => field(before, property.value()),
            None => Message::new(),
        };
        let chosen = fdt.find_node("/chosen");
        Self {
            model: read(&fdt.root(), "", "model"),
            compatible: read(&fdt.root(), "", "compatible"),
            firmware: chosen.map_or_else(Message::new, |chosen| read(&chosen, "U-Boot ", "u-boot,version")),
        }
    }

    /// Takes the names of SMBIOS, and that of the maker of UEFI, in UTF-16.
    pub fn of_smbios(names: &Names<'_>, vendor: impl Iterator<Item = u16>) -> Self {
        let mut firmware = field("", b"UEFI");
        let wide = char::decode_utf16(vendor).map(|character| character.unwrap_or('?'));
        let _ = firmware.write_char(' ');
        for character in wide {
            let _ = firmware.write_char(char::from(text_byte(u8::try_from(character).unwrap_or(b'?'))));
        }
        for name in [names.firmware_maker, names.firmware] {
            append(&mut firmware, name);
        }
        Self {
            model: field("", names.product),
            compatible: field("", names.maker),
            firmware,
        }
    }

    /// Returns it with what is empty taken from another.
    pub fn or<'a>(&'a self, other: &'a Self) -> Record<'a> {
        let first = |a: &'a Message, b: &'a Message| if a.as_str().is_empty() { b.as_str() } else { a.as_str() };
        Record::Machine {
            model: first(&self.model, &other.model),
            compatible: first(&self.compatible, &other.compatible),
            firmware: first(&self.firmware, &other.firmware),
        }
    }

    /// Returns it as a record.
    pub fn record(&self) -> Record<'_> {
        Record::Machine {
            model: self.model.as_str(),
            compatible: self.compatible.as_str(),
            firmware: self.firmware.as_str(),
        }
    }
}

/// Makes a field of a string, or of several with zeros between them.
fn field(before: &str, value: &[u8]) -> Message {
    let mut text = Message::new();
    let end = value.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let _ = text.write_str(before);
    for &byte in &value[..end] {
        let byte = if byte == 0 { b' ' } else { text_byte(byte) };
        let _ = text.write_char(char::from(byte));
    }
    text
}

/// Appends a string behind a space.
fn append(text: &mut Message, value: &[u8]) {
    if !value.is_empty() {
        let _ = text.write_char(' ');
        for &byte in value {
            let _ = text.write_char(char::from(text_byte(byte)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_smbios_become_fields() {
        let names = Names {
            maker: b"Maker, Inc.",
            product: b"Server 9",
            firmware_maker: b"",
            firmware: b"1.2",
        };
        let board = Board::of_smbios(&names, "EDK II".encode_utf16());
        let Record::Machine {
            model,
            compatible,
            firmware,
        } = board.record()
        else {
            panic!()
        };
        assert_eq!(
            (model, compatible, firmware),
            ("Server 9", "Maker/ Inc.", "UEFI EDK II 1.2")
        );
    }

    #[test]
    fn strings_become_fields() {
        assert_eq!(field("", b"").as_str(), "");
        assert_eq!(field("", b"linux,dummy-virt\0").as_str(), "linux/dummy-virt");
        assert_eq!(field("", b"a,b\0c\n\xff\0").as_str(), "a/b c??");
        assert_eq!(field("U-Boot ", b"2023.01\0").as_str(), "U-Boot 2023.01");
        assert_eq!(
            field("", &[b'x'; 300]).as_str().len(),
            results::record::MAX_MACHINE_FIELD
        );
    }
}
