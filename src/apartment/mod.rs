//! Apartments: where objects live and their methods run.

mod close;
mod desk;
mod gather;
mod multi;
mod pool;
mod shutdown;
mod solo;

use crate::handle::{Handle, Kind, Table};
use crate::hresult::{Failure, RPC_E_WRONG_THREAD};
use crate::object::{Home, Lease, Remote};
use crate::sync::{Arc, Global};
use crate::time::Deadline;
use desk::{Desk, ORPHANED};
use multi::Multi;
use solo::Solo;

pub use close::close;
pub use shutdown::shutdown;

/// The apartments that the program holds.
pub static APARTMENTS: Table<Arc<Residence>> = Table::new(Kind::Apartment);

/// The process-wide apartment behind the null handle.
static DEFAULT: Global<Arc<Residence>> = Global::new();

/// Who serves an apartment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Staff {
    /// A pool of threads.
    Multi,
    /// The thread that made it.
    Single,
    /// One thread of the library.
    Serial,
}

/// How an apartment is made.
pub struct Settings {
    pub staff: Staff,
    /// Threads kept ready; 0: one per CPU.
    pub workers: u32,
    /// How far it may grow; 0: [`Settings::MOST`], or `workers` if that is more.
    pub max_workers: u32,
    /// Calls waiting to start; 0: no limit.
    pub queue_limit: u32,
    pub name: String,
    /// Where all its methods run, if that is elsewhere.
    pub remote: Option<Arc<dyn Remote>>,
}

impl Settings {
    const MOST: u32 = 512;
    /// What the pool's word can count.
    pub const LIMIT: u32 = 0x7FFF;
}

impl Default for Settings {
    fn default() -> Self {
        let (staff, name) = (Staff::Multi, "call".to_owned());
        Self { staff, workers: 0, max_workers: 0, queue_limit: 0, name, remote: None }
    }
}

/// What closing needs of an apartment, beside what its executions need.
trait Apartment: Home {
    fn desk(&self) -> &Desk;
    /// The methods that run on its threads.
    fn running(&self) -> Vec<Handle>;
    /// Lets idle threads see a flag that ends them.
    fn rouse(&self);
    /// Serves on the owner's thread; gives the number of methods run.
    fn pump(&self, _deadline: Deadline) -> Result<u32, Failure> {
        Err(SERVES_ITSELF)
    }
    /// Readable while calls are queued for the owner.
    fn descriptor(&self) -> Result<i32, Failure> {
        Err(SERVES_ITSELF)
    }
}

const SERVES_ITSELF: Failure = Failure::because(RPC_E_WRONG_THREAD, "the apartment serves itself");

/// An apartment as its users hold it, by its handle and by the objects that live in it. When the last
/// of them goes, its threads end.
pub struct Residence(Arc<dyn Apartment>);

impl Residence {
    fn new(settings: Settings) -> Arc<Self> {
        let apartment: Arc<dyn Apartment> = match settings.staff {
            Staff::Multi => Multi::new(settings),
            Staff::Single => Solo::of_this_thread(settings),
            Staff::Serial => Solo::of_the_library(settings),
        };
        shutdown::note(&apartment);
        Arc::new(Self(apartment))
    }
}

impl Drop for Residence {
    fn drop(&mut self) {
        self.0.desk().raise(ORPHANED);
        self.0.rouse();
    }
}

impl Lease for Residence {
    #[inline]
    fn home(&self) -> &dyn Home {
        &*self.0
    }
}

/// Makes an apartment; threads of the library's start with the first calls.
pub fn create(settings: Settings) -> Result<u64, Failure> {
    APARTMENTS.insert(Residence::new(settings)).map_err(|(failure, _)| failure)
}

/// An apartment that no handle names.
pub fn private(settings: Settings) -> Arc<dyn Lease> {
    Residence::new(settings)
}

/// Where an object of that apartment handle lives.
pub fn lease(id: u64) -> Result<Arc<dyn Lease>, Failure> {
    let residence =
        if id == 0 { Arc::clone(DEFAULT.get_or_make(|| Residence::new(Settings::default()))) } else { find(id)? };
    residence.0.desk().open()?;
    Ok(residence)
}

/// Serves an apartment on the thread that owns it; gives the number of methods run.
pub fn pump(id: u64, deadline: Deadline) -> Result<u32, Failure> {
    find(id)?.0.pump(deadline)
}

/// The descriptor of an apartment for its owner's event loop.
pub fn descriptor(id: u64) -> Result<i32, Failure> {
    find(id)?.0.descriptor()
}

/// The apartment of a handle.
fn find(id: u64) -> Result<Arc<Residence>, Failure> {
    APARTMENTS.with(id, Arc::clone)
}

/// In the child of a fork.
pub fn forget() {
    DEFAULT.forget();
    APARTMENTS.forget();
    shutdown::forget();
}
