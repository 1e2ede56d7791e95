// SPDX-License-Identifier: MIT OR Apache-2.0
//! The UARTs that the kernel can print on: for each kind, when it takes a byte, how it is given one, and when all is out.
//!
//! Nothing else is touched but a transmitter that is off, which is turned on ([`enable`]): baud rate, format, pins and clocks are as firmware has left them, because whoever listens has
//! set his terminal to that. This is also why the driver crates for single kinds are not used: each of them wants to
//! own and to set up its UART, and to hold one address, where this console changes from a physical to a virtual one.
//!
//! The registers are those of the makers' manuals, as the Linux drivers of the same names use them.

use results::plan::{Uart, Width};

/// How registers are reached: a machine's, or those of a test.
pub trait Bus {
    /// Reads a register at an offset from the UART's base.
    fn read(&mut self, offset: usize, width: Width) -> u32;
    /// Writes a register.
    fn write(&mut self, offset: usize, width: Width, value: u32);
}

const fn has(value: u32, bit: u32) -> bool {
    value & 1 << bit != 0
}

/// `SCxSR` of a Renesas SCIF: TDFE, TEND.
const SCIF_SENT: u32 = 1 << 5 | 1 << 6;
/// GENI: `UART_START_TX` in the opcode field of `SE_GENI_M_CMD0`.
const GENI_START_TX: u32 = 1 << 27;
/// UARTDM: the command that resets `TX_READY`, in `CR`.
const MSM_RESET_TX_READY: u32 = 0x300;

/// Returns the offsets of `SCxTDR` and `SCxSR`.
const fn scif(uart: Uart) -> (usize, usize) {
    match uart {
        Uart::ScifRz => (0x06, 0x08),
        _ => (0x0c, 0x10),
    }
}

/// Turns the transmitter on where it is off and that takes a bit or two: machines without firmware come so.
pub fn enable(uart: Uart, bus: &mut impl Bus) {
    let mut change = |offset, clear: u32, set: u32| {
        let old = bus.read(offset, Width::Word);
        let new = old & !clear | set;
        if new != old {
            bus.write(offset, Width::Word, new);
        }
    };
    match uart {
        // CR.TXDIS, CR.TXEN
        Uart::Cadence => change(0x00, 1 << 5, 1 << 4),
        // UCR1.UARTEN; UCR2.TXEN
        Uart::Imx => {
            change(0x80, 0, 1 << 0);
            change(0x84, 0, 1 << 2);
        }
        // CTRL.TE
        Uart::Lpuart32 => change(0x08, 0, 1 << 19),
        Uart::Lpuart32Be => change(0x08, 0, (1_u32 << 19).swap_bytes()),
        Uart::LpuartImx => change(0x18, 0, 1 << 19),
        // CONTROL.TX_EN
        Uart::Meson => change(0x08, 0, 1 << 12),
        _ => {}
    }
}

/// Returns whether a UART takes a byte.
pub fn can_take(uart: Uart, bus: &mut impl Bus) -> bool {
    let mut word = |offset| bus.read(offset, Width::Word);
    match uart {
        // FR.TXFF
        Uart::Pl011 => !has(word(0x18), 5),
        // LSR.THRE
        Uart::Ns16550 { shift, width } => has(bus.read(5 << shift, width), 5),
        // SR.TXFULL
        Uart::Cadence => !has(word(0x2c), 4),
        // S1.TDRE
        Uart::Lpuart8 => has(bus.read(0x04, Width::Byte), 7),
        // STAT.TDRE
        Uart::Lpuart32 => has(word(0x04), 23),
        Uart::Lpuart32Be => has(word(0x04).swap_bytes(), 23),
        Uart::LpuartImx => has(word(0x14), 23),
        // UTS.TXFULL
        Uart::Imx => !has(word(0xb4), 4),
        // STATUS.TX_FULL
        Uart::Meson => !has(word(0x0c), 21),
        // SE_GENI_STATUS.M_GENI_CMD_ACTIVE: every byte is a transfer of its own.
        Uart::Geni => !has(word(0x40), 0),
        // SR.TX_EMPTY: every byte is a transfer of its own.
        Uart::MsmDm => has(word(0xa4), 3),
        // UTRSTAT: transmitter empty. Where "FIFO full" stands in UFSTAT differs between makers; this does not.
        Uart::Samsung => has(word(0x10), 2),
        // SCxSR.TDFE
        Uart::Scif | Uart::ScifRz => has(bus.read(scif(uart).1, Width::Half), 5),
        // STAT.TX_FIFO_FUL
        Uart::Armada3700 => !has(word(0x0c), 11),
        // ISR.TXE
        Uart::Stm32 => has(word(0x1c), 7),
    }
}

/// Gives a UART a byte, which it takes.
pub fn send(uart: Uart, bus: &mut impl Bus, byte: u8) {
    let value = u32::from(byte);
    match uart {
        Uart::Pl011 | Uart::Meson => bus.write(0x00, Width::Word, value),
        Uart::Ns16550 { width, .. } => bus.write(0x00, width, value),
        Uart::Cadence => bus.write(0x30, Width::Word, value),
        Uart::Lpuart8 => bus.write(0x07, Width::Byte, value),
        Uart::Lpuart32 => bus.write(0x0c, Width::Word, value),
        Uart::Lpuart32Be => bus.write(0x0c, Width::Word, value.swap_bytes()),
        Uart::LpuartImx => bus.write(0x1c, Width::Word, value),
        Uart::Imx => bus.write(0x40, Width::Word, value),
        Uart::Geni => {
            bus.write(0x270, Width::Word, 1); // SE_UART_TX_TRANS_LEN
            bus.write(0x600, Width::Word, GENI_START_TX);
            bus.write(0x700, Width::Word, value); // SE_GENI_TX_FIFO0
        }
        Uart::MsmDm => {
            bus.write(0xa8, Width::Word, MSM_RESET_TX_READY);
            bus.write(0x40, Width::Word, 1); // NCF_TX
            bus.read(0x40, Width::Word); // The count is in force once it has been read.
            bus.write(0x100, Width::Word, value); // TF
        }
        Uart::Samsung => bus.write(0x20, Width::Word, value),
        Uart::Scif | Uart::ScifRz => {
            let (data, status) = scif(uart);
            bus.write(data, Width::Byte, value);
            // The flags are cleared by a zero written after they have been read as one.
            let seen = bus.read(status, Width::Half);
            bus.write(status, Width::Half, seen & !SCIF_SENT);
        }
        Uart::Armada3700 => bus.write(0x04, Width::Word, value),
        Uart::Stm32 => bus.write(0x28, Width::Word, value),
    }
}

/// Returns whether everything given to a UART is on the wire.
pub fn is_idle(uart: Uart, bus: &mut impl Bus) -> bool {
    let mut word = |offset| bus.read(offset, Width::Word);
    match uart {
        // FR.BUSY
        Uart::Pl011 => !has(word(0x18), 3),
        // LSR.TEMT
        Uart::Ns16550 { shift, width } => has(bus.read(5 << shift, width), 6),
        // SR.TXEMPTY, and not SR.TACTIVE
        Uart::Cadence => word(0x2c) & (1 << 3 | 1 << 11) == 1 << 3,
        // S1.TC
        Uart::Lpuart8 => has(bus.read(0x04, Width::Byte), 6),
        // STAT.TC
        Uart::Lpuart32 => has(word(0x04), 22),
        Uart::Lpuart32Be => has(word(0x04).swap_bytes(), 22),
        Uart::LpuartImx => has(word(0x14), 22),
        // USR2.TXDC
        Uart::Imx => has(word(0x98), 3),
        // STATUS.TX_EMPTY, and not STATUS.XMIT_BUSY
        Uart::Meson => word(0x0c) & (1 << 22 | 1 << 25) == 1 << 22,
        // Those that take a byte only when the last one is out.
        Uart::Geni | Uart::MsmDm | Uart::Samsung => can_take(uart, bus),
        // SCxSR.TEND
        Uart::Scif | Uart::ScifRz => has(bus.read(scif(uart).1, Width::Half), 6),
        // STAT.TX_EMP
        Uart::Armada3700 => has(word(0x0c), 6),
        // ISR.TC
        Uart::Stm32 => has(word(0x1c), 6),
    }
}

/// Returns the bytes from the base to behind the last register used: within the one page that is mapped.
#[cfg(test)]
pub const fn span(uart: Uart) -> u64 {
    match uart {
        Uart::Ns16550 { shift, width } => (5 << shift) + width.bytes() as u64,
        Uart::Geni => 0x704,
        Uart::MsmDm => 0x104,
        Uart::Imx => 0xb8,
        _ => 0x34,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Registers that answer from a script, and remember what was done to them.
    struct Recorder {
        answers: Vec<(usize, u32)>,
        seen: Vec<String>,
    }

    impl Bus for Recorder {
        fn read(&mut self, offset: usize, width: Width) -> u32 {
            self.seen.push(format!("r{}@{offset:x}", 8 * width.bytes()));
            if self.answers.is_empty() {
                return 0;
            }
            let (at, value) = self.answers.remove(0);
            assert_eq!(at, offset, "another register was expected to be read");
            value
        }
        fn write(&mut self, offset: usize, width: Width, value: u32) {
            self.seen.push(format!("w{}@{offset:x}={value:x}", 8 * width.bytes()));
        }
    }

    /// A kind; its status register; what it says when full, when ready but not out, when out; and the accesses of one
    /// byte `A` sent to it.
    type Model = (Uart, usize, [u32; 3], &'static str);

    const fn ns16550(shift: u8, width: Width) -> Uart {
        Uart::Ns16550 { shift, width }
    }

    /// What the manuals say, written down apart from the code above.
    const MODELS: [Model; 19] = [
        (Uart::Pl011, 0x18, [0x28, 0x08, 0x90], "r32@18 w32@0=41"),
        (ns16550(2, Width::Word), 0x14, [0x00, 0x20, 0x60], "r32@14 w32@0=41"),
        (ns16550(2, Width::Byte), 0x14, [0x00, 0x20, 0x60], "r8@14 w8@0=41"),
        (ns16550(0, Width::Byte), 0x05, [0x00, 0x20, 0x60], "r8@5 w8@0=41"),
        (ns16550(1, Width::Half), 0x0a, [0x00, 0x20, 0x60], "r16@a w16@0=41"),
        (Uart::Cadence, 0x2c, [0x810, 0x808, 0x008], "r32@2c w32@30=41"),
        (Uart::Lpuart8, 0x04, [0x00, 0x80, 0xc0], "r8@4 w8@7=41"),
        (Uart::Lpuart32, 0x04, [0, 0x0080_0000, 0x00c0_0000], "r32@4 w32@c=41"),
        (Uart::Lpuart32Be, 0x04, [0, 0x8000, 0xc000], "r32@4 w32@c=41000000"),
        (Uart::LpuartImx, 0x14, [0, 0x0080_0000, 0x00c0_0000], "r32@14 w32@1c=41"),
        (
            Uart::Meson,
            0x0c,
            [0x0220_0000, 0x0240_0000, 0x0040_0000],
            "r32@c w32@0=41",
        ),
        (
            Uart::Geni,
            0x40,
            [1, 1, 0],
            "r32@40 w32@270=1 w32@600=8000000 w32@700=41",
        ),
        (
            Uart::MsmDm,
            0xa4,
            [0, 0x4, 0xc],
            "r32@a4 w32@a8=300 w32@40=1 r32@40 w32@100=41",
        ),
        (Uart::Samsung, 0x10, [0, 0x2, 0x6], "r32@10 w32@20=41"),
        (Uart::Scif, 0x10, [0, 0x20, 0x60], "r16@10 w8@c=41 r16@10 w16@10=1"),
        (Uart::ScifRz, 0x08, [0, 0x20, 0x60], "r16@8 w8@6=41 r16@8 w16@8=1"),
        (Uart::Armada3700, 0x0c, [0x800, 0x000, 0x40], "r32@c w32@4=41"),
        (Uart::Stm32, 0x1c, [0x00, 0x80, 0xc0], "r32@1c w32@28=41"),
        // i.MX has its "all is out" in another register: see below.
        (Uart::Imx, 0xb4, [0x10, 0x00, 0x40], "r32@b4 w32@40=41"),
    ];

    fn answering(at: usize, value: u32) -> Recorder {
        Recorder {
            answers: vec![(at, value)],
            seen: Vec::new(),
        }
    }

    #[test]
    fn a_byte_is_given_when_the_status_says_so_and_by_these_accesses_only() {
        for (uart, status, [full, ready, out], accesses) in MODELS {
            // Those that take a byte only when the last one is out.
            let one_by_one = matches!(uart, Uart::Geni | Uart::MsmDm | Uart::Samsung);
            assert!(!can_take(uart, &mut answering(status, full)), "{uart} is full");
            let taken = can_take(uart, &mut answering(status, ready));
            assert_eq!(taken, !one_by_one, "{uart} is sending");

            let mut bus = answering(status, out);
            assert!(can_take(uart, &mut bus), "{uart} has nothing to send");
            // What is read on the way: the count of a UARTDM; the status of a SCIF, with a flag to be kept.
            match uart {
                Uart::MsmDm => bus.answers.push((0x40, 1)),
                Uart::Scif | Uart::ScifRz => bus.answers.push((status, 0x61)),
                _ => {}
            }
            send(uart, &mut bus, b'A');
            assert_eq!(bus.seen.join(" "), accesses, "{uart}");
            assert!(bus.answers.is_empty(), "{uart} left a register unread");
        }
    }

    #[test]
    fn a_transmitter_is_turned_on_only_if_it_is_off() {
        let seen = |uart, answers: &[(usize, u32)]| {
            let (answers, seen) = (answers.to_vec(), Vec::new());
            let mut bus = Recorder { answers, seen };
            enable(uart, &mut bus);
            bus.seen.join(" ")
        };
        assert_eq!(seen(Uart::Cadence, &[(0, 0x128)]), "r32@0 w32@0=118");
        assert_eq!(seen(Uart::Cadence, &[(0, 0x114)]), "r32@0");
        let imx = [(0x80, 0), (0x84, 0x4020)];
        assert_eq!(seen(Uart::Imx, &imx), "r32@80 w32@80=1 r32@84 w32@84=4024");
        assert_eq!(seen(Uart::Imx, &[(0x80, 1), (0x84, 0x4027)]), "r32@80 r32@84");
        assert_eq!(seen(Uart::Lpuart32, &[(8, 0)]), "r32@8 w32@8=80000");
        assert_eq!(seen(Uart::Lpuart32Be, &[(8, 0)]), "r32@8 w32@8=800");
        assert_eq!(seen(Uart::LpuartImx, &[(0x18, 0x4_0000)]), "r32@18 w32@18=c0000");
        assert_eq!(seen(Uart::Meson, &[(8, 0x2000)]), "r32@8 w32@8=3000");
        assert_eq!(seen(Uart::Pl011, &[]), "");
    }

    #[test]
    fn all_is_out_when_the_shift_register_is_empty_too() {
        for (uart, status, [full, ready, out], _) in MODELS.into_iter().filter(|model| model.0 != Uart::Imx) {
            for (value, idle) in [(full, false), (ready, false), (out, true)] {
                assert_eq!(is_idle(uart, &mut answering(status, value)), idle, "{uart} {value:#x}");
            }
        }
        assert!(!is_idle(Uart::Imx, &mut answering(0x98, !8)));
        assert!(is_idle(Uart::Imx, &mut answering(0x98, 8)));
    }

    #[test]
    fn no_register_lies_behind_the_span() {
        for (uart, _, [_, _, out], accesses) in MODELS {
            for access in accesses.split(' ') {
                let (width, rest) = access[1..].split_once('@').unwrap();
                let offset = rest.split('=').next().unwrap();
                let end = u64::from_str_radix(offset, 16).unwrap() + width.parse::<u64>().unwrap() / 8;
                assert!(end <= span(uart), "{uart} {access} {out}");
            }
        }
    }
}
