// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which console: the kind of UART, and where it is. In a plan as two numbers, on a command line as text.

use core::fmt;

/// Width of an access to a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// 1 byte.
    Byte,
    /// 2 bytes.
    Half,
    /// 4 bytes.
    Word,
}

impl Width {
    /// Every width.
    pub const ALL: [Self; 3] = [Self::Byte, Self::Half, Self::Word];

    /// Returns the number of bytes: the device tree's `reg-io-width`.
    pub const fn bytes(self) -> u8 {
        1 << self as u8
    }
}

/// A kind of UART: what its registers look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Uart {
    /// Arm PL011 and SBSA UART.
    Pl011,
    /// 16550, with registers `1 << shift` bytes apart (0 to 3), and accesses of one width.
    Ns16550 {
        /// `reg-shift`.
        shift: u8,
        /// `reg-io-width`.
        width: Width,
    },
    /// Cadence, on Zynq and ZynqMP.
    Cadence,
    /// NXP LPUART with 8-bit registers (Vybrid).
    Lpuart8,
    /// NXP LPUART with 32-bit registers from 0x10 on (i.MX).
    LpuartImx,
    /// NXP LPUART with 32-bit registers (Layerscape), little-endian.
    Lpuart32,
    /// NXP LPUART with 32-bit registers, big-endian (LS1021A).
    Lpuart32Be,
    /// i.MX UART.
    Imx,
    /// Amlogic Meson.
    Meson,
    /// Qualcomm GENI serial engine.
    Geni,
    /// Qualcomm MSM UARTDM, version 1.4.
    MsmDm,
    /// Samsung Exynos, Apple S5L.
    Samsung,
    /// Renesas SCIF and HSCIF.
    Scif,
    /// Renesas SCIFA with the registers of RZ.
    ScifRz,
    /// Marvell Armada 3700.
    Armada3700,
    /// STM32 USART.
    Stm32,
}

/// What a plain `uart16550` means: 32-bit registers four bytes apart.
const NS16550_PLAIN: Uart = Uart::Ns16550 {
    shift: 2,
    width: Width::Word,
};
/// Codes from here on are forms of the 16550.
const NS16550_FORMS: u8 = 0x80;

impl Uart {
    /// Every kind that has one form, and the plain 16550: its code in a plan, its name on a command line.
    const CODES: [(Self, u8, &'static str); 16] = [
        (Self::Pl011, 1, "pl011"),
        (NS16550_PLAIN, 2, "uart16550"),
        (Self::Cadence, 3, "cadence"),
        (Self::Lpuart8, 4, "lpuart8"),
        (Self::Lpuart32, 5, "lpuart32"),
        (Self::Lpuart32Be, 6, "lpuart32be"),
        (Self::Imx, 7, "imx"),
        (Self::Meson, 8, "meson"),
        (Self::Geni, 9, "geni"),
        (Self::MsmDm, 10, "msm"),
        (Self::Samsung, 11, "samsung"),
        (Self::Scif, 12, "scif"),
        (Self::ScifRz, 13, "scif-rz"),
        (Self::Armada3700, 14, "armada3700"),
        (Self::Stm32, 15, "stm32"),
        (Self::LpuartImx, 16, "lpuart-imx"),
    ];

    /// Returns the code used in a plan; never 0, which says that there is none.
    pub fn code(self) -> u8 {
        match Self::CODES.iter().find(|(kind, ..)| *kind == self) {
            Some(&(_, code, _)) => code,
            None => match self {
                Self::Ns16550 { shift, width } => NS16550_FORMS | (width as u8) << 2 | shift & 3,
                _ => unreachable!("every kind of one form has a code"),
            },
        }
    }

    /// Returns the kind of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        if code & NS16550_FORMS != 0 {
            let width = *Width::ALL.get(usize::from((code & !NS16550_FORMS) >> 2))?;
            return Some(Self::Ns16550 { shift: code & 3, width });
        }
        Self::CODES
            .iter()
            .find(|&&(_, of, _)| of == code)
            .map(|&(kind, ..)| kind)
    }
}

impl fmt::Display for Uart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (Self::CODES.iter().find(|(kind, ..)| kind == self), self) {
            (Some((.., name)), _) => f.write_str(name),
            (None, Self::Ns16550 { shift, width }) => write!(f, "uart16550:{shift}:{}", width.bytes()),
            (None, _) => Err(fmt::Error),
        }
    }
}

/// A console: instead of the one that the device tree names, or where there is no device tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Console {
    /// The kind of UART.
    pub uart: Uart,
    /// The physical address of its registers.
    pub address: u64,
}

impl Console {
    /// The forms that [`Self::parse`] takes, for a message.
    pub const FORMS: &'static str = "KIND@0xADDR, where KIND is pl011, uart16550 (32-bit registers 4 bytes apart), \
                                     uart16550:SHIFT:WIDTH (reg-shift 0 to 3, reg-io-width 1, 2 or 4), cadence, lpuart8, \
                                     lpuart32, lpuart32be, lpuart-imx, imx, meson, geni, msm, samsung, scif, scif-rz, armada3700 or \
                                     stm32";

    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, address) = text.split_once("@0x")?;
        // `from_str_radix` would take a sign.
        if !address.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let address = u64::from_str_radix(address, 16).ok()?;
        let named = Uart::CODES.iter().find(|&&(.., name)| name == kind);
        let uart = match named {
            Some(&(uart, ..)) => uart,
            None => {
                let (shift, width) = kind.strip_prefix("uart16550:")?.split_once(':')?;
                let shift = ["0", "1", "2", "3"].iter().position(|&text| text == shift)? as u8;
                let width = Width::ALL[["1", "2", "4"].iter().position(|&text| text == width)?];
                Uart::Ns16550 { shift, width }
            }
        };
        Some(Self { uart, address })
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:#x}", self.uart, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_kind_and_every_kind_one_code() {
        let kinds: Vec<(u8, Uart)> = (0..=255)
            .filter_map(|code| Some((code, Uart::from_code(code)?)))
            .collect();
        // The plain 16550 has a code of its own beside that of its form.
        assert_eq!(kinds.len(), Uart::CODES.len() + 12);
        for (code, kind) in kinds {
            assert!(kind.code() == code || kind == NS16550_PLAIN, "{code}");
            let console = Console {
                uart: kind,
                address: 0x900_0000,
            };
            assert_eq!(Console::parse(&console.to_string()), Some(console));
        }
        assert_eq!(Uart::from_code(0), None);
        assert_eq!(Uart::from_code(0xff), None);
    }

    #[test]
    fn what_is_no_console_is_refused() {
        for text in [
            "",
            "pl011",
            "pl011@9000000",
            "pl011@0x+9000000",
            "pl012@0x9000000",
            "uart16550:4:1@0x0",
            "uart16550:0:3@0x0",
            "uart16550:0@0x0",
            "pl011@0x1ffffffffffffffff",
        ] {
            assert_eq!(Console::parse(text), None, "{text}");
        }
    }
}
