//! Data that the library guards by a word, as one of loom's cells: loom fails the model where two
//! threads touch it and nothing orders them, at least one to write.

use loom::cell::UnsafeCell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

struct Cells {
    unused: Vec<Rc<UnsafeCell<()>>>,
    by_address: HashMap<usize, Rc<UnsafeCell<()>>>,
}

std::thread_local! {
    static CELLS: RefCell<Cells> = RefCell::new(Cells { unused: Vec::new(), by_address: HashMap::new() });
}

/// Makes cells for one execution, before any thread starts: loom takes the making of one for a write.
pub fn prepare(count: usize) {
    let unused = (0..count).map(|_| Rc::new(UnsafeCell::new(()))).collect();
    CELLS.replace(Cells { unused, by_address: HashMap::new() });
}

/// The cell of an address.
pub struct Tracked(usize);

impl Tracked {
    pub fn of<T>(data: *const T) -> Self {
        Self(data.addr())
    }

    fn cell(&self) -> Rc<UnsafeCell<()>> {
        CELLS.with_borrow_mut(|cells| {
            let Cells { unused, by_address } = cells;
            let first_use = || unused.pop().expect("the model tracks more than it said");
            Rc::clone(by_address.entry(self.0).or_insert_with(first_use))
        })
    }

    pub fn read(self) {
        self.cell().with(|_| ());
    }

    pub fn write(self) {
        self.cell().with_mut(|_| ());
    }

    /// Its memory may become another's.
    pub fn end(self) {
        self.cell().with_mut(|_| ());
        CELLS.with_borrow_mut(|cells| cells.by_address.remove(&self.0));
    }
}
