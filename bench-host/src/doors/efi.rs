// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel for UEFI, which is a PE file too: for a boot manager of firmware, and for GRUB.

use std::io::{self, Cursor, Write};

use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions, format_volume};

use super::{File, KERNEL};

/// What to do with the folder for firmware's own boot manager.
pub const THEN_UEFI: &str =
    "copy EFI to a FAT file system, or write el2-kernel-disk.img to a USB stick (README.txt says how)";
/// What to do with the folder for GRUB.
pub const THEN_GRUB: &str = "copy it to a file system that GRUB reads (README.txt says how)";

/// Where firmware looks on a removable medium (UEFI 2.10, section 3.5.1.1).
const BOOT: [&str; 3] = ["EFI", "BOOT", "BOOTAA64.EFI"];

const UEFI_README: &str = "\
el2-kernel for UEFI:

EFI/BOOT/BOOTAA64.EFI  copy the folder EFI to a FAT-formatted medium; firmware starts it by itself, or by its boot menu.
                       From the UEFI shell: fs0:\\EFI\\BOOT\\BOOTAA64.EFI. Over the network: as the boot file (HTTP, PXE).
el2-kernel-disk.img    the same as a whole disk with one partition: dd if=el2-kernel-disk.img of=/dev/sdX bs=1M, where
                       /dev/sdX is the USB stick, all of which is overwritten; or the virtual medium of a BMC.

Secure Boot has to be off: the file is not signed. Firmware has to hand over at EL2, as that of servers does. The console
is that of the device tree, or of ACPI's SPCR table; where there is neither, bench-host image --console names it. The
kernel ends by turning the machine off.
";

const GRUB_README: &str = "\
el2-kernel for GRUB (arm64, under UEFI), by either of these:

boot/grub/grub.cfg     copy the folder to the root of the file system that GRUB starts from
el2-kernel.img         by hand, at GRUB's prompt:
    search --set=root --file /el2-kernel.img; linux /el2-kernel.img; boot
    or as an entry of an installed system, in /etc/grub.d/40_custom, which update-grub takes up

Secure Boot has to be off: the file is not signed.
";

const GRUB_CONFIG: &str = "\
# GRUB: el2-kernel, by the device tree or the ACPI tables of the firmware
set timeout=1
search --no-floppy --set=root --file /el2-kernel.img
menuentry \"el2-kernel\" {
  linux /el2-kernel.img
}
";

/// Returns the files for firmware's own boot manager.
pub fn uefi(kernel: &[u8]) -> io::Result<Vec<File>> {
    Ok(vec![
        ("EFI/BOOT/BOOTAA64.EFI", kernel.to_vec()),
        ("el2-kernel-disk.img", disk(kernel)?),
        ("README.txt", UEFI_README.into()),
    ])
}

/// Returns the files for GRUB.
pub fn grub(kernel: &[u8]) -> Vec<File> {
    vec![
        (KERNEL, kernel.to_vec()),
        ("boot/grub/grub.cfg", GRUB_CONFIG.into()),
        ("README.txt", GRUB_README.into()),
    ]
}

const SECTOR: usize = 512;
/// Where the partition begins: 1 MiB, as partitioning tools have it.
const START: usize = 1 << 20;
/// Its size: the least that is FAT16 with clusters of 2 KiB, and room for a kernel that grows.
const SIZE: usize = 16 << 20;

/// Makes a disk with a master boot record and one EFI system partition.
fn disk(kernel: &[u8]) -> io::Result<Vec<u8>> {
    /// Type of an EFI system partition (UEFI 2.10, section 5.2.2).
    const ESP: u8 = 0xef;
    /// No cylinders, heads and sectors: the numbers of blocks count.
    const NO_CHS: [u8; 3] = [0xff; 3];
    let mut disk = vec![0; START];
    let entry = &mut disk[446..462];
    entry[1..4].copy_from_slice(&NO_CHS);
    entry[4] = ESP;
    entry[5..8].copy_from_slice(&NO_CHS);
    entry[8..12].copy_from_slice(&((START / SECTOR) as u32).to_le_bytes());
    entry[12..16].copy_from_slice(&((SIZE / SECTOR) as u32).to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk.extend(file_system(kernel)?);
    Ok(disk)
}

fn file_system(kernel: &[u8]) -> io::Result<Vec<u8>> {
    let mut volume = Cursor::new(vec![0; SIZE]);
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat16)
        .bytes_per_cluster(2048)
        .volume_label(*b"EL2-KERNEL ");
    format_volume(&mut volume, options)?;
    let files = FileSystem::new(&mut volume, FsOptions::new())?;
    let [efi, boot, name] = BOOT;
    let folder = files.root_dir().create_dir(efi)?.create_dir(boot)?;
    let mut file = folder.create_file(name)?;
    file.write_all(kernel)?;
    file.flush()?;
    drop((file, folder));
    files.unmount()?;
    Ok(volume.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_disk_has_the_kernel_where_firmware_looks() {
        let kernel: Vec<u8> = (0..700_000_u32).map(|at| (at * 7) as u8).collect();
        let disk = disk(&kernel).unwrap();
        assert_eq!(disk.len(), START + SIZE);
        assert_eq!((disk[450], &disk[510..512]), (0xef, &[0x55, 0xaa][..]));
        let files = FileSystem::new(Cursor::new(disk[START..].to_vec()), FsOptions::new()).unwrap();
        let mut read = Vec::new();
        let root = files.root_dir();
        root.open_file(&BOOT.join("/")).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == kernel);
        assert!(disk == super::disk(&kernel).unwrap(), "no dates");
    }
}
