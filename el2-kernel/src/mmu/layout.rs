// SPDX-License-Identifier: MIT OR Apache-2.0
//! The runtime region: the image, and behind it the windows that the kernel maps for itself.

use results::scenario::MAX_LIVE;

use crate::mmu::identity_slot::Region;

/// What one level 2 entry translates.
const SLOT: u64 = 2 << 20;

/// Pages of a probe window.
pub const WINDOW_PAGES: u64 = 64;
/// Pages of the window that sequences are timed on; one more than a scenario touches, for other PEs to invalidate.
pub const LIVE_PAGES: u64 = MAX_LIVE as u64 + 1;

/// Virtual addresses of everything in the runtime region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The image, at its load address plus a constant.
    pub image: u64,
    /// The console from the moment the MMU is on: exceptions must be able to speak before there is a fixmap.
    pub early_console: u64,
    /// The fixmap slot, whose level 2 entry the fixmap set-up installs.
    pub fixmap: u64,
    /// Pages that the page checks change.
    pub pages: u64,
    /// Pages behind the level 2 entry that the table check removes.
    pub under_table: u64,
    /// A level 2 entry for blocks.
    pub block: u64,
    /// The arena of the timed stubs, writable.
    pub arena: u64,
    /// A level 1 entry for blocks, in a level 0 slot of its own; the next one holds pages behind a level 1 entry.
    pub far: u64,
    /// Pages that sequences are timed on: [`LIVE_PAGES`] of them, in the level 0 slot of `far`.
    pub live: u64,
    /// The vectors of `platform::rescue` once more, and behind them the interrupt controller, in the level 0 slot
    /// of `far`: to be found when the image is not.
    pub rescue: u64,
}

/// What one level 1 entry translates.
pub const FAR_SLOT: u64 = 1 << 30;

impl Layout {
    /// Returns how much virtual address space the region takes, for an image of `size` bytes at any 4 KiB offset.
    pub const fn region_size(size: u64) -> u64 {
        size.next_multiple_of(SLOT) + 7 * SLOT
    }

    /// Lays out the region of an image loaded at `load`.
    pub const fn new(region: Region, size: u64, load: u64) -> Self {
        // A level 0 slot that neither map uses: what is changed there cannot reach them.
        let mut far = 0;
        while far == load >> 39 || far == region.start >> 39 || far == (region.start + region.size - 1) >> 39 {
            far += 1;
        }
        // Each window has a level 2 entry of its own; they start behind the last one that the image can touch.
        let windows = (region.start + size).next_multiple_of(SLOT);
        Self {
            image: region.start,
            early_console: windows,
            fixmap: windows + SLOT,
            pages: windows + 2 * SLOT,
            under_table: windows + 3 * SLOT,
            block: windows + 4 * SLOT,
            arena: windows + 5 * SLOT,
            far: far << 39,
            live: (far << 39) + 2 * FAR_SLOT,
            rescue: (far << 39) + 3 * FAR_SLOT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_behind_the_image_and_inside_the_region() {
        for start in [0x20_0000, 0x20_1000, 0x3f_f000] {
            for size in [0x1000, 0x1f_f000, 0x20_0000, 0x20_1000] {
                let layout = Layout::new(
                    Region {
                        start,
                        size: Layout::region_size(size),
                    },
                    size,
                    0x80_0000_0000,
                );
                let windows = [
                    layout.early_console,
                    layout.fixmap,
                    layout.pages,
                    layout.under_table,
                    layout.block,
                    layout.arena,
                ];
                assert!(windows[0] >= start + size);
                assert!(windows.iter().all(|window| window % SLOT == 0));
                assert!(windows.windows(2).all(|pair| pair[0] < pair[1]));
                assert_eq!(layout.far, 2 << 39);
                assert!(windows[5] + SLOT <= start + Layout::region_size(size));
            }
        }
    }
}
