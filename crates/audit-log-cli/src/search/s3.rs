//! Objects of S3: the place where a reader of them goes in.

use anyhow::bail;
use audit_search::Input;

/// The objects whose names begin with the address `s3://bucket/prefix`, as inputs, in the order of their names.
pub(super) fn inputs(address: &str) -> anyhow::Result<Vec<Input>> {
    if cfg!(feature = "s3") {
        bail!("{address}: this version does not search S3 itself; fetch the objects and search the files");
    }
    bail!(
        "{address}: S3 is not built into this version; build with `--features s3`, or fetch the objects and search the files"
    )
}
