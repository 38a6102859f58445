//! What the fuzz targets share with the tests: programs of C calls, decoded from bytes.

// Links the library, whose C functions the machine declares.
use call as _;

#[path = "../../tests/machine/mod.rs"]
pub mod machine;
