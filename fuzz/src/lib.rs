//! What the fuzz targets share with the tests: programs of C calls, and hostile children and hosts, decoded from bytes.

// Links the library, whose C functions are declared.
use call as _;

pub mod counters;
#[path = "../../tests/hostile/mod.rs"]
pub mod hostile;
#[path = "../../tests/machine/mod.rs"]
pub mod machine;

use machine::bindings;
