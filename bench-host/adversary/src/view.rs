// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loads and stores of one PE.

use crate::a64::{Memory, Order};
use crate::core::{Core, RECENT};
use crate::descriptor::{Access, MemoryType};
use crate::error::What;
use crate::micro::Way;
use crate::ram::{Frame, PAGE};
use crate::translate::Mapped;
use crate::uart;
use crate::walk::{Fault, FaultKind};

/// Why an access was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abort {
    /// It faulted.
    Fault {
        /// How.
        fault: Fault,
        /// The address.
        address: u64,
        /// What was to be done.
        access: Access,
    },
    /// It needs something that the machine does not implement.
    Unimplemented(What),
}

/// The memory as one PE sees it.
pub struct View<'a> {
    /// The memory system.
    pub core: &'a mut Core,
    /// The PE.
    pub pe: usize,
    /// How it translates.
    pub config: u16,
    /// Whether accesses that are not aligned fault, whatever they are to.
    pub strict: bool,
    /// The exclusive monitor: physical address and size.
    pub monitor: &'a mut Option<(u64, u32)>,
}

/// Where in memory an access goes.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// Memory.
    Ram(Frame, usize),
    /// The console.
    Uart(u64),
}

impl View<'_> {
    #[inline(always)]
    fn fast(&self, way: Way, address: u64, bytes: u64) -> Option<(Frame, usize)> {
        let offset = address % PAGE;
        if offset + bytes > PAGE || self.strict && address & (bytes - 1) != 0 {
            return None;
        }
        let frame = self.core.pes[self.pe].micro.get(way, address, self.config)?;
        Some((frame, offset as usize))
    }

    fn find(&mut self, address: u64, bytes: u32, access: Access, order: Order) -> Result<(Mapped, Place), Abort> {
        let fault = |fault| Abort::Fault { fault, address, access };
        let unaligned = address & u64::from(bytes.next_power_of_two() - 1) != 0;
        let ordered = !matches!(order, Order::Plain | Order::Unprivileged);
        let alignment = fault(Fault::new(FaultKind::Alignment, 0));
        if unaligned && (ordered || self.strict) {
            return Err(alignment);
        }
        let unprivileged = matches!(order, Order::Unprivileged);
        let careful = match access {
            Access::Write => Way::CarefulWrite,
            _ => Way::CarefulRead,
        };
        if matches!(order, Order::Plain)
            && let Some(frame) = self.core.pes[self.pe].micro.get(careful, address, self.config)
        {
            // Normal memory, for which there was nothing to choose.
            let mapped = Mapped {
                physical: 0,
                memory: MemoryType::NORMAL,
                single: false,
            };
            return Ok((mapped, Place::Ram(frame, (address % PAGE) as usize)));
        }
        let mapped = self
            .core
            .translate(self.pe, address, access, unprivileged)
            .map_err(fault)?;
        if mapped.memory.device {
            if unaligned {
                return Err(alignment);
            }
            if matches!(
                order,
                Order::Exclusive | Order::AcquireExclusive | Order::ReleaseExclusive
            ) {
                return Err(fault(Fault::new(FaultKind::Unsupported, 0)));
            }
        }
        let physical = mapped.physical;
        let uart = physical.wrapping_sub(uart::BASE);
        if uart < uart::SIZE {
            return Ok((mapped, Place::Uart(uart)));
        }
        let frame = self.core.ram.frame(physical);
        let frame = frame.ok_or_else(|| fault(Fault::new(FaultKind::External, 0)))?;
        let special = self.core.ram.table(frame).is_some() || self.core.ram.code(frame).is_some();
        if mapped.single && self.is_fast(&mapped) && special && !unprivileged {
            self.core.pes[self.pe].micro.set(careful, address, self.config, frame);
        }
        Ok((mapped, Place::Ram(frame, (physical % PAGE) as usize)))
    }

    #[cold]
    #[inline(never)]
    fn slow_load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, Abort> {
        let first = (PAGE - address % PAGE).min(u64::from(bytes)) as u32;
        if first < bytes {
            // Both pages are there before anything is read.
            if self.strict || !matches!(order, Order::Plain | Order::Unprivileged) {
                let fault = Fault::new(FaultKind::Alignment, 0);
                return Err(Abort::Fault {
                    fault,
                    address,
                    access: Access::Read,
                });
            }
            let low = self.slow_load_within(address, first, order)?;
            let high = self.slow_load_within(address + u64::from(first), bytes - first, order)?;
            return Ok(high << (8 * first) | low);
        }
        self.slow_load_within(address, bytes, order)
    }

    fn slow_load_within(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, Abort> {
        let (mapped, place) = self.find(address, bytes, Access::Read, order)?;
        let (frame, offset) = match place {
            Place::Ram(frame, offset) => (frame, offset),
            Place::Uart(offset) if bytes <= 4 => return Ok(self.core.uart.read(offset).into()),
            Place::Uart(_) => return Err(Abort::Unimplemented(What::Device)),
        };
        if matches!(order, Order::Exclusive | Order::AcquireExclusive) {
            *self.monitor = Some((mapped.physical, bytes));
        }
        match self.core.ram.table(frame) {
            Some(table) => {
                for slot in offset / 8..(offset + bytes as usize).div_ceil(8) {
                    self.core.observe(self.pe, table, slot);
                }
            }
            None if mapped.single && self.is_fast(&mapped) => {
                self.core.pes[self.pe].micro.set(Way::Read, address, self.config, frame);
            }
            None => {}
        }
        Ok(read(self.core.ram.page(frame), offset, bytes))
    }

    /// Device memory takes aligned accesses only, which the fast path does not look at unless all memory is such.
    const fn is_fast(&self, mapped: &Mapped) -> bool {
        !mapped.memory.device || self.strict
    }

    #[cold]
    #[inline(never)]
    fn slow_store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), Abort> {
        let first = (PAGE - address % PAGE).min(u64::from(bytes)) as u32;
        if first == bytes {
            return self.slow_store_within(address, bytes, value, order);
        }
        if self.strict || !matches!(order, Order::Plain | Order::Unprivileged) {
            let fault = Fault::new(FaultKind::Alignment, 0);
            return Err(Abort::Fault {
                fault,
                address,
                access: Access::Write,
            });
        }
        // Both pages are there before anything is written.
        let second = address + u64::from(first);
        self.find(second, bytes - first, Access::Write, order)?;
        self.slow_store_within(address, first, value, order)?;
        self.slow_store_within(second, bytes - first, value >> (8 * first), order)
    }

    fn slow_store_within(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), Abort> {
        let (mapped, place) = self.find(address, bytes, Access::Write, order)?;
        self.order_stores(order);
        match place {
            Place::Uart(offset) => {
                self.core.uart.write(offset, value as u32);
                Ok(())
            }
            Place::Ram(frame, offset) => {
                if mapped.single
                    && self.is_fast(&mapped)
                    && self.core.ram.table(frame).is_none()
                    && self.core.ram.code(frame).is_none()
                {
                    self.core.pes[self.pe]
                        .micro
                        .set(Way::Write, address, self.config, frame);
                }
                self.put(frame, offset, bytes, value);
                Ok(())
            }
        }
    }

    /// A store that comes after a barrier or is a release comes after every earlier one.
    fn order_stores(&mut self, order: Order) {
        let state = &self.core.pes[self.pe];
        let release = matches!(order, Order::Release | Order::ReleaseExclusive);
        if (release || state.ordered) && !state.pending.is_empty() {
            self.core.complete_stores(self.pe);
        }
    }

    /// Writes to memory, of whatever kind.
    fn put(&mut self, frame: Frame, offset: usize, bytes: u32, value: u128) {
        let end = offset + bytes as usize;
        let Some(table) = self.core.ram.table(frame) else {
            self.keep_old(frame, offset, bytes);
            write(self.core.ram.page_mut(frame), offset, bytes, value);
            if let Some(code) = self.core.ram.code(frame) {
                self.core.decode_again(code, offset, bytes as usize);
            }
            return;
        };
        for slot in offset / 8..end.div_ceil(8) {
            let mut descriptor = self.core.ram.read64(frame, slot).to_le_bytes();
            for (byte, place) in descriptor.iter_mut().zip(8 * slot..) {
                if (offset..end).contains(&place) {
                    *byte = (value >> (8 * (place - offset))) as u8;
                }
            }
            self.core
                .store_descriptor(self.pe, table, slot, u64::from_le_bytes(descriptor));
        }
        if let Some(code) = self.core.ram.code(frame) {
            self.core.decode_again(code, offset, bytes as usize);
        }
    }

    /// Remembers what a store replaces: the page may turn out to hold descriptors.
    #[inline(always)]
    fn keep_old(&mut self, frame: Frame, offset: usize, bytes: u32) {
        if self.core.kind {
            return;
        }
        let last = offset + bytes as usize - 1;
        for slot in offset / 8..=last / 8 {
            let old = self.core.ram.read64(frame, slot);
            let recent = &mut self.core.pes[self.pe].recent;
            if recent.len() >= RECENT {
                recent.clear();
            }
            recent.push((Core::place(frame, 8 * slot as u64), old));
        }
    }

    #[inline(always)]
    fn quick_load<const N: usize>(&mut self, address: u64) -> Option<[u8; N]> {
        let (frame, offset) = self.fast(Way::Read, address, N as u64)?;
        self.core.ram.page(frame)[offset..offset + N].first_chunk().copied()
    }

    #[inline(always)]
    fn quick_store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> bool {
        let Some((frame, offset)) = self.fast(Way::Write, address, N as u64) else {
            return false;
        };
        self.keep_old(frame, offset, N as u32);
        self.core.ram.page_mut(frame)[offset..offset + N].copy_from_slice(&value);
        true
    }

    /// Makes the walk that a cache maintenance instruction needs, at EL2 or EL1.
    pub fn touch(&mut self, address: u64) -> Result<(), Abort> {
        if self.fast(Way::Read, address, 1).is_some() {
            return Ok(());
        }
        self.find(address, 1, Access::Read, Order::Plain).map(|_| ())
    }
}

fn read(page: &[u8; PAGE as usize], offset: usize, bytes: u32) -> u128 {
    let mut value = [0; 16];
    value[..bytes as usize].copy_from_slice(&page[offset..offset + bytes as usize]);
    u128::from_le_bytes(value)
}

fn write(page: &mut [u8], offset: usize, bytes: u32, value: u128) {
    page[offset..offset + bytes as usize].copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
}

impl Memory for View<'_> {
    type Fault = Abort;

    #[inline(always)]
    fn load(&mut self, address: u64, bytes: u32, order: Order) -> Result<u128, Abort> {
        if matches!(order, Order::Plain) {
            let quick = match bytes {
                1 => self.quick_load::<1>(address).map(|value| value[0].into()),
                2 => self.quick_load(address).map(|value| u16::from_le_bytes(value).into()),
                4 => self.quick_load(address).map(|value| u32::from_le_bytes(value).into()),
                8 => self.quick_load(address).map(|value| u64::from_le_bytes(value).into()),
                16 => self.quick_load(address).map(u128::from_le_bytes),
                _ => None,
            };
            if let Some(value) = quick {
                return Ok(value);
            }
        }
        self.slow_load(address, bytes, order)
    }

    #[inline(always)]
    fn store(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<(), Abort> {
        let plain = matches!(order, Order::Plain);
        let quick = plain
            && match bytes {
                1 => self.quick_store(address, [value as u8]),
                2 => self.quick_store(address, (value as u16).to_le_bytes()),
                4 => self.quick_store(address, (value as u32).to_le_bytes()),
                8 => self.quick_store(address, (value as u64).to_le_bytes()),
                16 => self.quick_store(address, value.to_le_bytes()),
                _ => false,
            };
        if quick {
            Ok(())
        } else {
            self.slow_store(address, bytes, value, order)
        }
    }

    fn store_exclusive(&mut self, address: u64, bytes: u32, value: u128, order: Order) -> Result<bool, Abort> {
        let (mapped, place) = self.find(address, bytes, Access::Write, order)?;
        if self.monitor.take() != Some((mapped.physical, bytes)) {
            return Ok(true);
        }
        self.order_stores(order);
        match place {
            Place::Ram(frame, offset) => {
                self.put(frame, offset, bytes, value);
                Ok(false)
            }
            Place::Uart(_) => Err(Abort::Unimplemented(What::Device)),
        }
    }

    fn atomic(
        &mut self,
        address: u64,
        bytes: u32,
        release: bool,
        operation: &mut dyn FnMut(u128) -> Option<u128>,
    ) -> Result<u128, Abort> {
        // An access for writing; memory without atomics is refused as for exclusives.
        let order = if release {
            Order::ReleaseExclusive
        } else {
            Order::Exclusive
        };
        let (_, place) = self.find(address, bytes, Access::Write, order)?;
        let Place::Ram(frame, offset) = place else {
            return Err(Abort::Unimplemented(What::Device));
        };
        self.order_stores(order);
        let table = self.core.ram.table(frame);
        if let Some(table) = table {
            self.core.observe(self.pe, table, offset / 8);
        }
        let old = read(self.core.ram.page(frame), offset, bytes);
        if let Some(new) = operation(old) {
            self.put(frame, offset, bytes, new);
            if let Some(table) = table {
                // It is made in memory, not in a store buffer.
                for slot in offset / 8..(offset + bytes as usize).div_ceil(8) {
                    self.core.arrive(self.pe, table, slot);
                }
            }
        }
        Ok(old)
    }

    fn dc_zva(&mut self, address: u64) -> Result<(), Abort> {
        const LINE: u64 = 64;
        let start = address & !(LINE - 1);
        let (mapped, _) = self.find(start, 8, Access::Write, Order::Plain)?;
        if mapped.memory.device {
            return Err(Abort::Fault {
                fault: Fault::new(FaultKind::Alignment, 0),
                address,
                access: Access::Write,
            });
        }
        (0..LINE / 16).try_for_each(|part| self.store(start + 16 * part, 16, 0, Order::Plain))
    }
}
