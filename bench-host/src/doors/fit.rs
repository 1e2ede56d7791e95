// SPDX-License-Identifier: MIT OR Apache-2.0
//! A flattened image tree: a device tree blob with the kernel in it, and a digest that U-Boot verifies.

use dtoolkit::error::ModelError;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use sha2::{Digest, Sha256};

/// The name of the configuration, which U-Boot is told.
pub const CONFIGURATION: &str = "c";

/// Returns the image tree of a kernel.
///
/// The kernel is of the type that is not loaded to an address of the image tree's choice: U-Boot puts it where an arm64
/// Image may stand on this board, so that one file does for all boards.
pub fn tree(kernel: &[u8]) -> Result<Vec<u8>, ModelError> {
    let text = |name: &str, value: &str| DeviceTreeProperty::new(name, [value.as_bytes(), &[0]].concat().as_slice());
    let cell = |name: &str, value: u32| DeviceTreeProperty::new(name, value.to_be_bytes().as_slice());
    let digest = Sha256::digest(kernel);
    let hash = DeviceTreeNode::builder("hash-1")?
        .property(text("algo", "sha256")?)
        .property(DeviceTreeProperty::new("value", digest.as_slice())?)
        .build();
    let image = DeviceTreeNode::builder("kernel")?
        .property(text("description", "el2-kernel")?)
        .property(DeviceTreeProperty::new("data", kernel)?)
        .property(text("type", "kernel_noload")?)
        .property(text("arch", "arm64")?)
        .property(text("os", "linux")?)
        .property(text("compression", "none")?)
        .property(cell("load", 0)?)
        .property(cell("entry", 0)?)
        .child(hash)
        .build();
    let configuration = DeviceTreeNode::builder(CONFIGURATION)?
        .property(text("description", "el2-kernel, with the device tree of the firmware")?)
        .property(text("kernel", "kernel")?)
        .build();
    let mut tree = DeviceTree::new();
    tree.root.add_property(text("description", "el2-kernel")?);
    tree.root.add_property(cell("timestamp", 0)?);
    tree.root.add_property(cell("#address-cells", 1)?);
    tree.root
        .add_child(DeviceTreeNode::builder("images")?.child(image).build());
    tree.root.add_child(
        DeviceTreeNode::builder("configurations")?
            .property(text("default", CONFIGURATION)?)
            .child(configuration)
            .build(),
    );
    Ok(tree.to_dtb())
}

#[cfg(test)]
mod tests {
    use dtoolkit::fdt::Fdt;
    use dtoolkit::{Node, Property};

    use super::*;

    #[test]
    fn the_kernel_is_in_the_tree_with_its_digest() {
        let kernel = [7; 5000];
        let blob = tree(&kernel).unwrap();
        let fdt = Fdt::new(&blob).unwrap();
        let image = fdt.find_node("/images/kernel").unwrap();
        assert_eq!(image.property("data").unwrap().value(), &kernel[..]);
        assert_eq!(image.property("type").unwrap().value(), b"kernel_noload\0");
        let hash = fdt.find_node("/images/kernel/hash-1").unwrap();
        assert_eq!(
            hash.property("value").unwrap().value(),
            Sha256::digest(kernel).as_slice()
        );
        let default = fdt.find_node("/configurations").unwrap();
        assert_eq!(
            default.property("default").unwrap().value(),
            format!("{CONFIGURATION}\0").as_bytes()
        );
    }
}
