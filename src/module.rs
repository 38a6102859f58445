//! Modules: shared objects that register classes, and the objects made of them.

use crate::handle::{Kind, Table};
use crate::hresult::{
    CO_E_DLLNOTFOUND, CO_E_ERRORINDLL, Complaint, E_INVALIDARG, Failure, Hresult, Outcome, REGDB_E_CLASSNOTREG,
    RPC_E_SERVERFAULT, S_OK,
};
use crate::object::{Class, Lease, Object};
use crate::process::Library;
use crate::sync::{Arc, AtomicU32, Global, Mutex, lock};
use crate::unwind;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::mem;

/// `call_module_t`, as the library hands it to a module.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ModuleId {
    pub id: u64,
}

/// `call_module_main_fn`.
pub type MainFn = unsafe extern "C-unwind" fn(module: ModuleId) -> i32;
/// `call_make_fn`.
pub type MakeFn = unsafe extern "C-unwind" fn(user: *mut c_void, self_out: *mut *mut c_void) -> i32;

/// A class that a module registered.
pub struct Registered {
    pub class: Class,
    pub make: Option<MakeFn>,
    /// What `make` is given; without it, the objects' own pointer.
    pub user: *mut c_void,
}

// SAFETY: the pointer is the module's; it is handed back to the class's functions alone.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

/// See the module.
#[derive(Default)]
pub struct Module {
    classes: Mutex<HashMap<Vec<u8>, Arc<Registered>>>,
}

/// The modules whose `call_module_main` runs.
static MODULES: Table<Arc<Module>> = Table::new(Kind::Module);
/// The modules that were loaded, by their paths.
static LOADED: Global<Mutex<HashMap<CString, Arc<Module>>>> = Global::new();

/// In the child of a fork.
pub fn forget() {
    MODULES.forget();
    LOADED.forget();
}

/// The module of that path, loaded if it was not; it stays.
pub fn load(path: &CStr) -> Result<Arc<Module>, Complaint> {
    let loaded = LOADED.get_or_make(|| Mutex::new(HashMap::new()));
    if let Some(module) = lock(loaded).get(path) {
        return Ok(Arc::clone(module));
    }
    let library = Library::load(path).map_err(|why| Complaint::new(CO_E_DLLNOTFOUND, why))?;
    let name = || path.to_string_lossy();
    let main = library.symbol(c"call_module_main");
    let main = main.ok_or_else(|| Complaint::new(CO_E_ERRORINDLL, format!("{}: no call_module_main", name())))?;
    // SAFETY: a module exports a function of this type by that name.
    let main = unsafe { mem::transmute::<*mut c_void, MainFn>(main) };
    let module = introduce(main)
        .map_err(|complaint| Complaint::new(complaint.code, format!("{}: {}", name(), complaint.text)))?;
    // Of two threads that loaded it the first one's stays.
    Ok(Arc::clone(lock(loaded).entry(path.to_owned()).or_insert(module)))
}

/// Has a module register its classes.
pub fn introduce(main: MainFn) -> Result<Arc<Module>, Complaint> {
    let module = Arc::new(Module::default());
    let id = MODULES.insert(Arc::clone(&module)).map_err(|(failure, _)| failure)?;
    // SAFETY: the program's, by its promise, or a module's, by its name.
    let ran = unwind::catch(|| unsafe { main(ModuleId { id }) });
    // Registered after this is registered too late.
    let released = MODULES.release(id);
    drop(released);
    match ran {
        Ok(0..) => Ok(module),
        Ok(code) => {
            let text = format!("call_module_main failed with 0x{code:08X}");
            Err(Complaint::new(CO_E_ERRORINDLL, text))
        }
        Err(panic) => Err(Complaint::new(RPC_E_SERVERFAULT, format!("call_module_main panicked: {panic}"))),
    }
}

/// Registers a class of a module whose `call_module_main` runs.
pub fn register(id: u64, name: &CStr, registered: Registered) -> Outcome {
    if name.is_empty() {
        return Err(Failure::because(E_INVALIDARG, "a class without a name"));
    }
    let module = MODULES.with(id, Arc::clone)?;
    let mut classes = lock(&module.classes);
    if classes.contains_key(name.to_bytes()) {
        return Err(Failure::because(E_INVALIDARG, "a class of that name is registered"));
    }
    classes.insert(name.to_bytes().to_vec(), Arc::new(registered));
    Ok(S_OK)
}

impl Module {
    /// An object of that class, living in that apartment. `change` has the last word on the class.
    pub fn make(
        &self,
        class: &[u8],
        lease: Arc<dyn Lease>,
        change: impl FnOnce(&mut Class),
    ) -> Result<Object, Complaint> {
        let registered = lock(&self.classes).get(class).map(Arc::clone);
        let shown = String::from_utf8_lossy(class);
        let Some(registered) = registered else {
            let text = format!("the module has no class {shown}");
            return Err(Complaint::new(REGDB_E_CLASSNOTREG, text));
        };
        let mut this = registered.user;
        if let Some(make) = registered.make {
            this = std::ptr::null_mut();
            // SAFETY: the module promised a function of this type, to be called with its pointer.
            match unwind::catch(|| unsafe { make(registered.user, &raw mut this) }) {
                Ok(0..) => {}
                Ok(code) => {
                    return Err(Complaint::new(Hresult(code), format!("the class {shown} makes no object")));
                }
                Err(panic) => {
                    return Err(Complaint::new(RPC_E_SERVERFAULT, format!("the class {shown} panicked: {panic}")));
                }
            }
        }
        let mut class = registered.class.clone();
        change(&mut class);
        Ok(Object { class, this, lease, disconnected: AtomicU32::new(0) })
    }
}
