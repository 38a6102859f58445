//! Apartments: where objects live and their methods run.

mod close;
mod multi;
mod pool;

pub use multi::Settings;

use crate::handle::{Kind, Table};
use crate::hresult::Failure;
use crate::object::Home;
use crate::sync::{Arc, Global};
use multi::Residence;

/// The apartments that the program holds.
pub static APARTMENTS: Table<Arc<Residence>> = Table::new(Kind::Apartment);

/// The process-wide apartment behind the null handle.
static DEFAULT: Global<Arc<Residence>> = Global::new();

/// Makes an apartment; its threads start with the first call.
pub fn create(settings: Settings) -> Result<u64, Failure> {
    APARTMENTS.insert(Residence::new(settings)).map_err(|(failure, _)| failure)
}

/// Where an object of that apartment handle lives.
pub fn home(id: u64) -> Result<Arc<dyn Home>, Failure> {
    let residence = if id == 0 {
        Arc::clone(DEFAULT.get_or_make(|| Residence::new(Settings::default())))
    } else {
        APARTMENTS.with(id, Arc::clone)?
    };
    residence.open()?;
    Ok(residence)
}

/// The apartment of a handle.
pub fn find(id: u64) -> Result<Arc<Residence>, Failure> {
    APARTMENTS.with(id, Arc::clone)
}

/// In the child of a fork.
pub fn forget() {
    DEFAULT.forget();
    APARTMENTS.forget();
}
