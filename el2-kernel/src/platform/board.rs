// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which machine this is, as its firmware describes it.

use core::fmt::Write;

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};
use results::record::{Record, text_byte};

use crate::platform::message::Message;

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

#[cfg(test)]
mod tests {
    use super::*;

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
