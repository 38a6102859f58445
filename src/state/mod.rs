//! The state of one execution: one atomic word, written here alone.
//!
//! ```text
//!            begin            start            leave | complete
//!   opened ---------> queued ---------> running ---------------> ended
//!                       |                  |
//!   client's side       | cancel           | cancel(0), end of grace, close
//!                       v                  v
//!                     done, never        done, abandoned          done, delivered
//!                     started            (the method goes on)
//!                       |                  |                         |
//!                       +------------------+--- finish --------------+--> finished
//!                                          |
//!                     last hold gone: vacant, the slot serves another execution; or, where nobody is
//!                     at work on it, parked by its call object's slot for the next one
//! ```
//!
//! | bit | set by | cleared by | meaning |
//! | --- | --- | --- | --- |
//! | `BEGUN` | begin | reopening | a call is in progress or was; before it the execution is only named |
//! | `STARTED` | start | | the method body was entered |
//! | `ON_STACK` | start | leave, defer | `invoke` has not returned: its input must stay |
//! | `DEFERRED` | defer | | the method goes on without a thread of ours |
//! | `ENDED` | leave, complete, skip | | the method is over, or will never run and is off the queue |
//! | `CANCEL` | `request_cancel` | | the server is asked to stop |
//! | `DONE` | the one terminal transition | | the client's side is complete |
//! | `ABANDONED` | `request_cancel`, abandon, lose | | the terminal transition was a cancel's: no result, no output |
//! | `STOPPED` | leave, complete | | a cancel was requested, and the method's own result says canceled |
//! | `COMPLETED` | complete, lose | | the result was given by `call_context_complete`, or for a lost process, not by a return |
//! | `KILLED` | lose | | the process of the method is gone; with `STOPPED`: it was gone before the method was entered |
//! | `FINISHED` | finish | | the client collected it |
//! | `DETACHED` | detach | | the call object let go of it |
//! | `LOCKED` | lock | unlock, complete | one thread works on output, message and progress |
//! | `WAITERS` | `add_waiter` | | threads sleep on the execution's event |
//! | `TIMED` | `link_timer` | `unlink_timer` | on the timer's list; survives reuse |
//! | `ERROR` | unlock | | there is a message |
//! | `PROGRESS` | unlock | | the method told how far it is |
//! | `DIRECT` | begin | | begun on the client's thread: canceled through the class, if at all |
//! | `TELLS` | begin, unlock | tell | the server wants to be told of a cancel, or calls begun for it are |
//! | `TELLING` | tell | told | it is being told |
//! | `DISABLED` | disable | enable | the method does not want to hear of a cancel now |
//! | `CANCELABLE` | begin | | direct, and its class can be asked to cancel it |
//! | `ASKING` | ask | asked | its class is being asked |
//! | `ASK_LATER` | `ask_later` | ask | the timer's thread is to ask it |
//! | `OBSERVED` | begin, unlock | `DONE` | somebody is to be told of the completion |
//! | `NOTIFYING` | `DONE` | notified | they are being told, or it lies in a completion queue |
//! | `NOTIFY_LATER` | `notify_later` | `notify_now` | the timer's thread is to tell them |
//! | `LOOKED` | looked, `request_cancel` | | the method has looked since, and seen the cancel, or nobody wants to know |
//! | `UNREPORTED` | `request_cancel` | reported | the cancel is to be reported to the trace hook |
//! | cause | `request_cancel` | | who asked first: gives the code of an abandoned call |
//! | holds | hold | unhold | threads that must still see how this execution ended |
//!
//! What nobody clears goes when the execution is opened again. `DONE` moves `OBSERVED` on to
//! `NOTIFYING`, at once or, where the data is locked, when it is unlocked. **Exactly one** transition sets
//! `DONE`; its caller delivers. **Exactly one** makes the word vacant; its caller frees the slot.

mod transition;
mod word;

pub use transition::*;
pub use word::{Gone, Missed, Taken, Word};

#[cfg(test)]
mod walk;
