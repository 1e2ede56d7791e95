// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which group a row belongs to: numbers for the different contents of the key columns.
//!
//! The map from keys to numbers is the authority. In front of it stands a small table that knows the short keys of
//! plain rows as they are written: a key of up to 32 bytes is loaded as four words and compared as such. What is not
//! in the table is merely looked up in the map, so keys made to collide cost time like any other.

use std::collections::HashMap;

use super::marks::Text;

/// Longest key, in bytes, that the small table knows.
pub const QUICK: usize = 32;
/// Words of such a key.
const WORDS: usize = QUICK / 8;
/// Slots of the small table.
const SLOTS: usize = 1 << 12;
/// Slots looked at before the map is asked.
const PROBES: usize = 4;
/// Most groups. More than anybody can read, and what a wrong key column gives.
pub const MOST_GROUPS: usize = 20_000;
/// Most bytes of all keys together.
pub const MOST_BYTES: usize = 2 << 20;

/// The contents of the key columns.
pub type Key = Box<[Box<[u8]>]>;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    words: [u64; WORDS],
    /// The number of the group, plus one; 0 in an empty slot.
    group: u32,
}

/// All groups so far.
#[derive(Debug)]
pub struct Groups {
    slots: Box<[Bucket; SLOTS]>,
    /// Masks that keep the first so many bytes of four words.
    masks: Box<[[u64; WORDS]; QUICK + 1]>,
    numbers: HashMap<Key, u32>,
    bytes: usize,
    /// Contents of plain key columns, joined by commas, of keys that the small table cannot hold.
    joined: HashMap<Box<[u8]>, u32>,
    scratch: Vec<u8>,
    /// What comes before the key columns in every key of this file.
    prefix: Vec<Box<[u8]>>,
}

impl Groups {
    /// Creates an empty list.
    pub fn new() -> Self {
        let empty = Bucket {
            words: [0; WORDS],
            group: 0,
        };
        let masks = std::array::from_fn(|len: usize| {
            std::array::from_fn(|word| {
                let bytes = len.saturating_sub(8 * word).min(8);
                if bytes == 8 { u64::MAX } else { (1 << (8 * bytes)) - 1 }
            })
        });
        Self {
            slots: Box::new([empty; SLOTS]),
            masks: Box::new(masks),
            numbers: HashMap::new(),
            bytes: 0,
            joined: HashMap::new(),
            scratch: Vec::new(),
            prefix: Vec::new(),
        }
    }

    /// Begins another file, whose keys all begin with `prefix`.
    pub fn begin(&mut self, prefix: Vec<Box<[u8]>>) {
        self.prefix = prefix;
        self.joined.clear();
        self.slots.iter_mut().for_each(|slot| slot.group = 0);
    }

    /// Returns the number of groups.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the number of the group with this key, a new one if there is none, or `None` if there are too many.
    pub fn number<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]>) -> Option<u32> {
        let key: Key = self.prefix.iter().cloned().chain(fields.map(Box::from)).collect();
        if let Some(&number) = self.numbers.get(&key) {
            return Some(number);
        }
        let bytes = self.bytes + key.iter().map(|field| field.len()).sum::<usize>();
        if self.numbers.len() >= MOST_GROUPS || bytes > MOST_BYTES {
            return None;
        }
        self.bytes = bytes;
        let number = self.numbers.len() as u32;
        self.numbers.insert(key, number);
        Some(number)
    }

    /// Returns the number of the group whose plain key columns are `text[start..end]`, at most [`QUICK`] bytes.
    #[inline(always)]
    pub fn quick(&mut self, text: &Text, start: usize, end: usize) -> Option<u32> {
        const MIX: [u64; WORDS] = [
            0x9e37_79b9_7f4a_7c15,
            0xc2b2_ae3d_27d4_eb4f,
            0x1656_67b1_9e37_79f9,
            0x27d4_eb2f_1656_67c5,
        ];
        let bytes: &[u8; QUICK] = text.get(start..start + QUICK)?.try_into().ok()?;
        let mask = self.masks.get(end - start)?;
        let words: [u64; WORDS] = std::array::from_fn(|word| {
            let bytes = bytes[8 * word..8 * word + 8].try_into();
            bytes.map_or(0, u64::from_le_bytes) & mask[word]
        });
        let mixed = (0..WORDS).fold(0_u64, |mixed, word| {
            mixed.wrapping_add(words[word].wrapping_mul(MIX[word]))
        });
        let slot = (mixed >> (64 - SLOTS.ilog2())) as usize;
        let found = &self.slots[slot % SLOTS];
        if found.words == words && found.group != 0 {
            return Some(found.group - 1);
        }
        self.probe(words, slot, &text[start..end])
    }

    #[cold]
    #[inline(never)]
    fn probe(&mut self, words: [u64; WORDS], slot: usize, key: &[u8]) -> Option<u32> {
        for at in (slot..slot + PROBES).map(|at| at % SLOTS) {
            let found = self.slots[at];
            if found.group == 0 {
                let number = self.number(key.split(|&byte| byte == b','))?;
                self.slots[at] = Bucket {
                    words,
                    group: number + 1,
                };
                return Some(number);
            }
            if found.words == words {
                return Some(found.group - 1);
            }
        }
        self.plain(key)
    }

    /// Returns the number of the group whose plain key columns are `key`, commas between them.
    pub fn plain(&mut self, key: &[u8]) -> Option<u32> {
        if let Some(&number) = self.joined.get(key) {
            return Some(number);
        }
        let number = self.number(key.split(|&byte| byte == b','))?;
        self.joined.insert(key.into(), number);
        Some(number)
    }

    /// Returns the number of the group with these plain key columns, wherever they are.
    pub fn scattered<'a>(&mut self, fields: impl Iterator<Item = &'a [u8]>) -> Option<u32> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for (index, field) in fields.enumerate() {
            if index > 0 {
                scratch.push(b',');
            }
            scratch.extend_from_slice(field);
        }
        let number = if scratch.is_empty() {
            // One key column is never scattered, and two have a comma between them: there is none.
            self.number(std::iter::empty())
        } else {
            self.plain(&scratch)
        };
        self.scratch = scratch;
        number
    }

    /// Returns all keys by the number of their group.
    pub fn keys(&self) -> Vec<&Key> {
        let mut keys: Vec<(&Key, u32)> = self.numbers.iter().map(|(key, &number)| (key, number)).collect();
        keys.sort_by_key(|&(_, number)| number);
        keys.into_iter().map(|(key, _)| key).collect()
    }
}
